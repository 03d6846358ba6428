// FlatEngine by storage: exact over the vectors as they are kept, which are those that were set but for a rounding within its bound, and
// what the option refuses. SEED from the environment.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidArgumentError } from '#dist/core/errors.js';
import { native } from '#dist/core/native.js';
import { FlatEngine, type FlatStorage } from '#dist/engines/flat.js';
import { seededRandom } from '#dist/testing/index.js';
import { underEveryKernel } from '../core/every-kernel.js';

const test = suite(`storages of the flat engine (${native.kernel})`);
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}, kernel ${native.kernel}`);
const random = seededRandom(seed);
const below = (limit: number) => Math.floor(random() * limit);
const storages: readonly FlatStorage[] = ['float32', 'float16', 'int8'];

/** A unit vector: any, one of few components, or one of which a component dwarfs the others. */
function draw(dimension: number): Float32Array {
  const kind = below(3);
  const one = Float32Array.from({ length: dimension }, () => random() - 0.5);
  if (kind === 1) for (let i = 0; i < dimension; i++) if (random() < 0.9) one[i] = 0;
  const first = below(dimension);
  one[first] = ((one[first] as number) || 1) * (kind === 2 ? 1e3 : 1);
  const length = Math.hypot(...one);
  return one.map((x) => x / length);
}

/** The greatest error of a component that the storage may make. */
function stepOf(storage: FlatStorage, vector: Float32Array, component: number): number {
  if (storage === 'float32') return 0;
  // Half of the last of 11 bits; under 2^-14 halves have a fixed step.
  if (storage === 'float16') return Math.max(Math.abs(component) * 2 ** -11, 2 ** -25);
  return (vector.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 254) * 1.0001;
}

/** Similarities with all vectors of a partition as they are kept, in double precision, best first. */
function bruteForce(kept: ReadonlyMap<number, Float32Array>, query: Float32Array, k: number): number[] {
  return [...kept.values()]
    .map((row) => row.reduce((sum, x, i) => sum + x * (query[i] as number), 0))
    .sort((a, b) => b - a)
    .slice(0, k);
}

for (const storage of storages) {
  test(`${storage}: kept vectors are those set within a rounding, and searches are exact over them`, async () => {
    for (const dimension of [1, 7, 100, 384]) {
      const engine = new FlatEngine(dimension, { storage });
      assert.is(engine.approximate, storage !== 'float32');
      const given = new Map<number, Float32Array>();
      const set = (id: number) => {
        const vector = draw(dimension);
        engine.set(id, 3, vector);
        given.set(id, vector);
      };
      for (let id = 0; id < 400; id++) set(id);
      for (let change = 0; change < 300; change++) {
        const id = below(450);
        if (below(3) > 0) set(id);
        else assert.is(engine.remove(id), given.delete(id));
      }
      const kept = new Map<number, Float32Array>();
      for (const [id, vector] of given) {
        const row = engine.read(id) as Float32Array;
        vector.forEach((x, i) => {
          assert.ok(
            Math.abs((row[i] as number) - x) <= stepOf(storage, vector, x),
            `${id}: ${row[i]} of ${x}`,
          );
        });
        kept.set(id, row);
      }
      const queries = Array.from({ length: 12 }, () => draw(dimension));
      const k = 10;
      const asked = new Float32Array(queries.length * dimension);
      queries.forEach((query, i) => {
        asked.set(query, i * dimension);
      });
      const many = await engine.searchMany(asked, 3, k);
      for (const [at, query] of queries.entries()) {
        const found = engine.search(query, 3, k);
        const expected = bruteForce(kept, query, k);
        found.forEach(({ id, similarity }, i) => {
          // Float32 sums; similarities of rounded vectors may have been cut to 1.
          const wanted = Math.min(1, Math.max(-1, expected[i] as number));
          assert.ok(Math.abs(similarity - wanted) < 2e-6, `${similarity} at ${i}, not ${wanted}`);
          const own = given.get(id) as Float32Array;
          const error = own.reduce(
            (sum, x, j) => sum + stepOf(storage, own, x) * Math.abs(query[j] as number),
            0,
          );
          const exact = own.reduce((sum, x, j) => sum + x * (query[j] as number), 0);
          assert.ok(
            Math.abs(similarity - exact) <= error + 2e-6,
            `off by ${similarity - exact}, not ${error}`,
          );
          assert.is(many.ids[at * k + i], id);
          assert.is(many.similarities[at * k + i], similarity);
        });
        assert.is(found.length, Math.min(k, given.size));
      }
      await engine.close();
    }
  });

  test(`${storage}: an engine that was loaded equals one that was filled`, async () => {
    const dimension = 50;
    const filled = new FlatEngine(dimension, { storage });
    const ids = Uint32Array.from({ length: 300 }, (_, id) => id);
    const vectors = new Float32Array(300 * dimension);
    for (const id of ids) vectors.set(draw(dimension), id * dimension);
    filled.setMany(ids, 1, vectors);
    const loaded = new FlatEngine(dimension, { storage });
    await loaded.load(ids, new Uint32Array(300).fill(1), vectors);
    for (let i = 0; i < 20; i++) {
      const query = draw(dimension);
      assert.equal(loaded.search(query, 1, 9), filled.search(query, 1, 9));
    }
    assert.equal(loaded.read(77), filled.read(77));
    assert.ok(Math.abs(loaded.bytes / filled.bytes - 1) < 0.01);
  });
}

test('recall where nothing clusters: halves lose next to nothing, codes fewer than five of a hundred', () => {
  const [dimension, n, k] = [128, 3000, 10];
  const engines = storages.map((storage) => new FlatEngine(dimension, { storage }));
  for (let id = 0; id < n; id++) {
    const vector = Float32Array.from({ length: dimension }, () => random() + random() + random() - 1.5);
    const length = Math.hypot(...vector);
    for (const engine of engines)
      engine.set(
        id,
        0,
        vector.map((x) => x / length),
      );
  }
  const missed = new Map(storages.map((storage) => [storage, 0]));
  for (let i = 0; i < 100; i++) {
    const query = draw(dimension);
    const [exact, ...others] = engines.map((engine) => engine.search(query, 0, k));
    others.forEach((found, at) => {
      const storage = storages[at + 1] as FlatStorage;
      const ids = new Set(found.map(({ id }) => id));
      const lost = exact?.filter(({ id }) => !ids.has(id)).length ?? k;
      missed.set(storage, (missed.get(storage) as number) + lost);
    });
  }
  console.log('missed of 1,000:', missed);
  assert.ok((missed.get('float16') as number) <= 10);
  assert.ok((missed.get('int8') as number) <= 50);
});

test('other storages are refused, and so is a file where vectors are rounded', async () => {
  for (const bad of ['float64', '', 'toString', 8, null, {}]) {
    assert.throws(
      () => new FlatEngine(4, { storage: bad as 'int8' }),
      (error: unknown) => error instanceof InvalidArgumentError && /storage/.test(error.message),
      String(bad),
    );
  }
  for (const storage of ['float16', 'int8'] as const) {
    const engine = new FlatEngine(2, { storage });
    engine.set(1, 0, Float32Array.of(1, 0));
    const error = await engine.map('/no/such/file', '0'.repeat(16)).catch((reason: unknown) => reason);
    assert.instance(error, InvalidArgumentError);
    assert.is(engine.size, 1);
  }
});

underEveryKernel(test, import.meta.url, { SEED: String(seed) });
test.run();
