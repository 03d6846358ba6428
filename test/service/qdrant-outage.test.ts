// A service and a cache whose Qdrant goes down, hangs and comes back: what is cached is answered at once, and no document is lost.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openCache, openQueryService } from '#dist/open.js';
import { mockEmbedder, seededRandom } from '#dist/testing/index.js';
import { codeOf, temporaryDirectory, until } from '../disk/support.ts';
import { type Double, startDouble } from '../qdrant/double.ts';
import { documents, onQdrant, pointsOf } from './support.ts';

const test = suite('outages of Qdrant');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);

const question = 'which text is about boats and the number seven';
const reworded = 'about boats and the number seven which text is';

function options(port: number, directory: string, limits: { timeoutMs?: number; lookupTimeoutMs?: number }) {
  const { vectorDb, qdrant } = onQdrant(port);
  const cache = { directory, minSimilarity: 0.8, rules: 'none', shared: true } as const;
  return {
    embedder: mockEmbedder(),
    file: null,
    env: {},
    vectorDb,
    qdrant: { ...qdrant, ...limits },
    cache,
  };
}

/** A server on the same port with what the one of before had. */
async function revive({ port, collections }: Double): Promise<Double> {
  const double = await startDouble({ port });
  for (const [name, collection] of collections) double.collections.set(name, collection);
  return double;
}

async function undisturbed(given: ReturnType<typeof documents>): Promise<Map<string, string>> {
  const double = await startDouble();
  const service = await openQueryService(options(double.port, temporaryDirectory(), {}));
  await service.ingest({ documents: given, batchSize: 1 });
  await service.close();
  await double.stop();
  return pointsOf(double, 'c');
}

test('down: A and B answer, a new question and an ingestion fail typed, and all is told once; back: nothing is missing', async () => {
  let double = await startDouble();
  const directory = temporaryDirectory();
  const told: string[] = [];
  const logger = { info: (line: string) => told.push(line), warn: (line: string) => told.push(line) };
  const open = async () => {
    const service = await openQueryService({
      ...options(double.port, directory, { lookupTimeoutMs: 500 }),
      logger,
    });
    service.on('tier', ({ tier, state }) => told.push(`${tier} ${state}`));
    return service;
  };
  let service = await open();
  await service.ingest({ documents: documents(12) });
  assert.equal(service.health().corpus, {
    tier: 'corpus',
    state: 'ok',
    sinceMs: undefined,
    lastError: undefined,
    counts: service.health().corpus.counts,
  });
  const first = await service.query(question);
  assert.is(first.tier, 'corpus');
  await double.stop();

  const before = Date.now();
  for (let i = 0; i < 3; i++) {
    const exact = await service.query(question);
    assert.equal([exact.tier, exact.decision.match, exact.results], ['memory', 'exact', first.results]);
    assert.is((await service.query(`${reworded}${'?'.repeat(i)}`)).decision.match, 'semantic');
    assert.is(
      await codeOf(() => service.query(`a question of which nothing is known, ${i}`)),
      'ERR_LLM_CACHE_TIER',
    );
    assert.is(await codeOf(() => service.ingest({ documents: documents(14) })), 'ERR_LLM_CACHE_TIER');
  }
  const { state, sinceMs = 0, lastError } = service.health().corpus;
  assert.is(state, 'lost');
  assert.ok(sinceMs >= before && sinceMs <= Date.now(), 'since when');
  assert.match(String(lastError), /ECONNREFUSED|fetch failed|terminated/);
  assert.is(told.length, 2, told.join('\n'));
  assert.match(told[0] as string, /^llm-cache: the corpus is lost, only what is cached is answered: /);
  assert.is(told[1], 'corpus lost');
  await service.close();

  service = await open();
  assert.is((await service.query(question)).tier, 'disk', 'a new process serves what tier B holds');
  assert.is(await codeOf(() => service.query('another question')), 'ERR_LLM_CACHE_TIER');

  double = await revive(double);
  await until('it is back', async () => {
    await service.query(question);
    return service.health().corpus.state === 'ok';
  });
  assert.equal(told.slice(3), ['corpus lost', 'llm-cache: the corpus is back', 'corpus ok']);
  assert.is((await service.query('another question')).tier, 'corpus');
  const { unchanged, added } = await service.ingest({ documents: documents(14) });
  assert.equal([unchanged, added], [12, 2]);
  assert.is((await service.query(question)).tier, 'corpus', 'no result of before an ingestion');
  assert.equal(pointsOf(double, 'c'), await undisturbed(documents(14)));

  await service.ingest({ documents: documents(15) });
  await double.stop();
  const late = await codeOf(() => service.query(question));
  assert.is(late, 'ERR_LLM_CACHE_TIER', 'lost just after an ingestion, nothing of before it is served');
  await service.close();
});

test('silent: hits in memory wait for it once, not each', async () => {
  const double = await startDouble();
  const service = await openQueryService(
    options(double.port, temporaryDirectory(), { lookupTimeoutMs: 200, timeoutMs: 60_000 }),
  );
  await service.ingest({ documents: documents(3) });
  await service.query(question);
  let asked = 0;
  double.fault = () => {
    asked++;
    return true;
  };
  const began = performance.now();
  const waits: number[] = [];
  for (let i = 0; i < 200; i++) {
    const { tier, latencyMs } = await service.query(question);
    assert.is(tier, 'memory');
    waits.push(latencyMs);
  }
  const tookMs = performance.now() - began;
  console.log(`200 hits took ${Math.round(tookMs)} ms; the silent server was asked ${asked} times`);
  // Without a breaker 200 times 200 ms; with it the first, and probes that one question at a time waits for.
  assert.ok(asked <= 1 + tookMs / 125, `asked ${asked} times`);
  assert.ok(tookMs < 5_000, `${tookMs} ms`);
  assert.is(service.health().corpus.state, 'lost');
  double.fault = undefined;
  await until('it is back', async () => {
    await service.query(question);
    return service.health().corpus.state === 'ok';
  });
  await service.close();
  await double.stop();
});

test('an ingestion that the server leaves at any point is taken up by the same call, without loss', async () => {
  const random = seededRandom(seed);
  const given = documents(10);
  const expected = await undisturbed(given);
  for (const route of ['PUT points', 'POST points']) {
    const double = await startDouble();
    const service = await openQueryService(options(double.port, temporaryDirectory(), {}));
    for (let round = 0; round < 2; round++) {
      let left = 1 + Math.floor(random() * 2);
      double.fault = (request, response) => {
        if (request.route === route) left--;
        if (left > 0) return undefined;
        response.destroy();
        return true;
      };
      assert.is(await codeOf(() => service.ingest({ documents: given, batchSize: 1 })), 'ERR_LLM_CACHE_TIER');
    }
    double.fault = undefined;
    const { unchanged, added, replaced } = await service.ingest({ documents: given, batchSize: 1 });
    assert.is(unchanged + added + replaced, given.length);
    assert.equal(pointsOf(double, 'c'), expected, route);
    await service.close();
    await double.stop();
  }
});

test('a cache without its tier C: A and B answer, what only C knew is a miss, writes say who failed; then it is back', async () => {
  let double = await startDouble();
  const directory = temporaryDirectory();
  const limits = { lookupTimeoutMs: 500, timeoutMs: 1_000 };
  let cache = await openCache(options(double.port, directory, limits));
  await cache.set(question, 'the seventh');
  await cache.close();
  cache = await openCache(options(double.port, directory, limits));
  await double.stop();
  assert.equal(
    [(await cache.get(reworded)).match, (await cache.get(question)).tier],
    ['none', 'disk'],
    'an index in Qdrant alone knew it by meaning',
  );
  assert.is(await cache.wrap('a new question', () => 'generated'), 'generated');
  const report = await cache.set('one more', 'stored');
  assert.equal([report.stored, report.failed], [['memory', 'disk'], ['vector']]);
  assert.is((await cache.get('one more')).tier, 'memory');
  double = await revive(double);
  const fresh = await openCache(options(double.port, temporaryDirectory(), limits));
  const found = await fresh.get(reworded);
  assert.equal([found.match, found.tier, found.value], ['semantic', 'vector', 'the seventh']);
  await until('tier C is back', async () => {
    await cache.get(`a question nobody has asked, ${Math.random()}`);
    return cache.health().tiers.every(({ state }) => state === 'ok');
  });
  assert.equal((await cache.set('and another', 'x')).failed, []);
  await fresh.close();
  await cache.close();
  await double.stop();
});

test.run();
