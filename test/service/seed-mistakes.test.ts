// What the reference package does wrong, line by line, is right here. The numbers are those of the list of its mistakes.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { normalise, queryKey, seedQueryKey } from '#dist/core/key.js';
import { Scope } from '#dist/core/scope.js';
import { Environment } from '#dist/disk/environment.js';
import { openCache, openQueryService } from '#dist/open.js';
import { cosine, mockEmbedder, randomUnitVector, seededRandom } from '#dist/testing/index.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { startChild, temporaryDirectory } from '../disk/support.js';
import { freePort } from '../tiers/support.js';

const test = suite('mistakes of the reference');
const subjects = ['harbour', 'library', 'museum', 'station', 'market', 'airport', 'theatre', 'school'];
const documents = subjects.map((name, i) => ({
  source: name,
  text: `The ${name} opens at ${i + 1} in the morning.`,
}));
const ask = (name: string) => `when does the ${name} open in the morning`;
const openService = (directory: string, embedder = mockEmbedder()) =>
  openQueryService({ embedder, file: null, env: {}, cache: { directory } });

test('1: after three questions the fourth is not answered from the first three', async () => {
  const service = await openService(temporaryDirectory());
  await service.ingest({ documents });
  for (const name of subjects.slice(0, 3)) await service.query(ask(name));
  for (const name of subjects.slice(3)) {
    const { tier, results } = await service.query(ask(name));
    assert.is(tier, 'corpus', name);
    assert.is(results[0]?.source, name);
  }
  await service.close();
});

test('2: a cached question has the best results of the corpus, complete, and not of what is hot', async () => {
  const service = await openService(temporaryDirectory());
  await service.ingest({ documents });
  const first = await service.query(ask('museum'), { topK: 8 });
  for (const name of subjects) await service.query(ask(name), { topK: 2 });
  const again = await service.query(ask('museum'), { topK: 8 });
  assert.is(again.tier, 'memory');
  assert.equal(again.results, first.results);
  assert.is(again.results.length, 8);
  await service.close();
});

test('3: a repeated question is not embedded again', async () => {
  const embedder = mockEmbedder();
  const directory = temporaryDirectory();
  const service = await openService(directory, embedder);
  await service.ingest({ documents });
  await service.query(ask('market'));
  const { calls } = embedder;
  assert.is((await service.query(ask('market'))).embedMs, 0);
  assert.is(embedder.calls, calls);
  await service.close();
  // From disk neither: the only texts embedded are those of the embedder's own check.
  const asked: string[] = [];
  const watched = mockEmbedder({ failOn: (text) => asked.push(text) < 0 });
  const again = await openService(directory, watched);
  assert.is((await again.query(ask('market'))).tier, 'disk');
  assert.not.ok(asked.includes(ask('market')));
  await again.close();
});

test('4: what one process ingested, another finds', async () => {
  const directory = temporaryDirectory();
  const folder = temporaryDirectory();
  for (const { source, text } of documents) writeFileSync(join(folder, `${source}.txt`), text);
  const child = startChild('service/fixtures/ingest.mjs', [directory, folder]);
  assert.is((await child.rest()).at(-1), 'done', child.stderr());
  assert.is(await child.ended, 0);
  const service = await openService(directory);
  assert.is((await service.query(ask('school'))).results[0]?.text, documents.at(-1)?.text);
  await service.close();
});

test('5: updating, deleting and evicting leave ids and vectors in step, and the index takes new ones', async () => {
  const environment = new Environment(temporaryDirectory());
  const database = await openEmbeddedDatabase(environment, { name: 'five', dimension: 16 });
  const random = seededRandom(5);
  const scope = '5'.repeat(64);
  const held = new Map<string, Float32Array>();
  for (let step = 0; step < 300; step++) {
    const id = `d${Math.floor(random() * 20)}`;
    if (random() < 0.7) {
      held.set(id, randomUnitVector(16, random));
      await database.upsert([
        { id, scope, text: `${id} ${step}`, vector: held.get(id) as Float32Array, metadata: { step } },
      ]);
    } else {
      await database.delete(scope, [id]);
      held.delete(id);
    }
  }
  for (const [id, vector] of held) {
    const found = await database.search(vector, { scope, topK: 20 });
    assert.is(found[0]?.document.id, id);
    assert.is(found.length, held.size);
    assert.ok(Math.abs(cosine(vector, found[0]?.document.vector as Float32Array) - 1) < 1e-5);
  }
  await environment.close();
  const cache = await openCache({
    embedder: mockEmbedder(),
    file: null,
    env: {},
    cache: { directory: temporaryDirectory(), maxEntries: 10 },
  });
  for (let i = 0; i < 100; i++) await cache.set(`question about the number ${i}`, i);
  assert.is((await cache.stats()).tiers[0]?.entries, 10);
  for (let i = 0; i < 100; i++) assert.is((await cache.get(`question about the number ${i}`)).value, i);
  await cache.close();
});

test('7: questions that differ in more than case and white space keep different keys', () => {
  const scope = new Scope({}, 'f');
  const groups = [
    ['C', 'C++', 'C#'],
    ['1.5', '15'],
    ['-5', '5'],
    ['什么是缓存?', '缓存如何工作?', 'что такое кэш', 'كم الساعة'],
    ['10²', '102'],
  ];
  for (const group of groups) {
    assert.is(new Set(group.map((text) => queryKey(text, scope))).size, group.length, group.join(' '));
    for (const text of group) assert.ok(normalise(text).length > 0);
  }
  assert.is(
    seedQueryKey('C++', 5, 'm'),
    seedQueryKey('C#', 5, 'm'),
    'as the reference does, for reading its keys',
  );
});

test('8: tenant, filter and corpus are part of the identity: nothing stale after an ingestion', async () => {
  const service = await openService(temporaryDirectory());
  await service.ingest({ documents });
  const before = await service.query(ask('theatre'), { topK: 8 });
  assert.is((await service.query(ask('theatre'), { scope: { tenant: 'b' } })).tier, 'corpus');
  assert.is((await service.query(ask('theatre'), { filter: { source: 'theatre' } })).tier, 'corpus');
  assert.is((await service.query(ask('theatre'), { topK: 1 })).tier, 'corpus');
  await service.ingest({
    documents: [
      { source: 'theatre', text: 'The theatre opens in the morning no more: it is closed for ever.' },
    ],
  });
  const after = await service.query(ask('theatre'), { topK: 8 });
  assert.is(after.tier, 'corpus');
  assert.ok(after.results.every(({ text }) => text !== before.results[0]?.text));
  assert.ok(after.results.some(({ text }) => text.includes('closed for ever')));
  await service.close();
});

test('9: without the Redis that the configuration names, a cache opens, answers and remembers', async () => {
  const port = await freePort();
  const started = performance.now();
  const cache = await openCache({
    embedder: mockEmbedder(),
    file: null,
    env: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port) },
    cache: { directory: temporaryDirectory() },
  });
  assert.is(await cache.wrap('q', () => 'answer'), 'answer');
  await cache.idle();
  assert.is(await cache.wrap('q', () => assert.unreachable()), 'answer');
  assert.ok(performance.now() - started < 2000, `${performance.now() - started} ms`);
  assert.ok(cache.health().tiers.some(({ tier, counts }) => tier === 'redis' && (counts.errors ?? 0) > 0));
  await cache.close();
});

test('15: a document shorter than the least chunk and the tail of a long one are kept', async () => {
  const service = await openService(temporaryDirectory());
  const long = `${'The ferry crosses the bay every hour. '.repeat(40)}Last words: pelican.`;
  await service.ingest({
    documents: [
      { source: 'short', text: 'Tiny.' },
      { source: 'long', text: long },
    ],
  });
  const { results } = await service.query('anything', { topK: 100 });
  assert.is(results.find(({ source }) => source === 'short')?.text, 'Tiny.');
  assert.ok(results.some(({ source, text }) => source === 'long' && text.endsWith('Last words: pelican.')));
  await service.close();
});

test('16: a similarity is a cosine everywhere: 1 for the same, higher is closer', async () => {
  const embedder = mockEmbedder();
  const directory = temporaryDirectory();
  const service = await openService(directory, embedder);
  await service.ingest({ documents });
  const { results } = await service.query(documents[0]?.text as string, { topK: 8 });
  assert.ok(Math.abs((results[0]?.similarity ?? 0) - 1) < 1e-5);
  const asked = (await mockEmbedder().embed(documents[0]?.text as string)).vector;
  for (const [i, { text, similarity }] of results.entries()) {
    assert.ok(Math.abs(similarity - cosine(asked, (await mockEmbedder().embed(text)).vector)) < 1e-5);
    assert.ok(similarity <= (results[i - 1]?.similarity ?? 1) + 1e-6);
  }
  await service.close();
  rmSync(directory, { recursive: true });
});

test.run();
