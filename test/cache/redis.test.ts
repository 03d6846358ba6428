// The cache over a Redis of our own: shared by processes, kept apart by embedder, and missed but not needed when it dies.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mockEmbedder } from '#dist/testing/index.js';
import { temporaryDirectory, until } from '../disk/support.js';
import { noRedis, type RedisServer, startRedis } from '../tiers/support.js';
import { deferred, openMock, turns } from './support.js';

const test = suite('cache over redis');
const open = (port: number, embedder = mockEmbedder()) =>
  openMock({ embedder, cache: { shared: true }, redis: { host: '127.0.0.1', port, commandTimeoutMs: 200 } });

if (noRedis === undefined) withServer(await startRedis());
else {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
}

function withServer(server: RedisServer): void {
  test.after(() => server.stop());

  test('what one cache stored, another on the same server finds exactly and keeps in memory', async () => {
    const [one, two] = [await open(server.port), await open(server.port)];
    const report = await one.set('shared question', { n: 1 });
    assert.equal(report.stored, ['memory', 'redis', 'vector']);
    const hit = await two.get('shared question');
    assert.equal([hit.tier, hit.value], ['redis', { n: 1 }]);
    await two.idle();
    assert.is((await two.get('shared question')).tier, 'memory');
    await Promise.all([one.close(), two.close()]);
  });

  test('caches with other embedders share the server and never an answer', async () => {
    const [one, two] = [await open(server.port), await open(server.port, mockEmbedder({ dimension: 64 }))];
    for (let i = 0; i < 200; i++) await one.set(`question ${i}`, 'of one');
    for (let i = 0; i < 200; i++) assert.is((await two.get(`question ${i}`)).match, 'none');
    for (let i = 0; i < 200; i++) assert.is((await one.get(`question ${i}`)).value, 'of one');
    await Promise.all([one.close(), two.close()]);
  });

  test('a removal by one cache counts for what another is generating anew at that moment', async () => {
    const [one, other] = [await open(server.port), await open(server.port)];
    const tagged = { tags: ['t'] };
    // Each time at another moment between two readings of the order.
    for (let round = 0; round < 5; round++) {
      const question = `q ${round}`;
      await one.set(question, 'old', tagged);
      const gate = deferred();
      const refreshing = one.wrap(question, () => gate.promise.then(() => 'stale'), {
        ...tagged,
        refresh: true,
      });
      await turns();
      assert.equal(await other.invalidate(tagged), { shared: true });
      gate.resolve();
      assert.is(await refreshing, 'stale');
      await one.idle();
      const before = one.health().ledger.epoch;
      await other.invalidate({ tags: ['something else'] });
      await until('the one has read on', () => one.health().ledger.epoch > before);
      for (const cache of [one, other]) assert.is((await cache.get(question)).match, 'none', question);
    }
    for (const cache of [one, other]) await cache.close();
  });

  test('what was removed on one machine alone stays removed when its directory is shared through Redis, and back', async () => {
    const directory = temporaryDirectory();
    const asked = ['how do I undo the last commit', 'how do I undo the last commit please'];
    const remote = () => openMock({ directory, redis: { host: '127.0.0.1', port: server.port } });
    const local = () => openMock({ directory });
    for (const [first, second] of [
      [remote, local],
      [local, remote],
    ] as const) {
      const before = await first();
      const report = await before.set(asked[0] as string, 'old', { tags: ['t'] });
      assert.equal(report.failed, []);
      await before.close();
      const between = await second();
      assert.equal(await between.invalidate({ tags: ['t'] }), { shared: true });
      for (const prompt of asked) assert.is((await between.get(prompt)).match, 'none');
      await between.close();
      const after = await first();
      for (const prompt of asked) assert.is((await after.get(prompt)).match, 'none', prompt);
      await after.set(asked[0] as string, 'new');
      assert.is((await after.get(asked[1] as string)).value, 'new');
      await after.close();
      const again = await first();
      assert.is((await again.get(asked[0] as string)).value, 'new', 'a mere restart costs nothing');
      await again.close();
    }
  });

  test('when the server dies under load every question is answered, and it is used again when it is back', async () => {
    const own = await startRedis();
    const cache = await open(own.port);
    const events: string[] = [];
    cache.on('tier', ({ tier, state }) => events.push(`${tier} ${state}`));
    let calls = 0;
    const ask = (i: number) => cache.wrap(`question ${i}`, () => `answer ${calls++ < 0 ? '' : i}`);
    await ask(0);
    const load = Array.from({ length: 300 }, async (_, i) => {
      if (i === 100) await own.stop('SIGKILL');
      return ask(i);
    });
    const answers = await Promise.all(load);
    for (const [i, answer] of answers.entries()) assert.is(answer, `answer ${i}`);
    for (let i = 300; i < 320; i++) assert.is(await ask(i), `answer ${i}`);
    assert.is(cache.health().tiers.find(({ tier }) => tier === 'redis')?.state, 'lost');
    assert.is(await ask(5), 'answer 5', 'memory goes on');
    const successor = await startRedis(own.port);
    await until('the tier is back', async () => {
      await cache.get(`poll ${performance.now()}`);
      return cache.health().tiers.every(({ state }) => state === 'ok');
    });
    assert.equal([events[0], events.at(-1)], ['redis lost', 'redis ok']);
    // On a busy machine one write may still be late.
    await until('it is written again', async () => (await cache.set('after', 'v')).stored.includes('redis'));
    await cache.close();
    await successor.stop();
  });
}

test.run();
