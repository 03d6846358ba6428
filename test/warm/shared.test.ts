// Popularity that machines share through Redis, with a real server; and the query service, which warms by itself.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openQueryService } from '#dist/open.js';
import { manualClock, mockEmbedder } from '#dist/testing/index.js';
import { openMock } from '../cache/support.js';
import { temporaryDirectory, until } from '../disk/support.js';
import { noRedis, startRedis } from '../tiers/support.js';

const test = suite('shared warming');

function openService(directory: string, clock = manualClock()) {
  return openQueryService({
    embedder: mockEmbedder(),
    file: null,
    env: {},
    clock,
    cache: { directory, minSimilarity: 1, ttlSeconds: 3600 },
  });
}

test('the query service searches anew what an ingestion has made old, so that the next question is a hit', async () => {
  const directory = temporaryDirectory();
  const service = await openService(directory);
  const ingest = (text: string) => service.ingest({ documents: [{ source: 'd', text }] });
  await ingest('An egg boils for ten minutes.');
  const options = { topK: 2, scope: { tenant: 't' } };
  for (let i = 0; i < 3; i++) await service.query('how long does an egg boil', options);
  assert.is((await service.query('how long does an egg boil', options)).tier, 'memory');
  await ingest('An egg boils for six minutes.');
  const report = await service.warm();
  assert.equal([report?.questions, report?.regenerated], [1, 1]);
  const answer = await service.query('how long does an egg boil', options);
  assert.is(answer.tier, 'memory');
  assert.match(answer.results[0]?.text ?? '', /six/);
  await service.warm();
  const [popular] = await service.popular();
  assert.is(popular?.question, 'how long does an egg boil');
  await service.close();
  const restarted = await openService(directory);
  await restarted.warm();
  assert.is((await restarted.query('how long does an egg boil', options)).tier, 'memory');
  await restarted.close();
});

if (noRedis) {
  console.log(`skipped: ${noRedis}`);
  test.skip('with Redis');
} else {
  test('machines sum their counts, take what only others were asked into memory, and share the rounds', async () => {
    const server = await startRedis();
    const open = () =>
      openMock({
        redis: { enabled: true, host: '127.0.0.1', port: server.port },
        cache: { minSimilarity: 1, shared: true },
        regenerate: () => 'anew',
      });
    const one = await open();
    const two = await open();
    for (const cache of [one, two])
      await until('Redis answers', async () => (await cache.set('probe', 1)).stored.includes('redis'));
    for (let i = 0; i < 4; i++) await one.wrap('both', () => 'a', { scope: { tenant: 't' } });
    for (let i = 0; i < 4; i++) await one.wrap('one only', () => 'b');
    await one.idle();
    for (let i = 0; i < 2; i++) await two.get('both', { scope: { tenant: 't' } });
    const first = await one.warm();
    assert.is(first?.elsewhere, false);
    const second = await two.warm();
    assert.equal([second?.questions, second?.failed, second?.gone], [2, 0, 0]);
    const [both] = await two.popular();
    assert.equal([both?.question, both?.scope], ['both', { tenant: 't' }]);
    assert.ok((both?.count as number) > 4.5, `${both?.count}`);
    assert.is((await two.get('one only')).tier, 'memory', 'it was brought there unasked');
    await one.clear();
    assert.equal(await one.popular(), []);
    await one.close();
    await two.close();
    await server.stop();
  });

  test('a machine that is new fills its memory at the start with what is popular on the others', async () => {
    const server = await startRedis();
    const open = () =>
      openMock({
        redis: { enabled: true, host: '127.0.0.1', port: server.port },
        cache: { minSimilarity: 1 },
      });
    const one = await open();
    await until('Redis answers', async () => (await one.set('probe', 1)).stored.includes('redis'));
    for (let round = 0; round < 3; round++)
      for (let i = 0; i < 20; i++) await one.wrap(`q${i}`, () => `a${i}`, { scope: { tenant: 't' } });
    await one.idle();
    await one.warm();
    const two = await open();
    await until('memory is filled', async () => ((await two.stats()).tiers[0]?.entries as number) >= 20);
    assert.is((await two.get('q7', { scope: { tenant: 't' } })).tier, 'memory');
    await one.close();
    await two.close();
    await server.stop();
  });

  test('without Redis a round still fills memory from what this process has counted', async () => {
    const server = await startRedis();
    const cache = await openMock({
      redis: { enabled: true, host: '127.0.0.1', port: server.port, commandTimeoutMs: 200 },
      cache: { minSimilarity: 1 },
      regenerate: () => 'anew',
    });
    await until('Redis answers', async () => (await cache.set('probe', 1)).stored.includes('redis'));
    for (let i = 0; i < 3; i++) await cache.wrap('q', () => 'a');
    await server.stop();
    const report = await cache.warm();
    assert.equal([report?.questions, report?.held, report?.elsewhere], [1, 1, true]);
    await cache.close();
  });
}

test.run();
