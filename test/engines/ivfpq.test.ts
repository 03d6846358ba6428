// IvfPqEngine: the conformance suite with similarities worked out from the vectors, as its users do, and what only lists can get wrong.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CacheError } from '#dist/core/errors.js';
import { IvfPqEngine } from '#dist/engines/ivfpq.js';
import type { IvfPqEngineOptions } from '#dist/engines/ivfpq-options.js';
import { cosine, randomUnitVector, seededRandom, vectorAt } from '#dist/testing/index.js';
import { engineConformance, printedSeed } from './conformance.ts';
import { WithVectors } from './with-vectors.ts';

const seed = printedSeed();
const test = suite('ivfpq engine');

engineConformance(test, async (dimension) => {
  // The test of bytes counts those of exact rows.
  const engine = new IvfPqEngine(dimension, { trainFrom: dimension === 64 ? 5_000 : 50, nprobe: 8 });
  return { engine: new WithVectors(engine), settle: () => engine.settled() };
});

const dimension = 32;
const random = seededRandom(seed + 3);
const centres = Array.from({ length: 40 }, () => randomUnitVector(dimension, random));
const draw = () => vectorAt(centres[Math.floor(random() * centres.length)] as Float32Array, 0.8, random);

async function filled(count: number, options: IvfPqEngineOptions = {}) {
  const engine = new IvfPqEngine(dimension, { trainFrom: 500, seed, ...options });
  const rows = new Map<number, Float32Array>();
  for (let id = 0; id < count; id++) put(engine, rows, id, draw());
  await engine.settled();
  assert.is(engine.lastFailure, undefined);
  return { engine, rows };
}

function put(engine: IvfPqEngine, rows: Map<number, Float32Array>, id: number, vector: Float32Array) {
  engine.set(id, 7, vector);
  rows.set(id, vector);
}

function recall(engine: IvfPqEngine, rows: ReadonlyMap<number, Float32Array>): number {
  let right = 0;
  const questions = Array.from({ length: 50 }, draw);
  for (const question of questions) {
    const products = [...rows.values()].map((vector) => cosine(vector, question)).sort((a, b) => b - a);
    for (const { id } of engine.search(question, 7, 10)) {
      if (cosine(rows.get(id) as Float32Array, question) >= (products[9] as number) - 0.01) right++;
    }
  }
  return right / questions.length / 10;
}

for (const options of [
  {},
  { nbits: 8, m: 16 },
  { rescore: 'float16' },
  { rotations: 2 },
  { nlist: 16, nprobe: 16 },
] as const) {
  test(`recall is high with ${JSON.stringify(options)}`, async () => {
    const { engine, rows } = await filled(2_000, options);
    assert.is(engine.rowsInLists, 2_000);
    const reached = recall(engine, rows);
    assert.ok(reached >= 0.95, String(reached));
    await engine.close();
  });
}

test('after ten times as many changes as rows, recall is that of a fresh build and every row is found', async () => {
  const { engine, rows } = await filled(2_000);
  const before = engine.bytes;
  for (let change = 0; change < 20_000; change++) {
    const id = Math.floor(random() * 2_000);
    if (change % 4 === 0) {
      assert.is(engine.remove(id), rows.delete(id));
      continue;
    }
    put(engine, rows, id, draw());
  }
  await engine.settled();
  const fresh = new IvfPqEngine(dimension, { trainFrom: 500, seed });
  for (const [id, vector] of rows) fresh.set(id, 7, vector);
  await fresh.settled();
  const [churned, built] = [recall(engine, rows), recall(fresh, rows)];
  console.log(
    `recall after churn ${churned}, of a fresh build ${built}; ${before} bytes, then ${engine.bytes}`,
  );
  assert.ok(churned >= built - 0.03);
  assert.ok(engine.bytes < before * 1.3);
  let reached = 0;
  for (const [id, vector] of rows) if (engine.search(vector, 7, 3).some((one) => one.id === id)) reached++;
  assert.ok(reached >= rows.size * 0.999, `${reached} of ${rows.size}`);
  for (const one of [engine, fresh]) await one.close();
});

test('what changes while lists are built is brought over, and another partition stays exact', async () => {
  const engine = new IvfPqEngine(dimension, { trainFrom: 500, seed });
  const rows = new Map<number, Float32Array>();
  for (let id = 0; id < 500; id++) put(engine, rows, id, draw());
  const gone = [3, 4, 5];
  for (const id of gone) assert.is(engine.remove(id), rows.delete(id));
  for (let id = 100; id < 150; id++) put(engine, rows, id, draw());
  engine.set(6, 8, rows.get(6) as Float32Array);
  const elsewhere = rows.get(6) as Float32Array;
  rows.delete(6);
  await engine.settled();
  assert.is(engine.rowsInLists, rows.size);
  assert.equal(
    engine.search(elsewhere, 8, 5).map(({ id }) => id),
    [6],
  );
  for (const [id, vector] of rows) assert.is(engine.search(vector, 7, 1)[0]?.id, id);
  for (const id of [...gone, 6]) assert.not(engine.search(draw(), 7, 1000).some((one) => one.id === id));
  await engine.close();
});

test('data that has changed in kind is learnt anew, more of the same kind is not', async () => {
  const tight = () => vectorAt(centres[Math.floor(random() * centres.length)] as Float32Array, 0.98, random);
  const anything = () => randomUnitVector(dimension, random);
  for (const { kind, learnt } of [
    { kind: tight, learnt: 1 },
    { kind: anything, learnt: 2 },
  ]) {
    const engine = new IvfPqEngine(dimension, { trainFrom: 2_000, seed });
    const rows = new Map<number, Float32Array>();
    for (let id = 0; id < 2_000; id++) put(engine, rows, id, tight());
    await engine.settled();
    assert.is(engine.built, 1);
    // Fewer than what is learnt anew for their number alone.
    for (let id = 2_000; id < 7_500; id++) put(engine, rows, id, kind());
    await engine.settled();
    assert.is(engine.built, learnt);
    assert.is(engine.rowsInLists, rows.size);
    await engine.close();
  }
});

test('rows that cannot be learnt from stay exact, and the failure is told', async () => {
  const engine = new IvfPqEngine(dimension, { trainFrom: 100 });
  const one = draw();
  for (let id = 0; id < 150; id++) engine.set(id, 0, one);
  await engine.settled();
  assert.ok(engine.lastFailure instanceof CacheError, String(engine.lastFailure));
  assert.is(engine.rowsInLists, 0);
  assert.is(engine.search(one, 0, 200).length, 150);
  await engine.close();
});

test('closing and clearing end what is being built', async () => {
  const engine = new IvfPqEngine(dimension, { trainFrom: 500 });
  for (let id = 0; id < 600; id++) engine.set(id, id % 2 === 0 ? 0 : 0, draw());
  engine.clear(0);
  await engine.settled();
  assert.is(engine.size, 0);
  for (let id = 0; id < 600; id++) engine.set(id, 0, draw());
  await engine.close();
  assert.is(engine.size, 0);
});

test('options out of range are refused', () => {
  const bad: IvfPqEngineOptions[] = [
    { trainFrom: 1 },
    { nlist: 0 },
    { nlist: 8, nprobe: 9 },
    { nprobe: 0 },
    { m: 5 },
    { nbits: 6 as never },
    { rotations: -1 },
    { rescore: 'float8' as never },
    { rescoreFactor: 0 },
    { threads: 65 },
    { seed: -1 },
  ];
  for (const options of bad) {
    assert.throws(
      () => new IvfPqEngine(dimension, options),
      (error: { code?: string }) => error.code === 'ERR_LLM_CACHE_ARGUMENT',
      JSON.stringify(options),
    );
  }
});

test.run();
