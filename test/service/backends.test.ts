// Caches and services on Qdrant and on Faiss, opened as users open them: what they answer, and where documents end up.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ConfigInput } from '#dist/index.js';
import { openCache, openQueryService } from '#dist/open.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { temporaryDirectory } from '../disk/support.ts';
import type { Collection } from '../qdrant/collection.ts';
import { startDouble } from '../qdrant/double.ts';
import { noFaiss } from '../vectordb/faiss-support.ts';
import { documents, idsOf, onQdrant } from './support.ts';

const test = suite('backends');

interface Ground {
  readonly config: ConfigInput;
  readonly release: () => Promise<void>;
}

async function qdrant(): Promise<Ground> {
  const double = await startDouble();
  return { config: onQdrant(double.port), release: () => double.stop() };
}

async function faiss(): Promise<Ground> {
  return {
    config: { vectorDb: { backend: 'faiss' }, faiss: { indexType: 'Flat' } },
    release: async () => {},
  };
}

const withoutFaiss = await noFaiss();
if (withoutFaiss !== undefined) {
  console.log(`skipped: ${withoutFaiss}`);
  test.skip(`faiss: skipped: ${withoutFaiss}`);
}
const grounds = withoutFaiss === undefined ? { qdrant, faiss } : { qdrant };

for (const [backend, ground] of Object.entries(grounds)) {
  test(`${backend}: a cache finds answers exactly and by meaning, and again after a restart`, async () => {
    const { config, release } = await ground();
    const directory = temporaryDirectory();
    const open = () =>
      openCache({
        embedder: mockEmbedder(),
        file: null,
        env: {},
        ...config,
        cache: { directory, minSimilarity: 0.8, rules: 'none' },
        // Memory filled at the start would answer in the place of the tier in question.
        warming: { enabled: false },
      });
    const asked = 'how long does a soft egg boil in the pot';
    const reworded = 'in the pot how long does a soft egg boil';
    let cache = await open();
    assert.equal(await cache.set(asked, 'six minutes'), { stored: ['memory', 'disk', 'vector'], failed: [] });
    const exact = await cache.get(asked);
    assert.equal([exact.match, exact.tier, exact.value], ['exact', 'memory', 'six minutes']);
    await cache.close();
    cache = await open();
    const semantic = await cache.get(reworded);
    assert.equal([semantic.match, semantic.tier, semantic.value], ['semantic', 'vector', 'six minutes']);
    assert.is(semantic.question, asked);
    assert.is((await cache.get('what does a ticket to the harbour cost')).match, 'none');
    assert.is((await cache.get(asked, { scope: { tenant: 'other' } })).match, 'none');
    assert.is(await cache.delete(asked), true);
    assert.is((await cache.get(reworded)).match, 'none');
    await cache.close();
    await release();
  });

  test(`${backend}: a service ingests, and finds by meaning and by filter exactly what passes`, async () => {
    const { config, release } = await ground();
    const directory = temporaryDirectory();
    const open = () =>
      openQueryService({ embedder: mockEmbedder(), file: null, env: {}, ...config, cache: { directory } });
    let service = await open();
    const given = documents(40);
    const report = await service.ingest({ documents: given });
    assert.equal([report.added, report.skipped.length], [40, 0]);
    assert.is(await service.count(), report.chunks);
    const wanted = given[17] as (typeof given)[number];
    assert.is((await service.query(wanted.text)).results[0]?.source, wanted.source);
    const filters = [
      { year: { $gte: 2010 } },
      { topic: ['eggs', 'boats'], year: { $lt: 2005 } },
      { topic: 'none' },
      { $not: { topic: 'eggs' } },
    ];
    const passes = [
      (year: number) => year >= 2010,
      (year: number, topic: string) => topic !== 'bread' && year < 2005,
      () => false,
      (_: number, topic: string) => topic !== 'eggs',
    ];
    for (const [i, filter] of filters.entries()) {
      const { results } = await service.query('a text about something', { topK: 1000, filter });
      const expected = given.filter(({ metadata: { year, topic } }) => passes[i]?.(year, topic));
      assert.equal(
        new Set(results.map(({ source }) => source)),
        new Set(expected.map(({ source }) => source)),
        JSON.stringify(filter),
      );
    }
    await service.close();
    service = await open();
    assert.is((await service.ingest({ documents: given })).unchanged, 40);
    const { results } = await service.query('a text about something new', { topK: 1000 });
    assert.is(results.length, report.chunks);
    await service.close();
    await release();
  });
}

test('qdrant: fields that filters use have an index in the corpus, and answers have none', async () => {
  const double = await startDouble();
  const { qdrant: place, ...config } = onQdrant(double.port);
  const options = {
    embedder: mockEmbedder(),
    file: null,
    env: {},
    ...config,
    qdrant: {
      ...place,
      indexedFields: ['year:integer', 'topic', 'a.b:float'],
      efSearch: 77,
      onDiskPayload: true,
      quantization: 'int8' as const,
      replicationFactor: 2,
      shardNumber: 3,
    },
  };
  let breadth: unknown;
  double.fault = ({ route, body }) => {
    if (route === 'POST points/query') breadth = (body.params as { hnsw_ef?: unknown }).hnsw_ef;
    return undefined;
  };
  const service = await openQueryService({ ...options, cache: { directory: temporaryDirectory() } });
  await service.ingest({ documents: documents(3) });
  await service.query('a text', { filter: { year: { $gte: 0 } } });
  await service.close();
  const cache = await openCache({ ...options, cache: { directory: temporaryDirectory() } });
  await cache.close();
  const indexes = (name: string) =>
    [...(double.collections.get(name)?.indexes ?? [])].map(([field, { type }]) => `${field}:${type}`);
  const own = ['_scope:keyword', '_embedder:keyword', '_expires:float'];
  assert.equal(indexes('c_answers'), own);
  assert.equal(indexes('c'), [...own, 'meta.year:integer', 'meta.topic:keyword', 'meta.a-2e-b:float']);
  const { on_disk_payload, replication_factor, shard_number, quantization_config } = (
    double.collections.get('c') as Collection
  ).config;
  assert.equal([on_disk_payload, replication_factor, shard_number], [true, 2, 3]);
  assert.is((quantization_config as { scalar: { type: string } }).scalar.type, 'int8');
  assert.is(breadth, 77);
  await double.stop();
});

test('what was ingested elsewhere does not pass for ingested here', async () => {
  const double = await startDouble();
  const directory = temporaryDirectory();
  const given = documents(8);
  const ingestInto = async (config: ConfigInput) => {
    const options = { embedder: mockEmbedder(), file: null, env: {}, ...config, cache: { directory } };
    const service = await openQueryService(options);
    const { added, replaced, unchanged } = await service.ingest({ documents: given });
    const count = await service.count();
    await service.close();
    return [added, replaced, unchanged, count];
  };
  const [c, other] = [onQdrant(double.port), onQdrant(double.port, 'other')];
  const count = (await ingestInto({}))[3];
  assert.ok(count);
  assert.equal(await ingestInto(c), [8, 0, 0, count], 'from the embedded database to Qdrant');
  const ids = idsOf(double, 'c');
  assert.equal(await ingestInto(other), [8, 0, 0, count], 'another collection');
  assert.equal(await ingestInto({}), [0, 0, 8, count], 'back to the embedded database');
  assert.equal(await ingestInto(c), [0, 0, 8, count], 'back to the first collection');
  double.collections.delete('c');
  assert.equal(await ingestInto(c), [0, 8, 0, count], 'after the collection was dropped');
  assert.equal(idsOf(double, 'c'), ids);
  const collection = double.collections.get('c') as Collection;
  collection.remove(collection.select({ points: [ids[0]] }));
  assert.is((await ingestInto(c))[1], 1, 'after one document was lost');
  assert.equal(idsOf(double, 'c'), ids);
  await double.stop();
});

test.run();
