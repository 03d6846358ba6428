// The native frequency sketch against a twin in JavaScript, and its refusals.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '#dist/core/native.js';

const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);
const test = suite('native sketch');
const words = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const rows = 4;

/** The same sketch, counter by counter. */
class Twin {
  readonly #capacity: number;
  readonly #width: number;
  readonly #greatest: number;
  readonly #multipliers: readonly bigint[];
  #counters: Uint32Array;
  samples = 0;

  constructor(capacity: number, bits: number, multipliers: Uint32Array) {
    this.#capacity = capacity;
    this.#width = 64;
    while (this.#width < 4 * capacity) this.#width *= 2;
    this.#greatest = 2 ** bits - 1;
    this.#multipliers = Array.from(
      { length: rows },
      (_, i) => (BigInt(multipliers[2 * i] as number) << 32n) | BigInt(multipliers[2 * i + 1] as number) | 1n,
    );
    this.#counters = new Uint32Array(rows * this.#width);
  }

  add(key: bigint): number {
    const places = this.#places(key);
    const least = this.#least(places);
    if (least < this.#greatest) {
      for (const at of places) if (this.#counters[at] === least) this.#counters[at] = least + 1;
    }
    if (++this.samples >= 10 * this.#capacity) this.halve();
    return this.#least(places);
  }

  estimate(key: bigint): number {
    return this.#least(this.#places(key));
  }

  halve(): void {
    this.#counters = this.#counters.map((count) => count >> 1);
    this.samples >>= 1;
  }

  #least(places: readonly number[]): number {
    return Math.min(...places.map((at) => this.#counters[at] as number));
  }

  #places(key: bigint): number[] {
    const shift = 64n - BigInt(Math.log2(this.#width));
    return this.#multipliers.map(
      (multiplier, row) => row * this.#width + Number(((multiplier * key) & (2n ** 64n - 1n)) >> shift),
    );
  }
}

test('any sequence of additions counts as the twin does, with both widths of counters', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(4, 16),
      fc.integer({ min: 1, max: 60 }),
      fc.uint32Array({ minLength: 8, maxLength: 8 }),
      fc.array(fc.tuple(words, words), { minLength: 1, maxLength: 30 }),
      fc.array(fc.array(fc.nat(29), { minLength: 1, maxLength: 40 }), { maxLength: 40 }),
      (bits, capacity, multipliers, keys, bursts) => {
        const sketch = new native.FrequencySketch(capacity, bits, multipliers);
        const twin = new Twin(capacity, bits, multipliers);
        const big = ([high, low]: [number, number]) => (BigInt(high) << 32n) | BigInt(low);
        for (const burst of bursts) {
          const chosen = burst.map((i) => keys[i % keys.length] as [number, number]);
          const counts = new Uint32Array(chosen.length);
          sketch.add(Uint32Array.from(chosen.flat()), chosen.length, counts);
          assert.equal(
            [...counts],
            chosen.map((key) => twin.add(big(key))),
          );
          assert.is(sketch.samples, twin.samples);
          if (burst.length === 7) {
            sketch.halve();
            twin.halve();
          }
        }
        for (const key of keys) assert.is(sketch.estimate(...key), twin.estimate(big(key)));
        sketch.clear();
        for (const key of keys) assert.is(sketch.estimate(...key), 0);
      },
    ),
    { seed, numRuns: 300 },
  );
});

test('keys that share counters under one seed do not under another', () => {
  const fixed = new Uint32Array(8).fill(1);
  const target: [number, number] = [5, 5];
  const hostile: number[] = [];
  const trial = new native.FrequencySketch(256, 4, fixed);
  for (let i = 0; hostile.length < 400; i++) {
    const key: [number, number] = [Math.imul(i, 0x01000193) >>> 0, i];
    trial.clear();
    trial.add(Uint32Array.from(key), 1);
    if (trial.estimate(...target) > 0) hostile.push(...key);
  }
  const shared = new native.FrequencySketch(256, 4, fixed);
  const seeded = new native.FrequencySketch(256, 4, crypto.getRandomValues(new Uint32Array(8)));
  for (let round = 0; round < 10; round++) {
    shared.add(Uint32Array.from(hostile), hostile.length / 2);
    seeded.add(Uint32Array.from(hostile), hostile.length / 2);
  }
  assert.ok(shared.estimate(...target) >= 10, 'the attack works on a seed that is known');
  assert.ok(seeded.estimate(...target) <= 5, `${seeded.estimate(...target)}`);
});

test('what is not safe is refused with a code', () => {
  const multipliers = new Uint32Array(8);
  const sketch = new native.FrequencySketch(9, 4, multipliers);
  const detached = new Uint32Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const pairs = new Uint32Array(4);
  const bad: (() => unknown)[] = [
    () => new native.FrequencySketch(0, 4, multipliers),
    () => new native.FrequencySketch(9, 8, multipliers),
    () => new native.FrequencySketch(9, 4, new Uint32Array(7)),
    () => new native.FrequencySketch(9, 4, detached),
    () => sketch.add(pairs, 3),
    () => sketch.add(pairs, 2, new Uint32Array(1)),
    () => sketch.add(pairs, -1),
    () => sketch.add(new Uint8Array(16) as unknown as Uint32Array, 1),
    () => sketch.add(detached, 1),
    () => sketch.add(new Uint32Array(new SharedArrayBuffer(16)), 1),
    () => sketch.estimate(-1, 0),
    () => sketch.estimate(0, 2 ** 32),
  ];
  for (const [i, call] of bad.entries()) {
    assert.throws(
      call,
      (error: { code?: string }) => /^ERR_LLM_CACHE_(ARGUMENT|DIMENSION)$/.test(error.code ?? ''),
      `case ${i}`,
    );
  }
  assert.is(sketch.samples, 0);
  assert.is(new native.FrequencySketch(10_000, 4, multipliers).bytes, 4 * 65_536 * 0.5);
});

test.run();
