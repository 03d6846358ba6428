// The addon's FlatIndex against brute force in double precision, for every kernel, over data that tempts an index into mistakes.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NativeFlatIndex, native } from '#dist/core/native.js';
import { underEveryKernel } from '../core/every-kernel.js';

const seed = Number(process.env.LLM_CACHE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(process.env.LLM_CACHE_TEST_RUNS ?? 60);
console.log(`seed ${seed}, ${numRuns} runs, kernel ${native.kernel}`);
const test = suite(`flat index against brute force (${native.kernel})`);

/** Mulberry32, and from it a Gaussian. */
function generator(start: number): { uniform: () => number; gaussian: () => number } {
  let state = start;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const gaussian = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, gaussian };
}

type Draw = (dimension: number, seed: number) => Float32Array;
const gaussianVector: Draw = (dimension, start) => {
  const { gaussian } = generator(start);
  return Float32Array.from({ length: dimension }, gaussian);
};
const scaled = (vector: Float32Array, factor: number) => vector.map((x) => x * factor);

const data: Record<string, Draw> = {
  gaussian: gaussianVector,
  'near-duplicate': (dimension, start) =>
    gaussianVector(dimension, start).map((x) => 0.5 + x * (start % 2 ? 1e-3 : 1e-6)),
  equal: (dimension) => new Float32Array(dimension).fill(0.25),
  clustered: (dimension, start) => {
    const centre = gaussianVector(dimension, start % 7);
    return gaussianVector(dimension, start).map((x, i) => (centre[i] as number) + 0.2 * x);
  },
  'one huge component': (dimension, start) => {
    const vector = gaussianVector(dimension, start);
    vector[start % dimension] = 1e6 * (vector[start % dimension] as number);
    return vector;
  },
  'norms around 1e-30': (dimension, start) => scaled(gaussianVector(dimension, start), 1e-30),
  'norms around 1e17': (dimension, start) =>
    scaled(gaussianVector(dimension, start), 1e17 / Math.sqrt(dimension)),
  'norms of any size': (dimension, start) =>
    scaled(gaussianVector(dimension, start), 10 ** ((start % 48) - 30)),
  'sparse, some zero': (dimension, start) => {
    const vector = new Float32Array(dimension);
    if (start % 4) vector[start % dimension] = generator(start).gaussian();
    return vector;
  },
};

interface Row {
  readonly partition: number;
  readonly vector: Float32Array;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

const norm = (vector: Float32Array) => Math.sqrt(dot(vector, vector));

function checkSearch(
  index: NativeFlatIndex,
  model: Map<number, Row>,
  query: Float32Array,
  partition: number,
  k: number,
): void {
  const ids = new Uint32Array(k);
  const products = new Float32Array(k);
  const count = index.search(query, partition, k, ids, products);
  const rows = [...model].filter(([, row]) => row.partition === partition);
  const exact = new Map(rows.map(([id, { vector }]) => [id, dot(vector, query)]));
  const best = [...exact.values()].sort((a, b) => b - a);
  assert.is(count, Math.min(k, rows.length));
  assert.is(new Set(ids.subarray(0, count)).size, count, 'an id came twice');
  assert.ok(index.lastRescored >= count && index.lastRescored <= rows.length);
  // What float32 may lose: 1e-5 of the product of the norms, and what underflows.
  const greatest = Math.max(0, ...rows.map(([, { vector }]) => norm(vector)));
  for (let i = 0; i < count; i++) {
    const [id, product] = [ids[i] as number, products[i] as number];
    const row = model.get(id);
    assert.is(row?.partition, partition, 'an id of another partition, or of none');
    const own = 1e-5 * norm((row as Row).vector) * norm(query) + 1e-38;
    assert.ok(Math.abs(product - (exact.get(id) as number)) <= own, `product of ${id}`);
    // A near-tie may change places with another, but no clearly better row may be missing.
    assert.ok(
      (exact.get(id) as number) >= (best[i] as number) - 2e-5 * greatest * norm(query) - 2e-38,
      `rank ${i}`,
    );
    if (i > 0) {
      const [lastId, last] = [ids[i - 1] as number, products[i - 1] as number];
      assert.ok(product <= last, 'order');
      // Products under 1e-37 may have been equal only after they were rounded to denormal numbers.
      if (product === last && Math.abs(product) > 1e-37) assert.ok(id > lastId, 'equal products come by id');
    }
  }
}

const id = fc.integer({ min: 0, max: 60 });
const partition = fc.integer({ min: 0, max: 2 });
const vectorSeed = fc.integer({ min: 0, max: 100_000 });
const command = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('set' as const), id, partition, vectorSeed }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('setMany' as const),
      ids: fc.array(id, { maxLength: 40 }),
      partition,
      vectorSeed,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), id }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('search' as const),
      partition,
      vectorSeed,
      k: fc.integer({ min: 1, max: 70 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clear' as const),
      partition: fc.option(partition, { nil: undefined }),
    }),
  },
);

for (const [name, draw] of Object.entries(data)) {
  test(`any sequence of changes answers as brute force does: ${name}`, () => {
    const property = fc.property(
      fc.constantFrom(1, 2, 5, 16, 31, 128),
      fc.array(command, { maxLength: 150 }),
      (dimension, commands) => {
        const index = new native.FlatIndex(dimension);
        const model = new Map<number, Row>();
        for (const step of commands) {
          if (step.kind === 'set') {
            const vector = draw(dimension, step.vectorSeed);
            assert.is(index.set(step.id, step.partition, vector), !model.has(step.id));
            model.set(step.id, { partition: step.partition, vector });
          } else if (step.kind === 'setMany') {
            const vectors = step.ids.map((_, i) => draw(dimension, step.vectorSeed + i));
            const flat = new Float32Array(vectors.length * dimension);
            vectors.forEach((vector, i) => {
              flat.set(vector, i * dimension);
            });
            index.setMany(Uint32Array.from(step.ids), step.partition, flat);
            step.ids.forEach((one, i) => {
              model.set(one, { partition: step.partition, vector: vectors[i] as Float32Array });
            });
          } else if (step.kind === 'remove') {
            assert.is(index.remove(step.id), model.delete(step.id));
          } else if (step.kind === 'clear') {
            index.clear(step.partition);
            for (const [one, row] of model)
              if (step.partition === undefined || row.partition === step.partition) model.delete(one);
          } else {
            checkSearch(index, model, draw(dimension, step.vectorSeed), step.partition, step.k);
          }
          assert.is(index.size, model.size);
        }
        for (const [one, row] of model) {
          const out = new Float32Array(dimension);
          assert.ok(index.has(one) && index.read(one, out));
          assert.equal(out, row.vector);
        }
        for (const one of [0, 1, 2]) checkSearch(index, model, draw(dimension, 1), one, 10);
      },
    );
    fc.assert(property, { seed, numRuns });
  });
}

for (const [name, draw] of Object.entries(data)) {
  test(`two thousand rows at d = 96 answer as brute force does: ${name}`, () => {
    const [dimension, rows] = [96, 2000];
    const index = new native.FlatIndex(dimension);
    const model = new Map<number, Row>();
    for (let i = 0; i < rows; i++) {
      const vector = draw(dimension, seed + i);
      index.set(i, 0, vector);
      model.set(i, { partition: 0, vector });
    }
    for (const [i, k] of [1, 10, 100, 2000].entries())
      checkSearch(index, model, draw(dimension, seed + rows + i), 0, k);
  });
}

test('the same calls give the same answers, bit for bit', () => {
  const answers = [0, 1].map(() => {
    const index = new native.FlatIndex(48);
    for (let i = 0; i < 500; i++) index.set(i, 0, gaussianVector(48, seed + i));
    const [ids, products] = [new Uint32Array(50), new Float32Array(50)];
    for (let i = 0; i < 20; i++) index.search(gaussianVector(48, i), 0, 50, ids, products);
    return JSON.stringify([...ids, ...products]);
  });
  assert.is(answers[0], answers[1]);
});

const variables = { LLM_CACHE_TEST_SEED: String(seed), LLM_CACHE_TEST_RUNS: String(numRuns) };
const others = native.kernels.filter((kernel) => kernel !== native.kernel);
underEveryKernel(test, import.meta.url, variables, others);

test.run();
