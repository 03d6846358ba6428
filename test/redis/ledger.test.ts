// The ledger in Redis against a server of our own that forgets, is replaced, hangs or is cut off: removals are never lost sight of unnoticed.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Epoch } from '#dist/core/entry.js';
import { type Ledger, marks, mostMarks } from '#dist/core/ledger.js';
import { Environment } from '#dist/disk/environment.js';
import { diskJournal } from '#dist/disk/journal.js';
import { openRedis, type RedisConnection } from '#dist/redis/connection.js';
import { type RedisLedgerOptions, redisLedger } from '#dist/redis/ledger.js';
import { seededRandom } from '#dist/testing/index.js';
import { startChild, temporaryDirectory, until } from '../disk/support.js';
import { FaultProxy } from '../faults/proxy.js';
import { freePort, noRedis, type RedisServer, startRedis } from '../tiers/support.js';
import { startServer } from './support.js';

const test = suite('redis ledger');
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
console.log(`seed ${seed}`);

const stream = 'llm-cache:{removals}';
const pollMs = 20;
const entryOf = (key: string, epoch: Epoch, tags: string[] = []) => ({ key, scope: 's', epoch, tags });

interface Opened {
  readonly ledger: Ledger;
  readonly connection: RedisConnection;
  close(): Promise<void>;
}

async function open(port: number, options: RedisLedgerOptions = {}): Promise<Opened> {
  const connection = await openRedis({ port, commandTimeoutMs: 200 });
  const ledger = await redisLedger(connection, { pollMs, ...options });
  return {
    ledger,
    connection,
    async close() {
      await ledger.close();
      await connection.close();
    },
  };
}

/** Waits until the ledger has read the stream once more, from now on. */
async function readAgain(ledger: Ledger): Promise<void> {
  const from = performance.now();
  await until('the stream is read', () => ledger.health().staleMs < performance.now() - from);
}

/** A TCP proxy to a port that may change between connections, as a name that moves to another server. */
async function movableProxy(target: () => number) {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target(), '127.0.0.1');
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    drop,
    async close() {
      drop();
      server.close();
      await once(server, 'close');
    },
  };
}

test('without a server it opens at once, notes and queues; the process may end', async () => {
  const started = performance.now();
  const { ledger, close } = await open(await freePort(), { maxStaleMs: 1000 });
  assert.ok(performance.now() - started < 1000, `${performance.now() - started} ms`);
  // Stamped by another process, long ago and by another clock.
  const held = entryOf('k', Date.now() * 1024 - 1);
  assert.is(ledger.isAlive(held), true);
  assert.is(await ledger.remove([marks.key('k')]), false);
  assert.is(ledger.isAlive(held), false);
  assert.is(ledger.isAlive(entryOf('k', ledger.epoch)), true);
  assert.is(ledger.isCurrent(), false);
  assert.is(ledger.health().queued, 1);
  for (let i = 0; i < mostMarks + 10; i += 1000) {
    await ledger.remove(Array.from({ length: 1000 }, (_, j) => marks.tag(`${i + j}`)));
  }
  assert.ok(ledger.health().queued < 1000, `${ledger.health().queued} queued, of which one is everything`);
  assert.is(ledger.isAlive(held), false);
  assert.is(ledger.isAlive(entryOf('other', ledger.epoch)), true);
  await close();
});

if (noRedis === undefined) withServer(await startRedis());
else {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
}

function withServer(server: RedisServer): void {
  const raw = new Redis({ port: server.port });
  test.after(async () => {
    raw.disconnect();
    await server.stop();
  });
  test.before.each(async () => {
    await raw.flushall();
  });
  const two = async (options?: RedisLedgerOptions) =>
    [await open(server.port, options), await open(server.port, options)] as const;

  test('each sees what the other removed, and agrees on its epoch', async () => {
    const [a, b] = await two();
    await readAgain(a.ledger);
    await readAgain(b.ledger);
    const old = entryOf('k', Math.max(a.ledger.epoch, b.ledger.epoch), ['t']);
    assert.is(a.ledger.isAlive(old), true);
    const removed = a.ledger.remove([marks.tag('t'), marks.key('unrelated')]);
    assert.is(a.ledger.isAlive(old), false, 'at once');
    assert.is(await removed, true);
    assert.is(a.ledger.isAlive({ ...old, epoch: a.ledger.epoch }), true);
    await until('the other sees it', () => !b.ledger.isAlive(old), 2000);
    await readAgain(b.ledger);
    assert.is(b.ledger.epoch, a.ledger.epoch);
    assert.is(b.ledger.isAlive({ ...old, epoch: a.ledger.epoch }), true);
    assert.is(b.ledger.isAlive(entryOf('other', old.epoch)), true);
    const late = await open(server.port);
    assert.is(late.ledger.isAlive(old), false);
    assert.is(late.ledger.isAlive(entryOf('other', old.epoch)), true);
    assert.is(late.ledger.isAlive(entryOf('other', 0)), false, 'older than the stream');
    for (const each of [a, b, late]) {
      assert.is(each.ledger.health().gaps, 0);
      await each.close();
    }
  });

  test('after FLUSHALL everything older is given up by all, and new answers live', async () => {
    const [a, b] = await two();
    await a.ledger.remove([marks.key('k')]);
    const old = entryOf('other', a.ledger.epoch);
    await raw.flushall();
    for (const { ledger } of [a, b]) {
      await until('it is noticed', () => !ledger.isAlive(old), 2000);
      await readAgain(ledger);
      assert.is(ledger.health().gaps, 1);
    }
    await readAgain(a.ledger);
    const anew = entryOf('other', a.ledger.epoch);
    await readAgain(b.ledger);
    assert.is(a.ledger.isAlive(anew), true);
    assert.is(b.ledger.isAlive(anew), true);
    await a.close();
    await b.close();
  });

  test('a stream trimmed beyond what was read costs only the one that had not read it', async () => {
    const [a, b] = await two();
    await a.ledger.remove([marks.key('k')]);
    await readAgain(b.ledger);
    const old = entryOf('other', a.ledger.epoch);
    // In one step, so that nobody reads in between.
    await raw
      .multi()
      .xadd(stream, '*', 'm', 'k:1')
      .xadd(stream, '*', 'm', 'k:2')
      .xtrim(stream, 'MAXLEN', 1)
      .exec();
    for (const { ledger } of [a, b]) {
      await until('it is noticed', () => ledger.health().gaps === 1, 2000);
      await readAgain(ledger);
      assert.is(ledger.isAlive(old), false);
      assert.is(ledger.isAlive(entryOf('other', ledger.epoch)), true);
    }
    assert.is(await raw.xlen(stream), 1, 'nobody else is told to give up');
    await a.close();
    await b.close();
  });

  test('who watches is told once when others cannot be heard, and once when they can', async () => {
    const proxy = await FaultProxy.start(server.port);
    const a = await open(proxy.port, { maxStaleMs: 200 });
    const states: string[] = [];
    a.ledger.watch(({ state, sinceMs }) => {
      assert.type(sinceMs, 'number');
      states.push(state);
    });
    await readAgain(a.ledger);
    assert.equal(states, []);
    proxy.set({ blackHole: true });
    await until('it is told', () => states.length === 1);
    assert.is(a.ledger.health().state, 'lost');
    proxy.set();
    await until('it is told again', () => states.length === 2, 5000);
    assert.equal(states, ['lost', 'ok']);
    await a.close();
    await proxy.close();
  });

  test('a field that this version does not know, or bytes of another type, never make an answer live', async () => {
    const a = await open(server.port, { maxStaleMs: 300 });
    await readAgain(a.ledger);
    const old = entryOf('k', a.ledger.epoch);
    await raw.xadd(stream, '*', 'later version', 'something');
    await until('it counts as everything', () => !a.ledger.isAlive(old), 2000);
    await raw.set(stream, 'a text');
    await until('it is not confirmed any more', () => !a.ledger.isCurrent(), 2000);
    assert.is(await a.ledger.remove([marks.key('k')]), false);
    await raw.del(stream);
    await until('it is current again', () => a.ledger.isCurrent() && a.ledger.health().queued === 0, 3000);
    await a.close();
  });

  test('more removals in one millisecond than it has epochs keep their order', async () => {
    const a = await open(server.port);
    await readAgain(a.ledger);
    const ms = Date.now() + 1000;
    const pipeline = raw.pipeline();
    for (let i = 0; i < 3000; i++) pipeline.xadd(stream, `${ms}-${i}`, 'm', 'k:early');
    await pipeline.exec();
    await until('they are read', () => a.ledger.epoch >= ms * 1024 + 2999, 3000);
    const entry = entryOf('late', a.ledger.epoch);
    await raw.xadd(stream, `${ms + 1}-0`, 'm', 'k:late');
    await until('the next millisecond is later', () => !a.ledger.isAlive(entry), 2000);
    await a.close();
  });

  test('a server killed and empty after it: all is given up, what was queued is told, and it is current again', async () => {
    let own = await startRedis();
    const a = await open(own.port, { maxStaleMs: 300 });
    const b = await open(own.port);
    await a.ledger.remove([marks.key('k')]);
    await readAgain(b.ledger);
    const old = entryOf('x', Math.max(a.ledger.epoch, b.ledger.epoch));
    await own.stop();
    await until('it knows that it may be stale', () => !a.ledger.isCurrent(), 3000);
    assert.is(b.ledger.isCurrent(), true, 'no limit was set');
    const queuedAt = performance.now();
    assert.is(await a.ledger.remove([marks.key('x'), marks.tag('t')]), false);
    assert.ok(performance.now() - queuedAt < 1000);
    assert.is(a.ledger.health().queued, 2);
    const during = entryOf('y', b.ledger.epoch);
    own = await startRedis(own.port);
    await until('it is current', () => a.ledger.isCurrent() && a.ledger.health().queued === 0, 8000);
    for (const { ledger } of [a, b]) {
      await until('the gap is seen', () => ledger.health().gaps > 0, 8000);
      await readAgain(ledger);
      assert.is(ledger.isAlive(old), false);
      assert.is(ledger.isAlive(during), false);
    }
    await readAgain(b.ledger);
    assert.is(b.ledger.isAlive(entryOf('x', b.ledger.epoch)), true);
    await a.close();
    await b.close();
    await own.stop();
  });

  test('a replica without the last removals is promoted: who had read them tells those who had not', async () => {
    const [primary, replica] = [await startRedis(), await startRedis()];
    const [onPrimary, onReplica] = [new Redis({ port: primary.port }), new Redis({ port: replica.port })];
    let target = primary.port;
    const proxy = await movableProxy(() => target);
    const a = await open(proxy.port);
    await onReplica.replicaof('127.0.0.1', primary.port);
    await a.ledger.remove([marks.key('before')]);
    await until('the replica follows', async () => (await onReplica.xlen(stream)) === 2);
    // Of a process that reads the replica's order only.
    await onReplica.replicaof('NO', 'ONE');
    const stale = await open(replica.port);
    const held = entryOf('k', stale.ledger.epoch);
    assert.is(await a.ledger.remove([marks.key('k')]), true);
    await primary.stop();
    target = replica.port;
    proxy.drop();
    await until('the loss is seen', () => a.ledger.health().gaps === 1, 8000);
    await readAgain(a.ledger);
    assert.is(a.ledger.isAlive(held), false);
    await until('and told', () => !stale.ledger.isAlive(held), 3000);
    assert.is(stale.ledger.health().gaps, 0);
    await readAgain(a.ledger);
    await readAgain(stale.ledger);
    const anew = entryOf('k', a.ledger.epoch);
    assert.is(stale.ledger.isAlive(anew), true);
    for (const each of [a, stale]) await each.close();
    onPrimary.disconnect();
    onReplica.disconnect();
    await proxy.close();
    await replica.stop();
  });

  test('a server back from an older file: what was removed after it stays removed', async () => {
    const options = ['--dir', temporaryDirectory()];
    let own = await startServer(options);
    const admin = new Redis({ port: own.port, retryStrategy: null });
    const a = await open(own.port);
    await a.ledger.remove([marks.key('before')]);
    await admin.save();
    const held = entryOf('k', a.ledger.epoch);
    await a.ledger.remove([marks.key('k')]);
    await readAgain(a.ledger);
    admin.disconnect();
    await own.stop();
    own = await startServer(options, { port: own.port });
    const other = await open(own.port);
    await until('the loss is seen', () => a.ledger.health().gaps > 0);
    await until('and told', () => !other.ledger.isAlive(held));
    assert.is(other.ledger.isAlive(entryOf('k', other.ledger.epoch)), true);
    await a.close();
    await other.close();
    await own.stop();
  });

  test('what could not be sent is sent by the next process of the directory', async () => {
    const server = await startRedis();
    const port = server.port;
    const directory = temporaryDirectory();
    let environment = new Environment(directory);
    const other = await open(port);
    const held = entryOf('k', other.ledger.epoch, ['t']);
    let a = await open(port, { journal: diskJournal(environment) });
    // Its connection alone breaks: the server, and the other process, go on.
    a.connection.client.disconnect();
    assert.is(await a.ledger.remove([marks.tag('t')]), false);
    await a.connection.close();
    await a.ledger.close();
    await environment.close();
    assert.is(other.ledger.isAlive(held), true, 'it cannot know');
    environment = new Environment(directory);
    a = await open(port, { journal: diskJournal(environment) });
    await until('the other knows', () => !other.ledger.isAlive(held), 3000);
    await until('nothing waits', () => a.ledger.health().queued === 0, 3000);
    await until('the journal is empty', () => diskJournal(environment).held().length === 0, 3000);
    await a.close();
    await other.close();
    await environment.close();
    await server.stop();
  });

  test('a hanging server: a removal is queued within the time-out of a command, and told afterwards', async () => {
    const own = await startRedis();
    const [a, b] = [await open(own.port, { maxStaleMs: 200 }), await open(own.port)];
    await readAgain(b.ledger);
    const held = entryOf('k', Math.max(a.ledger.epoch, b.ledger.epoch));
    own.process.kill('SIGSTOP');
    const started = performance.now();
    assert.is(await a.ledger.remove([marks.key('k')]), false);
    assert.ok(performance.now() - started < 1500, `${performance.now() - started} ms`);
    assert.is(a.ledger.isAlive(held), false);
    await until('it may be stale', () => !a.ledger.isCurrent(), 2000);
    own.process.kill('SIGCONT');
    await until('all is told', () => !b.ledger.isAlive(held) && a.ledger.health().queued === 0, 8000);
    await until('it is current', () => a.ledger.isCurrent(), 3000);
    await a.close();
    await b.close();
    await own.stop();
  });

  test('connections killed at random while two processes remove: nothing removed is alive in either in the end', async () => {
    const random = seededRandom(seed);
    const children = [0, 1].map((i) =>
      startChild('redis/fixtures/removes.mjs', [String(server.port), `p${i}`, '250']),
    );
    for (const child of children) assert.is(await child.line(), 'ready');
    for (const child of children) child.send('go');
    let done = false;
    const kills = (async () => {
      while (!done) {
        const clients = ((await raw.client('LIST')) as string)
          .split('\n')
          .filter((line) => !line.includes('cmd=client'));
        const id = /^id=(\d+)/.exec(clients[Math.floor(random() * clients.length)] ?? '')?.[1];
        if (id !== undefined) await raw.client('KILL', 'ID', id).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 20 + random() * 60));
      }
    })();
    for (const child of children) assert.is(await child.line(), 'removed');
    done = true;
    await kills;
    for (const child of children) child.send('check');
    for (const child of children) {
      const report = JSON.parse((await child.line()) ?? '{}');
      assert.equal([report.alive, report.queued], [0, 0], JSON.stringify(report));
      assert.is(await child.ended, 0, child.stderr());
    }
  });
}

test.run();
