// What the faiss database promises about its indices: growth, dead rows, recall, lost threads, several processes, ends and aborts.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomUnitVector, seededRandom } from '#dist/testing/index.js';
import { FaissThread } from '#dist/vectordb/faiss/thread.js';
import type { FaissDatabaseOptions } from '#dist/vectordb/faiss.js';
import { codeOf, startChild, until } from '../disk/support.ts';
import {
  clustered,
  nearest,
  noFaiss,
  type OpenedFaiss,
  openFaiss,
  recall,
  scope,
  upsertAll,
} from './faiss-support.ts';

const test = suite('indices of faiss');
const absent = await noFaiss();
const seed = Number(process.env.LLM_CACHE_TEST_SEED ?? 5);
const dimension = 32;

/** Searches until the index in service is of the type, as the background builds it. */
async function served({ database }: OpenedFaiss, type: string, nlist?: number): Promise<void> {
  const vector = randomUnitVector(dimension, seededRandom(seed));
  await until(`${type} serves`, async () => {
    await database.search(vector, { scope, topK: 1 });
    const serving = database.serving(scope);
    return serving?.type === type && (nlist === undefined || serving.nlist === nlist);
  });
}

async function found({ database }: OpenedFaiss, vector: Float32Array, topK = 10): Promise<string[]> {
  return (await database.search(vector, { scope, topK })).map(({ document }) => document.id);
}

/** Ends the thread of faiss by filling its heap. */
async function endThread(): Promise<void> {
  const thread = await FaissThread.acquire();
  const index = 'of this test';
  const spec = { type: 'IVF', dimension: 1, metric: 'L2', nlist: 1, nprobe: 1 } as const;
  await thread.ask({ kind: 'create', index, spec });
  // Plain arrays count where typed ones would not.
  const rows = Array(2_000_000).fill(0.5) as unknown as Float32Array;
  let reply = '';
  for (let at = 0; reply !== 'lost'; at += rows.length) {
    assert.ok(at < 200_000_000, 'the thread takes more than it may');
    reply = (await thread.ask({ kind: 'sample', index, at, rows })).kind;
  }
  await thread.release();
}

function tests(): void {
  test('two databases share the thread, and each answers for its own', async () => {
    const random = seededRandom(seed);
    const [one, other] = [
      await openFaiss({ dimension }),
      await openFaiss({ dimension, indexType: 'HNSW', exactBelow: 40 }),
    ];
    const documents = clustered(300, dimension, random);
    await upsertAll(one.database, documents.slice(0, 100));
    await upsertAll(other.database, documents.slice(100));
    await served(other, 'HNSW');
    const vector = randomUnitVector(dimension, random);
    assert.equal(await found(one, vector), nearest(documents.slice(0, 100), vector, 10));
    await one.close();
    assert.is((await found(other, vector)).length, 10, 'the thread lives on for the other');
    await other.close();
    const again = await openFaiss({ dimension }, one.directory);
    assert.equal(await found(again, vector), nearest(documents.slice(0, 100), vector, 10));
    await again.close();
  });

  test('a scope is searched exactly until it holds enough, then by an index that grows with it', async () => {
    const random = seededRandom(seed);
    const opened = await openFaiss({ dimension, indexType: 'IVF', exactBelow: 1000, nprobe: 8, nlist: 100 });
    assert.is(opened.database.serving(scope), undefined);
    assert.equal(await found(opened, randomUnitVector(dimension, random)), [], 'an empty scope');
    const documents = clustered(4200, dimension, random);
    await upsertAll(opened.database, documents.slice(0, 999));
    const vector = randomUnitVector(dimension, random);
    assert.equal(await found(opened, vector), nearest(documents.slice(0, 999), vector, 10), 'exact');
    assert.is(opened.database.serving(scope)?.type, 'Flat');
    await upsertAll(opened.database, documents.slice(999, 1000));
    assert.equal(
      await found(opened, vector),
      nearest(documents.slice(0, 1000), vector, 10),
      'the exact index serves while the other is trained',
    );
    await served(opened, 'IVF', 25);
    await upsertAll(opened.database, documents.slice(1000));
    await served(opened, 'IVF', 100);
    assert.is(opened.database.serving(scope)?.documents, 4200);
    await opened.close();
  });

  const floors: [string, Omit<FaissDatabaseOptions, 'name' | 'dimension'>, number][] = [
    ['Flat, L2', { metric: 'L2' }, 1],
    ['Flat, IP', { metric: 'IP' }, 1],
    ['IVF, L2, nprobe 8 of 64', { indexType: 'IVF', metric: 'L2', nlist: 64, nprobe: 8 }, 0.95],
    ['IVF, IP, nprobe 8 of 64', { indexType: 'IVF', metric: 'IP', nlist: 64, nprobe: 8 }, 0.95],
    ['IVFPQ, L2, 16 parts of 8 bits', { indexType: 'IVFPQ', nlist: 64, nprobe: 8, pqM: 16 }, 0.95],
    [
      'IVFPQ, IP, 16 parts of 6 bits',
      { indexType: 'IVFPQ', metric: 'IP', nlist: 64, nprobe: 8, pqM: 16, pqNbits: 6 },
      0.95,
    ],
    ['HNSW, L2', { indexType: 'HNSW', metric: 'L2' }, 0.98],
    ['HNSW, IP', { indexType: 'HNSW', metric: 'IP' }, 0.98],
  ];
  for (const [kind, options, floor] of floors) {
    test(`recall of the 10 nearest is at least ${floor}: ${kind}`, async () => {
      const random = seededRandom(seed);
      const opened = await openFaiss({ dimension, exactBelow: 1000, ...options });
      const documents = clustered(8000, dimension, random);
      await upsertAll(opened.database, documents);
      await served(opened, options.indexType ?? 'Flat');
      const share = await recall(opened.database, documents, random);
      console.log(`${kind}: recall ${share.toFixed(3)}, seed ${seed}`);
      assert.ok(share >= floor, `recall ${share}`);
      await opened.close();
    });
  }

  test('nprobe and efSearch reach faiss', async () => {
    const shares: Record<string, number> = {};
    const cases: [string, Omit<FaissDatabaseOptions, 'name' | 'dimension'>][] = [
      ['nprobe 1', { indexType: 'IVF', nlist: 64, nprobe: 1 }],
      ['nprobe 64', { indexType: 'IVF', nlist: 64, nprobe: 64 }],
      ['efSearch 1', { indexType: 'HNSW', m: 4, efConstruction: 20, efSearch: 1 }],
      ['efSearch 400', { indexType: 'HNSW', m: 4, efConstruction: 20, efSearch: 400 }],
    ];
    for (const [kind, options] of cases) {
      const random = seededRandom(seed);
      const opened = await openFaiss({ dimension, exactBelow: 1000, ...options });
      const documents = clustered(5000, dimension, random);
      await upsertAll(opened.database, documents);
      await served(opened, options.indexType ?? 'Flat');
      shares[kind] = await recall(opened.database, documents, random);
      await opened.close();
    }
    console.log(`recall ${JSON.stringify(shares)}, seed ${seed}`);
    assert.is(shares['nprobe 64'], 1, 'all lists are all documents');
    assert.ok((shares['nprobe 1'] as number) < 0.95);
    assert.ok((shares['efSearch 400'] as number) > (shares['efSearch 1'] as number) + 0.1);
  });

  test('similarities are those of the stored vectors, also where the index holds codes', async () => {
    const random = seededRandom(seed);
    const opened = await openFaiss({ dimension, indexType: 'IVFPQ', exactBelow: 1000, pqM: 4, pqNbits: 4 });
    const documents = clustered(1200, dimension, random);
    await upsertAll(opened.database, documents);
    await served(opened, 'IVFPQ');
    const stored = documents[7] as (typeof documents)[number];
    const results = await opened.database.search(stored.vector, { scope, topK: 5 });
    assert.is(results[0]?.document.id, 'd7');
    assert.ok(Math.abs((results[0]?.similarity ?? 0) - 1) < 1e-6);
    const sorted = [...results].sort((a, b) => b.similarity - a.similarity);
    assert.equal(results, sorted);
    await opened.close();
  });

  for (const indexType of ['Flat', 'IVF', 'HNSW'] as const) {
    test(`rows of what is removed or replaced are never found, and are cleared away: ${indexType}`, async () => {
      const random = seededRandom(seed);
      const opened = await openFaiss({ dimension, indexType, exactBelow: 1000, nprobe: 1024 });
      const held = new Map(clustered(2000, dimension, random).map((each) => [each.id, each]));
      await upsertAll(opened.database, [...held.values()]);
      await served(opened, indexType);
      const renewed = clustered(600, dimension, random);
      await upsertAll(opened.database, renewed);
      for (const each of renewed) held.set(each.id, each);
      const vector = randomUnitVector(dimension, random);
      const floor = indexType === 'HNSW' ? 8 : 10;
      const agree = async (what: string) => {
        const ids = await found(opened, vector);
        const expected = nearest(held.values(), vector, 10);
        assert.is(ids.length, 10, what);
        assert.ok(ids.filter((id) => expected.includes(id)).length >= floor, what);
      };
      await agree('after replacing');
      assert.is(opened.database.serving(scope)?.deadRows, 600);
      const doomed = [...held.keys()].slice(0, 500);
      await opened.database.delete(scope, doomed);
      for (const id of doomed) held.delete(id);
      await agree('after removing');
      await until('dead rows are cleared away', async () => {
        await agree('meanwhile');
        return opened.database.serving(scope)?.deadRows === 0;
      });
      assert.is(opened.database.serving(scope)?.documents, 1500);
      assert.is(opened.database.serving(scope)?.type, indexType);
      await agree('afterwards');
      await opened.close();
    });
  }

  test('a selective filter on a trained index finds what passes', async () => {
    const random = seededRandom(seed);
    const opened = await openFaiss({ dimension, indexType: 'IVF', exactBelow: 1000, nprobe: 1 });
    const documents = clustered(3000, dimension, random).map((each, i) => ({
      ...each,
      metadata: { rare: i % 600 === 0 },
    }));
    await upsertAll(opened.database, documents);
    await served(opened, 'IVF');
    const vector = randomUnitVector(dimension, random);
    const results = await opened.database.search(vector, { scope, topK: 5, filter: { rare: true } });
    const passing = documents.filter(({ metadata }) => metadata.rare);
    assert.equal(
      results.map(({ document }) => document.id),
      nearest(passing, vector, 5),
    );
    await opened.close();
  });

  test('the index is built anew when its thread is lost', async () => {
    const random = seededRandom(seed);
    const opened = await openFaiss({ dimension, indexType: 'IVF', exactBelow: 1000, nprobe: 1024 });
    const documents = clustered(1500, dimension, random);
    await upsertAll(opened.database, documents);
    await served(opened, 'IVF');
    const vector = randomUnitVector(dimension, random);
    const expected = nearest(documents, vector, 10);
    assert.equal(await found(opened, vector), expected);
    const ended = endThread();
    const during = found(opened, vector);
    await ended;
    assert.equal(await during, expected);
    assert.equal(await Promise.all([1, 2, 3].map(() => found(opened, vector))), [
      expected,
      expected,
      expected,
    ]);
    await opened.close();
  });

  test('what another process writes is found by the next search', async () => {
    const random = seededRandom(seed);
    const here = await openFaiss({ dimension: 8 });
    const documents = clustered(50, 8, random);
    await here.database.upsert(documents);
    const vector = randomUnitVector(8, random);
    assert.is((await found(here, vector, 100)).length, 50);
    const version = await here.database.version(scope);
    const child = startChild('vectordb/fixtures/faiss-upsert.mjs', [here.directory, scope, 'theirs']);
    assert.is(await child.line(), 'written');
    assert.is(await child.ended, 0, child.stderr());
    assert.ok((await found(here, vector, 100)).includes('theirs'));
    assert.is.not(await here.database.version(scope), version);
    const there = await openFaiss({ dimension: 8 }, here.directory);
    assert.equal(await found(there, vector, 100), await found(here, vector, 100));
    await there.database.clear(scope);
    assert.equal(await found(here, vector, 100), []);
    await there.database.upsert(documents.slice(0, 3));
    assert.equal(await found(here, vector, 2), nearest(documents.slice(0, 3), vector, 2));
    await there.close();
    await here.close();
  });

  test('a close or an abort ends a search under way', async () => {
    const random = seededRandom(seed);
    const opened = await openFaiss({ dimension });
    await upsertAll(opened.database, clustered(3000, dimension, random));
    const vector = randomUnitVector(dimension, random);
    const abort = new AbortController();
    const aborted = opened.database.search(vector, { scope, topK: 5, signal: abort.signal });
    abort.abort(Object.assign(new Error('enough'), { code: 'enough' }));
    assert.is(await codeOf(() => aborted), 'enough');
    const searches = Array.from({ length: 5 }, () =>
      codeOf(() => opened.database.search(vector, { scope, topK: 5 })),
    );
    await opened.database.close();
    assert.equal(await Promise.all(searches), Array(5).fill('ERR_LLM_CACHE_CLOSED'));
    assert.is(await codeOf(() => opened.database.search(vector, { scope, topK: 5 })), 'ERR_LLM_CACHE_CLOSED');
    await opened.close();
  });

  test('unusable options are refused', async () => {
    const bad: Partial<FaissDatabaseOptions>[] = [
      { indexType: 'LSH' as 'IVF' },
      { metric: 'cosine' as 'IP' },
      { nprobe: 0 },
      { nlist: 1.5 },
      { pqM: 5 },
      { pqNbits: 13 },
      { m: 1 },
      { exactBelow: 3 },
    ];
    for (const each of bad) {
      const opened = await codeOf(() => openFaiss({ dimension, ...each }));
      assert.is(opened, 'ERR_LLM_CACHE_ARGUMENT', JSON.stringify(each));
    }
  });
}

if (absent === undefined) tests();
else {
  console.log(`skipped: ${absent}`);
  test.skip(`indices: skipped: ${absent}`);
}

test.run();
