// FlatEngine.searchMany: equal to single searches, of the moment of the call, and what it refuses. SEED from the environment.
import { setImmediate } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CacheError, DimensionError, InvalidArgumentError } from '#dist/core/errors.js';
import { native } from '#dist/core/native.js';
import type { NeighbourTable } from '#dist/engines/engine.js';
import { FlatEngine } from '#dist/engines/flat.js';
import { seededRandom } from '#dist/testing/index.js';
import { underEveryKernel } from '../core/every-kernel.js';

const test = suite(`many queries at once (${native.kernel})`);
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}, kernel ${native.kernel}`);
const random = seededRandom(seed);
const below = (limit: number) => Math.floor(random() * limit);

/** n unit vectors, one behind the other. */
function rows(n: number, dimension: number): Float32Array {
  const all = Float32Array.from({ length: n * dimension }, () => random() - 0.5);
  for (let row = 0; row < n; row++) {
    const one = all.subarray(row * dimension, (row + 1) * dimension);
    const length = Math.hypot(...one);
    for (let i = 0; i < dimension; i++) one[i] = (one[i] as number) / length;
  }
  return all;
}

function filled(n: number, dimension: number): FlatEngine {
  const engine = new FlatEngine(dimension);
  engine.setMany(
    Uint32Array.from({ length: n }, (_, id) => id),
    3,
    rows(n, dimension),
  );
  engine.setMany(Uint32Array.of(n, n + 1), 4, rows(2, dimension));
  return engine;
}

/** What `searchMany` must give. */
function oneByOne(engine: FlatEngine, queries: Float32Array, partition: number, k: number): NeighbourTable {
  const found: ReturnType<FlatEngine['search']> = [];
  let count = 0;
  for (let at = 0; at < queries.length; at += engine.dimension) {
    const some = engine.search(queries.subarray(at, at + engine.dimension), partition, k);
    count = some.length;
    found.push(...some);
  }
  return {
    count,
    ids: Uint32Array.from(found, ({ id }) => id),
    similarities: Float32Array.from(found, ({ similarity }) => similarity),
  };
}

test('equals single searches, whatever the sizes, k and threads', async () => {
  for (const dimension of [1, 8, 50, 384]) {
    for (const n of [1, 17, 1500]) {
      const engine = filled(n, dimension);
      for (const k of [1, 10, 5000]) {
        const queries = rows(1 + below(40), dimension);
        const expected = oneByOne(engine, queries, 3, k);
        assert.equal(await engine.searchMany(queries, 3, k, { threads: 1 + below(4) }), expected);
      }
    }
  }
});

test('no queries, or a partition without rows, find nothing', async () => {
  const engine = filled(10, 8);
  const none = { ids: new Uint32Array(0), similarities: new Float32Array(0) };
  assert.equal(await engine.searchMany(new Float32Array(0), 3, 5), { count: 5, ...none });
  assert.equal(await engine.searchMany(rows(3, 8), 9, 5), { count: 0, ...none });
  assert.equal(await new FlatEngine(8).searchMany(rows(3, 8), 0, 5), { count: 0, ...none });
});

test('answers are of the moment of the call, and changes made meanwhile stand', async () => {
  const dimension = 64;
  for (let round = 0; round < 6; round++) {
    const engine = filled(3000, dimension);
    const queries = rows(50, dimension);
    const before = oneByOne(engine, queries, 3, 10);
    const pending = [engine.searchMany(queries, 3, 10)];
    const vectors = new Map<number, Float32Array>();
    for (let change = 0; change < 200; change++) {
      const id = below(3100);
      if (below(3) === 0) {
        engine.remove(id);
        vectors.delete(id);
      } else {
        const vector = rows(1, dimension);
        engine.set(id, 3, vector);
        vectors.set(id, vector);
      }
      if (change % 50 === 0) await setImmediate();
    }
    const after = oneByOne(engine, queries, 3, 10);
    pending.push(engine.searchMany(queries, 3, 10));
    // The caller may use the memory of the queries again.
    queries.fill(0);
    if (round % 2 === 0) engine.clear();
    else await engine.close();
    assert.equal(await Promise.all(pending), [before, after]);
    assert.is(engine.size, 0);
    // Changed rows were copies: what was set is what is read.
    const other = filled(3000, dimension);
    const running = other.searchMany(rows(50, dimension), 3, 10);
    for (const [id, vector] of vectors) other.set(id, 3, vector);
    for (const [id, vector] of vectors) assert.equal(other.read(id), vector);
    await running;
    for (const [id, vector] of vectors) assert.equal(other.read(id), vector);
  }
});

test('many batches at once, over an engine that is loaded anew meanwhile', async () => {
  const engine = filled(500, 16);
  const queries = rows(20, 16);
  const expected = oneByOne(engine, queries, 3, 7);
  const pending = Array.from({ length: 12 }, () => engine.searchMany(queries, 3, 7, { threads: 3 }));
  await engine.load(Uint32Array.of(1), Uint32Array.of(3), rows(1, 16));
  for (const one of await Promise.all(pending)) assert.equal(one, expected);
  assert.is((await engine.searchMany(queries, 3, 7)).count, 1);
});

test('wrong lengths, types and numbers are refused with typed errors, and nothing changes', async () => {
  const engine = filled(20, 8);
  const queries = rows(4, 8);
  const before = oneByOne(engine, queries, 3, 5);
  const spoilt = (at: number, value: number) => {
    const copy = queries.slice();
    copy[at] = value;
    return copy;
  };
  const shared = new Float32Array(new SharedArrayBuffer(32));
  shared.set(rows(1, 8));
  const detached = rows(1, 8);
  structuredClone(detached.buffer, { transfer: [detached.buffer as ArrayBuffer] });
  const many = engine.searchMany.bind(engine) as (...values: unknown[]) => Promise<unknown>;
  for (const values of [
    [[1, 0], 3, 5],
    [null, 3, 5],
    [undefined, 3, 5],
    [shared, 3, 5],
    [detached, 3, 5],
    [spoilt(17, Number.NaN), 3, 5],
    [spoilt(31, Number.POSITIVE_INFINITY), 3, 5],
    [spoilt(0, 1e30), 3, 5],
    [new Float32Array(8), 3, 5],
    ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, undefined].map((k) => [queries, 3, k]),
    ...[-1, 0.5, 2 ** 32 - 1, '1'].map((partition) => [queries, partition, 5]),
    ...[0, -1, 65, 1.5, '2'].map((threads) => [queries, 3, 5, { threads }]),
  ]) {
    const error = await many(...values).then(
      () => assert.unreachable(String(values.slice(1))),
      (reason: unknown) => reason,
    );
    assert.instance(error, InvalidArgumentError, String(error));
    assert.instance(error, CacheError);
  }
  for (const length of [1, 7, 9]) {
    const error = await many(new Float32Array(length), 3, 5).catch((reason: unknown) => reason);
    assert.instance(error, DimensionError);
  }
  assert.equal(oneByOne(engine, queries, 3, 5), before);
});

underEveryKernel(test, import.meta.url, { SEED: String(seed) });
test.run();
