// The product quantiser against a plain reading of its definition: nearest centroids, sums of table entries, training by seed.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '#dist/core/native.js';
import { ProductQuantiser } from '#dist/engines/product-quantiser.js';
import { seededRandom } from '#dist/testing/index.js';
import { underEveryKernel } from '../core/every-kernel.js';

const seed = Number(process.env.LLM_CACHE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}, kernel ${native.kernel}`);
const test = suite(`product quantiser (${native.kernel})`);

/** Normal numbers. */
function normalFrom(start: number): () => number {
  const next = seededRandom(start);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

const normals = (count: number, draw: () => number) => Float32Array.from({ length: count }, draw);

const cases = fc.record({
  m: fc.integer({ min: 1, max: 19 }),
  length: fc.integer({ min: 1, max: 9 }),
  nbits: fc.constantFrom(4 as const, 8 as const),
  rows: fc.integer({ min: 0, max: 70 }),
  seed: fc.integer(),
});

function squaredDistance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + (x - (b[i] as number)) ** 2, 0);
}

test('each part is coded by its nearest centroid, and scans give what the decoded vectors give', async () => {
  const property = fc.asyncProperty(cases, async ({ m, length, nbits, rows, seed: start }) => {
    const draw = normalFrom(start);
    const dimension = m * length;
    const centroids = 2 ** nbits;
    const codebooks = normals(centroids * dimension, draw);
    const quantiser = ProductQuantiser.from(codebooks, { dimension, m, nbits });
    assert.equal(quantiser.codebooks(), codebooks);
    const vectors = normals(rows * dimension, draw);
    const codes = await quantiser.encodeMany(vectors);
    assert.is(codes.length, rows * quantiser.codeBytes);
    const decoded = quantiser.decode(codes);
    const row = (all: Float32Array, i: number) => all.subarray(i * dimension, (i + 1) * dimension);
    for (let i = 0; i < rows; i++) {
      const bytes = codes.subarray(i * quantiser.codeBytes, (i + 1) * quantiser.codeBytes);
      assert.equal(quantiser.encode(row(vectors, i)), bytes.slice());
      for (let part = 0; part < m; part++) {
        const x = row(vectors, i).subarray(part * length, (part + 1) * length);
        const code = nbits === 8 ? bytes[part] : ((bytes[part >> 1] as number) >> (4 * (part % 2))) & 15;
        const book = codebooks.subarray(part * centroids * length);
        const of = (c: number) => book.subarray(c * length, (c + 1) * length);
        assert.equal(row(decoded, i).slice(part * length, (part + 1) * length), of(code as number).slice());
        let least = Infinity;
        for (let c = 0; c < centroids; c++) least = Math.min(least, squaredDistance(x, of(c)));
        assert.ok(squaredDistance(x, of(code as number)) <= least + 1e-4);
      }
    }
    const query = normals(dimension, draw);
    const products = quantiser.adcTable(query, 'product');
    const distances = quantiser.adcTable(query, 'distance');
    const [productSums, distanceSums] = [products, distances].map((table) => quantiser.scan(table, codes));
    for (let i = 0; i < rows; i++) {
      const product = row(decoded, i).reduce((sum, x, j) => sum + x * (query[j] as number), 0);
      const rounding = 1e-4 * dimension;
      assert.ok(Math.abs((productSums?.[i] as number) - product) <= quantiser.scanError(products) + rounding);
      const distance = squaredDistance(row(decoded, i), query);
      assert.ok(
        Math.abs((distanceSums?.[i] as number) - distance) <= quantiser.scanError(distances) + rounding,
      );
    }
  });
  await fc.assert(property, { seed, numRuns: 60 });
});

test('training gives equal codebooks for equal seeds, with any threads, and other ones for another', async () => {
  const dimension = 16;
  const vectors = normals(900 * dimension, normalFrom(seed));
  const trained = async (start: number, threads: number) => {
    const shape = { dimension, m: 4, nbits: 8, seed: start, threads, iterations: 8 } as const;
    return (await ProductQuantiser.train(vectors, shape)).codebooks();
  };
  const first = await trained(1, 1);
  assert.equal(await trained(1, 2), first);
  assert.not.equal(await trained(2, 2), first);
});

test('a trained quantiser errs less than one whose centroids are vectors drawn by chance', async () => {
  const dimension = 24;
  const vectors = normals(2_000 * dimension, normalFrom(seed + 1));
  for (const nbits of [4, 8] as const) {
    const shape = { dimension, m: 6, nbits };
    const trained = await ProductQuantiser.train(vectors, shape);
    const drawn = ProductQuantiser.from(vectors.slice(0, 2 ** nbits * dimension), shape);
    const [error, chance] = await Promise.all(
      [trained, drawn].map(async (one) =>
        squaredDistance(vectors, one.decode(await one.encodeMany(vectors))),
      ),
    );
    assert.ok((error as number) < 0.85 * (chance as number), `${error} and ${chance}`);
  }
});

underEveryKernel(test, import.meta.url, { LLM_CACHE_TEST_SEED: String(seed) });

test.run();
