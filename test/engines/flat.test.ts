// FlatEngine: what it takes, what it refuses, and what it answers.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CacheError, DimensionError, InvalidArgumentError } from '#dist/core/errors.js';
import { FlatEngine } from '#dist/engines/flat.js';
import { engineConformance, printedSeed } from './conformance.ts';

const test = suite('flat engine');
printedSeed();

engineConformance(test, async (dimension) => ({
  engine: new FlatEngine(dimension),
  settle: async () => {},
}));

/** Unit vectors in the plane, by angle in degrees. */
const at = (degrees: number) =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));

function circle(): FlatEngine {
  const engine = new FlatEngine(2);
  for (let id = 0; id < 36; id++) engine.set(id, id % 2, at(id * 10));
  return engine;
}

test('equal neighbours come by id, and more than there are cannot be had', () => {
  const engine = new FlatEngine(2);
  for (const id of [9, 3, 4_294_967_294, 0]) engine.set(id, 5, at(20));
  const found = engine.search(at(20), 5, 1_000_000_000);
  assert.equal(
    found.map(({ id }) => id),
    [0, 3, 9, 4_294_967_294],
  );
  assert.equal(engine.search(at(20), 6, 3), []);
});

test('similarity never leaves [-1, 1]', () => {
  // 0.6 and 0.8 as float32 make a square sum just over 1.
  const engine = new FlatEngine(2);
  const long = Float32Array.of(0.6004, 0.8004);
  engine.set(0, 0, long);
  engine.set(1, 0, Float32Array.of(-0.6004, -0.8004));
  assert.equal(engine.search(long, 0, 2), [
    { id: 0, similarity: 1 },
    { id: 1, similarity: -1 },
  ]);
});

test('vectors that have no direction or no unit length are refused', () => {
  const engine = circle();
  const bad = [
    Float32Array.of(0, 0),
    Float32Array.of(Number.NaN, 1),
    Float32Array.of(Number.POSITIVE_INFINITY, 0),
    Float32Array.of(0.6, 0.7),
    Float32Array.of(1.002, 0),
  ];
  for (const vector of bad) {
    for (const call of [() => engine.set(1, 0, vector), () => engine.search(vector, 0, 1)]) {
      assert.throws(
        call,
        (error: unknown) => error instanceof InvalidArgumentError && /unit length/.test(error.message),
      );
    }
    const rows = Float32Array.of(1, 0, ...vector);
    assert.throws(
      () => engine.setMany(Uint32Array.of(1, 2), 0, rows),
      (error: unknown) => error instanceof InvalidArgumentError && /row 1/.test(error.message),
    );
  }
  engine.set(1, 0, Float32Array.of(1.0009, 0));
  assert.is(engine.size, 36);
});

test('wrong lengths, types and numbers are refused with typed errors, and nothing changes', () => {
  const engine = circle();
  const loose = engine as unknown as Record<
    'set' | 'search' | 'remove' | 'clear' | 'setMany',
    (...values: unknown[]) => unknown
  >;
  const before = JSON.stringify(engine.search(at(7), 0, 36));
  assert.throws(
    () => engine.set(1, 0, new Float32Array(3)),
    (error: unknown) => error instanceof DimensionError,
  );
  assert.throws(
    () => engine.search(new Float32Array(0), 0, 1),
    (error: unknown) => error instanceof DimensionError,
  );
  assert.throws(
    () => engine.setMany(Uint32Array.of(1), 0, new Float32Array(3)),
    (error: unknown) => error instanceof DimensionError,
  );
  const shared = new Float32Array(new SharedArrayBuffer(8));
  shared.set(at(3));
  const refused = [
    () => loose.set(1, 0, [1, 0]),
    () => loose.set(1, 0, null),
    () => loose.set(1, 0, shared),
    () => loose.setMany([1], 0, at(1)),
    ...[-1, 0.5, 2 ** 32 - 1, Number.NaN, '1'].flatMap((bad) => [
      () => loose.set(bad, 0, at(1)),
      () => loose.set(1, bad, at(1)),
      () => loose.search(at(1), bad, 1),
      () => loose.remove(bad),
      () => loose.clear(bad),
    ]),
    ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, undefined].map(
      (bad) => () => loose.search(at(1), 0, bad),
    ),
    ...[0, 65_537, 1.5, undefined].map((bad) => () => new FlatEngine(bad as number)),
  ];
  for (const call of refused) {
    assert.throws(
      call,
      (error: unknown) => error instanceof InvalidArgumentError && error instanceof CacheError,
      String(call),
    );
  }
  assert.is(JSON.stringify(engine.search(at(7), 0, 36)), before);
});

test('an engine that was loaded answers as one that was filled', async () => {
  const ids = Uint32Array.from({ length: 36 }, (_, id) => id);
  const vectors = new Float32Array(72);
  for (const id of ids) vectors.set(at(id * 10), id * 2);
  const loaded = new FlatEngine(2);
  await loaded.load(
    ids,
    ids.map((id) => id % 2),
    vectors,
  );
  const filled = circle();
  for (let degrees = 0; degrees < 360; degrees += 7) {
    assert.equal(loaded.search(at(degrees), degrees % 2, 5), filled.search(at(degrees), degrees % 2, 5));
  }
});

test.run();
