// What every engine must do, whichever method it uses; the tests of the engines import it.
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { CacheError, DimensionError, InvalidArgumentError } from '#dist/core/errors.js';
import type { Engine } from '#dist/engines/engine.js';
import { cosine, randomUnitVector, seededRandom, vectorAt } from '#dist/testing/index.js';

/** An engine under test, and how to let it finish what it does in the background. */
export interface Made {
  readonly engine: Engine;
  settle(): Promise<void>;
}

interface Row {
  readonly partition: number;
  readonly vector: Float32Array;
}

const seed = Number(process.env.LLM_CACHE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** The seed of a test file's data, printed. */
export function printedSeed(): number {
  console.log(`seed ${seed}`);
  return seed;
}

/** Checks an answer for what holds of exact and approximate engines alike. */
export function checkAnswer(
  found: readonly { id: number; similarity: number }[],
  query: Float32Array,
  rows: ReadonlyMap<number, Row>,
  partition: number,
  k: number,
  tolerance = 1e-5,
): void {
  const members = [...rows.values()].filter((row) => row.partition === partition).length;
  assert.is(found.length, Math.min(k, members), 'as many as asked for, or all');
  assert.is(new Set(found.map(({ id }) => id)).size, found.length, 'an id came twice');
  for (const [at, { id, similarity }] of found.entries()) {
    const row = rows.get(id);
    assert.is(row?.partition, partition, `${id} is removed or of another partition`);
    assert.ok(Math.abs(similarity - cosine((row as Row).vector, query)) < tolerance, `similarity of ${id}`);
    assert.ok(similarity <= (found[at - 1]?.similarity ?? 1), 'best first');
  }
}

/** Adds the suite to `test`. `make` opens an engine; one with graphs is to build them from some 50 rows on. */
export function engineConformance(test: Test, make: (dimension: number) => Promise<Made>): void {
  /** Unit vectors in the plane, by angle in degrees. */
  const at = (degrees: number) =>
    Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));

  async function circle(): Promise<Made> {
    const made = await make(2);
    for (let id = 0; id < 120; id++) made.engine.set(id, id % 2, at(id * 3));
    await made.settle();
    return made;
  }

  const ids = (found: readonly { id: number }[]) => found.map(({ id }) => id);

  test('neighbours come best first, by cosine, from the partition asked for', async () => {
    const { engine } = await circle();
    const found = engine.search(at(31), 0, 3);
    assert.equal(ids(found), [10, 12, 8]);
    assert.ok(Math.abs((found[0]?.similarity ?? 0) - Math.cos(Math.PI / 180)) < 1e-6);
    assert.equal(ids(engine.search(at(31), 1, 2)), [11, 9]);
    assert.is(engine.search(at(31), 0, 1_000_000_000).length, 60);
    assert.equal(engine.search(at(31), 2, 3), []);
    await engine.close();
  });

  test('setting an id again replaces its vector and its partition', async () => {
    const { engine, settle } = await circle();
    engine.set(10, 0, at(200));
    engine.set(12, 1, at(31));
    for (let round = 0; round < 2; round++) {
      assert.is(engine.size, 120);
      assert.equal(ids(engine.search(at(31), 0, 2)), [8, 14]);
      assert.is(engine.search(at(31), 1, 1)[0]?.id, 12);
      assert.is(engine.search(at(200), 0, 1)[0]?.id, 10);
      await settle();
    }
    await engine.close();
  });

  test('what is removed or cleared is not found again, and other partitions stay', async () => {
    const { engine, settle } = await circle();
    assert.is(engine.remove(10), true);
    assert.is(engine.remove(10), false);
    assert.is(engine.remove(4_000_000_000), false);
    assert.not(ids(engine.search(at(30), 0, 60)).includes(10));
    engine.clear(0);
    assert.is(engine.size, 60);
    assert.equal(engine.search(at(30), 0, 5), []);
    assert.is(engine.search(at(30), 1, 200).length, 60);
    engine.set(10, 0, at(30));
    assert.equal(ids(engine.search(at(30), 0, 5)), [10]);
    engine.clear(9);
    engine.clear();
    await settle();
    assert.is(engine.size, 0);
    assert.equal(engine.search(at(30), 1, 5), []);
    await engine.close();
  });

  test('many queries find what each of them finds, where the engine takes many', async () => {
    const { engine } = await circle();
    const queries = Float32Array.from({ length: 17 }, (_, i) => i * 21).reduce((all, degrees, i) => {
      all.set(at(degrees), 2 * i);
      return all;
    }, new Float32Array(34));
    for (const [partition, k] of [
      [0, 1],
      [0, 7],
      [1, 1000],
      [5, 3],
    ] as const) {
      const expected = Array.from({ length: 17 }, (_, i) =>
        engine.search(queries.subarray(2 * i, 2 * i + 2), partition, k),
      );
      const given = queries.slice();
      const asked = engine.searchMany?.(given, partition, k);
      given.fill(0);
      const table = await asked;
      if (table === undefined) return;
      assert.is(table.count, expected[0]?.length);
      assert.equal([...table.ids], expected.flatMap(ids));
      const similarities = expected.flatMap((found) => found.map(({ similarity }) => similarity));
      assert.equal(table.similarities, Float32Array.from(similarities));
    }
    const many = engine.searchMany?.bind(engine) as (...values: unknown[]) => Promise<unknown>;
    assert.equal((await engine.searchMany?.(new Float32Array(0), 0, 3))?.ids.length, 0);
    for (const bad of [
      [null, 0, 1],
      [[1, 0], 0, 1],
      [queries.subarray(1), 0, 1],
      [new Float32Array(4), 0, 1],
      [Float32Array.of(1, 0, Number.NaN, 0), 0, 1],
      [queries, 0, 0],
      [queries, 0, 1.5],
      [queries, -1, 1],
    ]) {
      const error = await many(...bad).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.instance(error, InvalidArgumentError, String(bad));
    }
    await engine.close();
  });

  test('the greatest ids and numbers serve; bytes follow growth and removal', async () => {
    const { engine, settle } = await make(64);
    const random = seededRandom(seed);
    const empty = engine.bytes;
    const last = randomUnitVector(64, random);
    for (let id = 0; id < 1000; id++) engine.set(id, 4_294_967_294, randomUnitVector(64, random));
    engine.set(4_294_967_294, 4_294_967_294, last);
    await settle();
    assert.is(engine.search(last, 4_294_967_294, 1)[0]?.id, 4_294_967_294);
    const full = engine.bytes;
    assert.ok(full > empty + 1000 * 64 * 4);
    engine.clear();
    await settle();
    // What a search works in may stay.
    assert.ok(engine.bytes < empty + full / 10);
    await engine.close();
  });

  test('loading replaces everything, and of an id that comes twice the later row stands', async () => {
    const { engine, settle } = await circle();
    const count = 90;
    const all = Uint32Array.from({ length: count }, (_, id) => (id === 89 ? 0 : id));
    const partitions = all.map((id) => 5 + (id % 3 === 0 ? 1 : 0));
    const vectors = new Float32Array(2 * count);
    for (let row = 0; row < count; row++) vectors.set(at(row * 4), 2 * row);
    await engine.load(all, partitions, vectors);
    for (let round = 0; round < 2; round++) {
      assert.is(engine.size, 89);
      assert.equal(engine.search(at(0), 0, 5), []);
      assert.is(engine.search(at(356), 6, 1)[0]?.id, 0, 'the later row');
      assert.equal(ids(engine.search(at(40), 5, 3)), [10, 11, 8]);
      await settle();
    }
    for (const [rows, kind] of [
      [vectors.subarray(1), DimensionError],
      [new Float32Array(2 * count), InvalidArgumentError],
    ] as const) {
      await engine.load(all, partitions, rows).then(
        () => assert.unreachable(),
        (error) => assert.instance(error, kind),
      );
    }
    await engine.load(all, partitions.subarray(1), vectors).then(
      () => assert.unreachable(),
      (error) => assert.instance(error, DimensionError),
    );
    assert.is(engine.size, 89, 'a refused load changes nothing');
    await engine.load(new Uint32Array(), new Uint32Array(), new Float32Array());
    assert.is(engine.size, 0);
    await engine.close();
    await engine.close();
  });

  test('what an engine cannot take is refused with typed errors, and nothing changes', async () => {
    const { engine } = await circle();
    const before = JSON.stringify(engine.search(at(7), 0, 60));
    const loose = engine as unknown as Record<
      'set' | 'search' | 'remove' | 'clear',
      (...values: unknown[]) => unknown
    >;
    const noUnit = [
      Float32Array.of(0, 0),
      Float32Array.of(Number.NaN, 1),
      Float32Array.of(Number.POSITIVE_INFINITY, 0),
      Float32Array.of(0.6, 0.7),
    ];
    const refused = [
      ...noUnit.flatMap((bad) => [() => engine.set(1, 0, bad), () => engine.search(bad, 0, 1)]),
      () => engine.set(1, 0, new Float32Array(3)),
      () => loose.set(1, 0, [1, 0]),
      () => loose.search(null, 0, 1),
      ...[-1, 0.5, 2 ** 32 - 1, Number.NaN, '1'].flatMap((bad) => [
        () => loose.set(bad, 0, at(1)),
        () => loose.set(1, bad, at(1)),
        () => loose.search(at(1), bad, 1),
        () => loose.remove(bad),
        () => loose.clear(bad),
      ]),
      ...[0, -1, 1.5, Number.NaN, undefined].map((bad) => () => loose.search(at(1), 0, bad)),
    ];
    for (const call of refused) {
      assert.throws(
        call,
        (error: unknown) => error instanceof InvalidArgumentError && error instanceof CacheError,
        String(call),
      );
    }
    assert.is(JSON.stringify(engine.search(at(7), 0, 60)), before);
    assert.is(engine.size, 120);
    await engine.close();
  });

  test('through any changes an answer is complete, sorted, true and of its partition', async () => {
    const dimension = 24;
    const { engine, settle } = await make(dimension);
    const random = seededRandom(seed + 1);
    const rows = new Map<number, Row>();
    const pick = (most: number) => Math.floor(random() * most);
    const centres = Array.from({ length: 12 }, () => randomUnitVector(dimension, random));
    const draw = () => vectorAt(centres[pick(12)] as Float32Array, 0.9, random);
    for (let step = 0; step < 6000; step++) {
      const [id, partition, what] = [pick(700), pick(2), random()];
      if (what < 0.62) {
        const vector = draw();
        engine.set(id, partition, vector);
        rows.set(id, { partition, vector });
      } else if (what < 0.8) {
        assert.is(engine.remove(id), rows.delete(id));
      } else {
        const query = draw();
        const k = what < 0.97 ? 1 + pick(20) : 1000;
        checkAnswer(engine.search(query, partition, k), query, rows, partition, k);
      }
      if (step % 2500 === 2499) {
        engine.clear(1);
        for (const [one, row] of rows) if (row.partition === 1) rows.delete(one);
      }
      assert.is(engine.size, rows.size);
      // Now and then what is built in the background gets its turn, and sometimes the time to end.
      if (step % 40 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (step % 1000 === 700) await settle();
    }
    await engine.close();
  });
}
