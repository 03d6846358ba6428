// Redis is absent, dies, hangs, comes back or loses everything: every question is answered, and what was removed stays removed.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { codeOf, temporaryDirectory, until } from '../disk/support.js';
import { noRedis } from '../tiers/support.js';
import type { FaultProxy } from './proxy.js';
import { closeAll, proxyTo, Server, Subject } from './support.js';

const test = suite('outage of redis');
test.after.each(closeAll);
const ownTimeMs = 1_000;

if (noRedis !== undefined) {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
} else {
  test('F01 down at start: opens in time, serves from A and C, tells of it once, takes the server when it comes', async () => {
    const server = await Server.reserve(['--dir', temporaryDirectory()]);
    const directory = temporaryDirectory();
    const started = performance.now();
    const first = await Subject.open(server.port, { directory });
    assert.ok(performance.now() - started < 2_000, `${performance.now() - started} ms`);
    await first.becomes('lost');
    for (let i = 0; i < 100; i++) await first.ask(`known ${i}`);
    assert.is((await first.cache.get('known 7')).tier, 'memory');
    assert.equal(first.states, ['lost'], 'one event');
    assert.ok(first.health.sinceMs !== undefined && first.health.lastError !== undefined);
    await first.close();

    const lines: string[] = [];
    const write = (line: string) => lines.push(line);
    const logger = { info: write, warn: write, error: write, debug: write };
    const second = await Subject.open(server.port, { directory, logger });
    assert.is((await second.cache.get('known 7')).tier, 'vector');
    await second.becomes('lost');
    await server.start();
    await second.becomes('ok');
    assert.equal(second.states, ['lost', 'ok']);
    assert.is(lines.filter((line) => line.includes('redis')).length, 2, lines.join('\n'));
    assert.ok((await second.cache.set('stored', 1)).stored.includes('redis'));
    assert.ok(second.slowestMs < ownTimeMs, `${second.slowestMs} ms`);
  });

  test('F02 killed mid-run, with commands under way: no question fails or waits', async () => {
    const server = await Server.start();
    const subject = await Subject.open(server.port);
    const load = subject.askUntil('the kill', () => subject.health.state === 'lost');
    await server.signal('SIGKILL');
    await load;
    for (let i = 0; i < 50; i++) await subject.ask(`after ${i}`);
    assert.ok(subject.slowestMs < ownTimeMs, `${subject.slowestMs} ms`);
    assert.ok((subject.health.counts.connection ?? 0) > 0, JSON.stringify(subject.health.counts));
  });

  test('F03 what was deleted while the server was down is never served when it returns with it', async () => {
    const server = await Server.start();
    const subject = await Subject.open(server.port);
    await subject.ask('kept');
    await subject.ask('doomed');
    await subject.cache.idle();
    const { key } = await subject.cache.get('doomed');
    const name = await server.nameOf(key);
    await server.admin.save();
    await server.signal('SIGKILL');
    await subject.becomes('lost');
    assert.ok((await codeOf(() => subject.cache.delete('doomed')))?.startsWith('ERR_LLM_CACHE_TIER'));
    await server.start();
    assert.is(await server.admin.exists(name), 1, 'the server has it still');
    await subject.askUntil('tier B is back', async () => {
      assert.is((await subject.cache.get('doomed')).match, 'none');
      return subject.health.state === 'ok';
    });
    for (let i = 0; i < 20; i++) assert.is((await subject.cache.get('doomed')).match, 'none');
    await until(
      'what was removed is gone from the server',
      async () => (await server.admin.exists(name)) === 0,
    );
    assert.is((await subject.cache.get('kept')).match, 'exact');
  });

  for (const [fault, begin, end] of [
    ['stopped', (server) => server.signal('SIGSTOP'), (server) => server.signal('SIGCONT')],
    ['a black hole', (_, proxy) => proxy.set({ blackHole: true }), (_, proxy) => proxy.set()],
    ['half open', (_, proxy) => proxy.halfOpen(), () => {}],
  ] as readonly [string, Fault, Fault][]) {
    test(`F05 ${fault}: given up within the budget, every question answered, used again afterwards`, async () => {
      const server = await Server.start();
      const proxy = await proxyTo(server);
      const subject = await Subject.open(proxy.port);
      await subject.ask('before');
      await begin(server, proxy);
      await subject.becomes('lost');
      assert.ok(subject.slowestMs < ownTimeMs, `${subject.slowestMs} ms`);
      await end(server, proxy);
      await subject.becomes('ok');
      assert.equal(subject.states, ['lost', 'ok']);
      const { counts } = subject.health;
      assert.ok((counts.timeouts ?? 0) <= 60, `calls that waited: ${counts.timeouts}`);
      assert.ok((await subject.cache.set('after', 1)).stored.includes('redis'));
    });
  }

  test('F13 emptied under load, keys expiring: misses, and each question is generated once however many ask', async () => {
    const server = await Server.start();
    const subject = await Subject.open(server.port, { redis: { ttlSeconds: 1 }, cache: { maxEntries: 1 } });
    for (let round = 0; round < 20; round++) {
      const before = subject.generated;
      const asked = Array.from({ length: 200 }, () => subject.ask(`stampede ${round}`));
      const [emptied] = await Promise.all([server.admin.flushall(), ...asked]);
      assert.is(emptied, 'OK');
      assert.is(subject.generated - before, 1, `round ${round}`);
    }
    assert.equal(subject.states, []);
  });

  test('F14 connections that break again and again: no question fails', async () => {
    const server = await Server.start();
    const proxy = await proxyTo(server);
    const subject = await Subject.open(proxy.port);
    let kills = 0;
    await subject.askUntil('eight kills', () => {
      if (proxy.open > 0) {
        kills++;
        proxy.kill();
      }
      return kills >= 8;
    });
    await subject.becomes('ok');
    assert.ok(subject.slowestMs < ownTimeMs, `${subject.slowestMs} ms`);
    assert.ok(proxy.counts.connections >= 8);
  });
}

type Fault = (server: Server, proxy: FaultProxy) => void | Promise<void>;

test.run();
