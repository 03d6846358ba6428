// The Qdrant database keeps the contract of vector databases and what it alone promises, on the double or on a real server.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomUnitVector, seededRandom, vectorDatabaseContract } from '#dist/testing/index.js';
import type { Filter, MetadataValue } from '#dist/vectordb/filter.js';
import { parseFilter, passes } from '#dist/vectordb/filter.js';
import { openQdrantDatabase } from '#dist/vectordb/qdrant.js';
import { codeOf } from '../disk/support.ts';
import { anywhere, documentOf, ground, scopes } from '../qdrant/support.ts';

const test = suite('qdrant database');
const [a, b] = scopes;
console.log(`runs against ${ground}`);

vectorDatabaseContract(
  test,
  async ({ dimension }) => {
    const { options, release } = await anywhere();
    const open = () => openQdrantDatabase({ ...options, dimension });
    let database = await open();
    return {
      database,
      async reopen() {
        await database.close();
        database = await open();
        return database;
      },
      release,
    };
  },
  assert,
);

test('processes that open one collection at once, and write to it, agree', async () => {
  const { options, release } = await anywhere();
  const [one, two] = await Promise.all([openQdrantDatabase(options), openQdrantDatabase(options)]);
  assert.is(await one.version(a), await two.version(a));
  await one.upsert([documentOf('x')]);
  const first = await two.version(a);
  assert.is(await one.version(a), first);
  await two.upsert([documentOf('x', { text: 'of two' })]);
  assert.is.not(await one.version(a), first);
  assert.is((await one.get(a, ['x']))[0]?.text, 'of two');
  assert.is(await one.count(), 1);
  await Promise.all([one.close(), two.close()]);
  await release();
});

test('databases of two embedders share a collection and see nothing of each other', async () => {
  const { options, release } = await anywhere();
  const one = await openQdrantDatabase(options);
  const two = await openQdrantDatabase({ ...options, embedder: 'e2' });
  const document = documentOf('x');
  await one.upsert([document]);
  assert.equal(await two.get(a, ['x']), [undefined]);
  assert.equal(await two.search(document.vector, { scope: a, topK: 5 }), []);
  await two.clear();
  assert.is(await two.delete(a, {}), 0);
  assert.is(await one.count(), 1);
  await Promise.all([one.close(), two.close()]);
  await release();
});

test('batches, and documents larger than a batch, arrive whole', async () => {
  const { options, release } = await anywhere();
  const database = await openQdrantDatabase({ ...options, batchBytes: 2_000 });
  const documents = Array.from({ length: 30 }, (_, i) =>
    documentOf(`d${i}`, { text: 'x'.repeat(i === 7 ? 100_000 : 300), scope: i % 2 ? a : b }),
  );
  await database.upsert(documents);
  assert.is(await database.count(), 30);
  assert.is((await database.get(b, ['d7']))[0], undefined);
  assert.is((await database.get(a, ['d7']))[0]?.text.length, 100_000);
  await database.close();
  await release();
});

test('a delete by filter and a count by filter are exact, over several pages', async () => {
  const { options, release } = await anywhere();
  const database = await openQdrantDatabase(options);
  const documents = Array.from({ length: 600 }, (_, i) => documentOf(`d${i}`, { metadata: { part: i % 2 } }));
  await database.upsert([...documents, documentOf('other', { scope: b, metadata: { part: 1 } })]);
  assert.is(await database.count(a, { part: 1 }), 300);
  assert.is(await database.delete(a, { part: 1 }), 300);
  assert.is(await database.count(a), 300);
  assert.is(await database.count(b), 1);
  await database.close();
  await release();
});

test('filters say on the server what they say here, whatever the fields are called', async () => {
  const { options, release } = await anywhere();
  const seed = Number(process.env.SEED ?? 17);
  const random = seededRandom(seed);
  console.log(`seed ${seed}`);
  const names = [
    'plain',
    'a.b',
    'a',
    'b',
    'a"b',
    'a[0]',
    'a[]',
    '日本',
    '-',
    '-2e-',
    ' ',
    '__proto__',
    '0',
    '😀',
  ];
  const values: MetadataValue[] = ['x', '2', '', '日', 2, -1, 0, 1.5, 2.5, 1e300, 2 ** 60, true, false, null];
  const fields = fc.constantFrom(...names);
  const value = fc.constantFrom(...values);
  const number = fc.constantFrom(-1, 0, 1.5, 2, 2.25, 1e300);
  const comparison = fc.record(
    {
      $in: fc.array(value, { maxLength: 4 }),
      $gt: number,
      $gte: number,
      $lt: number,
      $lte: number,
      $exists: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const condition = fc.oneof(
    value,
    fc.array(value, { maxLength: 4 }),
    comparison.filter((c) => Object.keys(c).length > 0),
  );
  const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3 },
      fc
        .array(fc.tuple(fields, condition), { maxLength: 2 })
        .map((list) => Object.fromEntries(list) as Filter),
      fc.record({ $not: tie('filter') }) as fc.Arbitrary<Filter>,
      fc.record({ $and: fc.array(tie('filter'), { maxLength: 3 }) }) as fc.Arbitrary<Filter>,
      fc.record({ $or: fc.array(tie('filter'), { maxLength: 3 }) }) as fc.Arbitrary<Filter>,
    ),
  }));
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const documents = Array.from({ length: 60 }, (_, i) => {
    const entries = names.filter(() => random() < 0.5).map((name) => [name, pick(values)] as const);
    return documentOf(`d${i}`, { metadata: Object.fromEntries(entries) });
  });
  const database = await openQdrantDatabase({
    ...options,
    indexedFields: { plain: 'keyword', 'a.b': 'float', 日本: 'bool' },
  });
  await database.upsert(documents);
  assert.equal((await database.get(a, ['d3']))[0]?.metadata, documents[3]?.metadata);
  const wanted = randomUnitVector(8, random);
  const check = fc.asyncProperty(filter, async (given) => {
    const clause = parseFilter(given);
    const expected = documents.filter(({ metadata }) => passes(clause, metadata)).map(({ id }) => id);
    assert.is(await database.count(a, given), expected.length);
    const found = await database.search(wanted, { scope: a, topK: 100, filter: given });
    assert.equal(found.map(({ document }) => document.id).sort(), expected.sort());
  });
  await fc.assert(check, { seed, numRuns: 250 });
  assert.is(database.dropped, 0);
  await database.close();
  await release();
});

test('a field with an index of integers takes whole numbers alone, and bounds with fractions', async () => {
  const { options, release } = await anywhere();
  const database = await openQdrantDatabase({ ...options, indexedFields: { year: 'integer' } });
  const wrong = documentOf('x', { metadata: { year: 1.5 } });
  assert.is(await codeOf(() => database.upsert([wrong])), 'ERR_LLM_CACHE_ARGUMENT');
  await database.upsert([1, 2, 3].map((year) => documentOf(`y${year}`, { metadata: { year } })));
  assert.is(await database.count(a, { year: { $gte: 1.5, $lt: 2.5 } }), 1);
  assert.is(await database.count(a, { year: { $gt: 1.5, $lte: 3.5 } }), 2);
  assert.is(await database.count(a, { year: [1.5, 3] }), 1);
  await database.close();
  await release();
});

test.run();
