// A server that is there and refuses: wrong type, no right, no memory, read-only, loading, a stale replica. Counted by kind, never fatal.
import { mkdirSync } from 'node:fs';
import { inspect } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory, until } from '../disk/support.js';
import { noRedis } from '../tiers/support.js';
import { closeAll, proxyTo, Server, Subject } from './support.js';

const test = suite('refusals of redis');
test.after.each(closeAll);

interface Refusal {
  readonly name: string;
  readonly kind: string;
  readonly args?: readonly string[];
  begin(server: Server): Promise<unknown>;
  end(server: Server): Promise<unknown>;
}

const refusals: readonly Refusal[] = [
  {
    name: 'NOPERM: no right to write',
    kind: 'permission',
    begin: (server) => server.admin.call('ACL', 'SETUSER', 'default', '-set', '-eval', '-evalsha'),
    end: (server) => server.admin.call('ACL', 'SETUSER', 'default', '+@all'),
  },
  {
    name: 'NOPERM: no right to read',
    kind: 'permission',
    begin: (server) => server.admin.call('ACL', 'SETUSER', 'default', '-@read'),
    end: (server) => server.admin.call('ACL', 'SETUSER', 'default', '+@all'),
  },
  {
    name: 'MISCONF: snapshots fail',
    kind: 'config',
    async begin({ admin }) {
      await admin.config('SET', 'save', '3600 1');
      // A directory stands where the snapshot would be.
      const [, directory] = (await admin.config('GET', 'dir')) as [string, string];
      mkdirSync(`${directory}/dump.rdb/in-the-way`, { recursive: true });
      await admin.call('BGSAVE');
      await until('the snapshot failed', async () =>
        /rdb_last_bgsave_status:err/.test(await admin.info('persistence')),
      );
    },
    end: ({ admin }) => admin.config('SET', 'stop-writes-on-bgsave-error', 'no'),
  },
  {
    name: 'OOM: no memory left',
    kind: 'full',
    begin: ({ admin }) => admin.config('SET', 'maxmemory', '1'),
    end: ({ admin }) => admin.config('SET', 'maxmemory', '0'),
  },
  {
    name: 'READONLY: it is a replica now',
    kind: 'moved',
    begin: ({ admin }) => admin.call('REPLICAOF', '127.0.0.1', '1'),
    end: ({ admin }) => admin.call('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'LOADING: it reads its data',
    kind: 'busy',
    async begin({ admin }) {
      const filling = admin.pipeline();
      for (let i = 0; i < 2_000; i++) filling.set(`filler ${i}`, 'x'.repeat(1_000));
      await filling.exec();
      // A millisecond a key, with a look at the commands that wait at every kilobyte.
      await admin.config('SET', 'key-load-delay', '1000');
      await admin.config('SET', 'loading-process-events-interval-bytes', '1024');
      void admin.call('DEBUG', 'RELOAD').catch(() => {});
    },
    end: ({ admin }) =>
      until('it is read', async () => (await admin.info('persistence')).includes('loading:0'), 10_000),
  },
  {
    name: 'CLUSTERDOWN: nobody serves the slot',
    kind: 'busy',
    args: ['--cluster-enabled', 'yes'],
    begin: async () => {},
    end: ({ admin }) => admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383'),
  },
];

if (noRedis !== undefined) {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
} else {
  for (const { name, kind, args, begin, end } of refusals) {
    test(`F10 ${name}: every question answered, counted as ${kind}, used again when it is over`, async () => {
      const server = await Server.start(args);
      const subject = await Subject.open(server.port);
      await subject.ask('stored before');
      await subject.cache.idle();
      await begin(server);
      await subject.askUntil(`it is counted as ${kind}`, () => (subject.health.counts[kind] ?? 0) >= 3);
      await subject.cache.idle();
      await end(server);
      await subject.askUntil('it is used again', async () =>
        (await subject.cache.set(`again ${performance.now()}`, 1)).stored.includes('redis'),
      );
      assert.ok(subject.slowestMs < 1_000, `${subject.slowestMs} ms`);
    });
  }

  test('F10 a server that refuses writes is read all the same', async () => {
    const server = await Server.start();
    const writer = await Subject.open(server.port);
    for (let i = 0; i < 20; i++) await writer.ask(`known ${i}`);
    await writer.cache.idle();
    await server.admin.call('REPLICAOF', '127.0.0.1', '1');
    const subject = await Subject.open(server.port);
    for (let i = 0; i < 30; i++) await subject.cache.set(`refused ${i}`, 1);
    // The first refusal costs the connection: behind the same name another server may be the master by now.
    await until('it is connected again', async () => {
      await subject.cache.get(`poll ${performance.now()}`);
      return subject.health.state === 'ok';
    });
    for (let i = 0; i < 20; i++) {
      await subject.cache.set(`refused as well ${i}`, 1);
      assert.is((await subject.cache.get(`known ${i}`)).tier, 'redis');
    }
    assert.ok((subject.health.counts.moved ?? 0) > 0);
  });

  test('F10 something of another type under our key, scripts forgotten: a counted miss, then written over', async () => {
    const server = await Server.start();
    const subject = await Subject.open(server.port, { cache: { maxEntries: 1 } });
    await subject.cache.set('victim', 'v');
    const name = await server.nameOf((await subject.cache.get('victim')).key);
    await server.admin.del(name);
    await server.admin.lpush(name, 'x');
    await server.admin.script('FLUSH');
    await subject.cache.set('bystander', 'v');
    assert.is((await subject.cache.get('victim')).tier, 'vector');
    assert.ok((subject.health.counts.corrupt ?? 0) >= 1, JSON.stringify(subject.health.counts));
    await until('it is written over', async () =>
      (await subject.cache.set('victim', 'v')).stored.includes('redis'),
    );
    await subject.cache.set('bystander', 'v');
    assert.is((await subject.cache.get('victim')).tier, 'redis');
  });

  test('F11 a server that drops keys at random: misses and right answers', async () => {
    const server = await Server.start(['--maxmemory', '2mb', '--maxmemory-policy', 'allkeys-random']);
    const subject = await Subject.open(server.port, {
      redis: { commandTimeoutMs: 500 },
      cache: { maxEntries: 50 },
    });
    for (let i = 0; i < 10_000; i += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, j) => subject.ask(`key ${(i + j) % 4_000}`)));
    }
    const evicted = Number(/evicted_keys:(\d+)/.exec(await server.admin.info('stats'))?.[1]);
    assert.ok(evicted > 100, `${evicted} evicted`);
    console.log(`F11: 10,000 questions, ${evicted} keys evicted, ${subject.generated} generated`);
  });

  test('F12 a replica without the tail is promoted: who deleted is not served it again', async () => {
    const [master, replica] = [await Server.start(), await Server.start()];
    const proxy = await proxyTo(master);
    const subject = await Subject.open(proxy.port);
    await subject.ask('doomed');
    await subject.ask('kept');
    await subject.cache.idle();
    const name = await master.nameOf((await subject.cache.get('doomed')).key);
    await replica.admin.replicaof('127.0.0.1', master.port);
    await until('it has followed', async () => (await replica.admin.exists(name)) === 1);
    await replica.admin.call('REPLICAOF', 'NO', 'ONE');
    assert.is(await subject.cache.delete('doomed'), true);
    proxy.retarget(replica.port);
    await master.signal('SIGKILL');
    await subject.askUntil('the replica is in use', async () => {
      assert.is((await subject.cache.get('doomed')).match, 'none');
      return (await subject.cache.set(`poll ${performance.now()}`, 1)).stored.includes('redis');
    });
    for (let i = 0; i < 20; i++) assert.is((await subject.cache.get('doomed')).match, 'none');
    await until(
      'the promoted server has dropped it too',
      async () => (await replica.admin.exists(name)) === 0,
    );
  });

  test('F15 a wrong password: opens in time, says why, names the password nowhere, and does not hammer', async () => {
    const server = await Server.start();
    await server.admin.config('SET', 'requirepass', 'right-one');
    await server.admin.auth('right-one');
    const password = 'wrong-canary-4711';
    const directory = temporaryDirectory();
    const started = performance.now();
    const subject = await Subject.open(server.port, { directory, redis: { password } });
    assert.ok(performance.now() - started < 2_000);
    await subject.becomes('lost');
    for (let i = 0; i < 200; i++) await subject.ask(`question ${i}`);
    assert.match(subject.health.lastError ?? '', /WRONGPASS|NOAUTH|password/i);
    assert.ok((subject.health.counts.permission ?? 0) > 0, JSON.stringify(subject.health.counts));
    const stats = await subject.cache.stats();
    const said = [subject.events, subject.cache, stats, subject.health].map((part) =>
      inspect(part, { depth: 20 }),
    );
    assert.not.match(said.join(), /canary-4711/);
    const connections = Number(
      /total_connections_received:(\d+)/.exec(await server.admin.info('stats'))?.[1],
    );
    assert.ok(connections < 20, `${connections} connections`);
  });
}

test.run();
