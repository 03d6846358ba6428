// Every kernel this machine has, through the addon, against sums in double precision.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '#dist/core/native.js';
import { underEveryKernel } from './every-kernel.js';

const seed = Number(process.env.LLM_CACHE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}, kernel ${native.kernel}`);
const test = suite(`native kernels (${native.kernel})`);

/** Mulberry32: uniform in [0, 1). */
function generator(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = generator(seed);
const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const distributions: Record<string, () => number> = {
  gaussian,
  wide: () => gaussian() * 10 ** (Math.floor(random() * 13) - 6),
  offset: () => 1000 + gaussian() * 1e-3,
  signs: () => (random() < 0.5 ? 1 : -1),
  sparse: () => (random() < 0.1 ? gaussian() : 0),
};

/** A view of `length` numbers that begins at an odd place in its buffer, with NaN on both sides. */
function view(length: number, draw: () => number): Float32Array {
  const offset = 1 + Math.floor(random() * 7);
  const all = new Float32Array(length + offset + 20).fill(Number.NaN);
  for (let i = 0; i < length; i++) all[offset + i] = draw();
  return all.subarray(offset, offset + length);
}

// Stated in native/src/kernels/kernels.hpp: (n / 8 + 16) roundings of 2^-24 on the way to the sum.
const bound = (length: number, magnitude: number) => (length / 8 + 18) * 2 ** -24 * magnitude;

for (const [name, draw] of Object.entries(distributions)) {
  test(`products and distances of ${name} numbers stay within their bound for all lengths 0 to 257`, () => {
    for (let length = 0; length <= 257; length++) {
      const a = view(length, draw);
      const b = view(length, draw);
      let product = 0;
      let magnitude = 0;
      let distance = 0;
      for (let i = 0; i < length; i++) {
        const [x, y] = [a[i] as number, b[i] as number];
        product += x * y;
        magnitude += Math.abs(x * y);
        distance += (x - y) ** 2;
      }
      assert.ok(Math.abs(native.dot(a, b) - product) <= bound(length, magnitude), `dot of ${length}`);
      assert.ok(
        Math.abs(native.squaredL2(a, b) - distance) <= bound(length, distance),
        `distance of ${length}`,
      );
    }
  });
}

test('int8 products are exact for all lengths 0 to 257, the extremes included', () => {
  const draws = [
    () => Math.floor(random() * 256) - 128,
    () => -128,
    () => 127,
    () => (random() < 0.5 ? -128 : 127),
  ];
  for (let length = 0; length <= 257; length++) {
    for (const draw of draws) {
      const a = Int8Array.from({ length: length + 3 }, draw).subarray(3);
      const b = Int8Array.from({ length: length + 5 }, draw).subarray(5);
      const expected = a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
      assert.is(native.dotInt8(a, b), expected);
    }
  }
});

test('int8 products of 2^17 extreme components are exact', () => {
  const lowest = new Int8Array(2 ** 17).fill(-128);
  assert.is(native.dotInt8(lowest, lowest), 2 ** 31);
});

test('the many-row forms equal the single ones', () => {
  for (const dimension of [1, 7, 16, 33, 384]) {
    const query = view(dimension, gaussian);
    const rows = view(dimension * 9, gaussian);
    const products = new Float32Array(9);
    const distances = new Float32Array(9);
    native.dotMany(query, rows, products);
    native.squaredL2Many(query, rows, distances);
    for (let i = 0; i < 9; i++) {
      const row = rows.subarray(i * dimension, (i + 1) * dimension);
      assert.is(products[i], native.dot(query, row));
      assert.is(distances[i], native.squaredL2(query, row));
    }
  }
});

underEveryKernel(test, import.meta.url, { LLM_CACHE_TEST_SEED: String(seed) });

test.run();
