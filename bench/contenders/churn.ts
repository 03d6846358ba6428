// Contender of `churn`: lists whose every row was deleted and another inserted ten times, beside lists built of what is there then. Imported by registry.ts.
import { native } from '#dist/core/native.js';
import { IvfPqEngine } from '#dist/engines/ivfpq.js';
import { fittedSource } from '../data/prepare.js';
import { k, type RowSource } from '../data/vector-set.js';
import { recallOf } from '../data/vectors.js';
import { figuresOf, timeEach } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';

const rounds = 10;
const askedAbout = 200;
// The engine copies rows between turns of the event loop when it learns anew.
const rowsPerTurn = 100;

/** Rows one after the other, of as many parts as it takes. */
function* rowsOf(source: RowSource): Generator<Float32Array> {
  for (let part = 0; part < source.parts; part++) {
    const { rows } = source.part(part);
    for (let at = 0; at < rows.length; at += source.d) yield rows.subarray(at, at + source.d);
  }
}

/** Recall of an engine over rows that have the ids `first` and those that follow. */
function recall(
  engine: IvfPqEngine,
  queries: readonly Float32Array[],
  rows: Float32Array,
  first: number,
): number {
  const of = (query: Float32Array) => engine.search(query, 0, k).map(({ id }) => id - first);
  return queries.reduce((sum, query) => sum + recallOf(of(query), query, rows, k), 0) / queries.length;
}

/** Share of rows that a search for them finds first or second: those told of last might be lost. */
function reachable(engine: IvfPqEngine, rows: Float32Array, d: number, first: number): number {
  let found = 0;
  const count = rows.length / d;
  for (let row = 0; row < count; row++) {
    const vector = rows.subarray(row * d, (row + 1) * d);
    const hits = engine.search(vector, 0, k);
    // Another row may say the same in the same words.
    if (hits.some(({ id }) => id - first === row || native.dot(vector, at(rows, id - first, d)) > 0.9999))
      found++;
  }
  return found / count;
}

const at = (rows: Float32Array, row: number, d: number) => rows.subarray(row * d, (row + 1) * d);

/** Defaults throughout. */
export const churned: SubjectFactory = async ({ n: count, d: dimension, seed, quick }) => {
  const [n, d] = [count as number, dimension as number];
  const source = fittedSource(n * (rounds + 1), seed);
  const options = { trainFrom: Math.min(n, 1_000), seed };
  const engine = new IvfPqEngine(d, options);
  // The last n rows are those that stand in the end; ids are never used twice.
  const last = new Float32Array(n * d);
  const begun = new Float32Array(n * d);
  let id = 0;
  let ms = 0;
  let bytesBefore = 0;
  for (const row of rowsOf(source)) {
    if (id < n) begun.set(row, id * d);
    if (id === n) {
      const ids = Uint32Array.from({ length: n }, (_, i) => i);
      await engine.load(ids, new Uint32Array(n), begun);
      bytesBefore = engine.bytes;
    }
    if (id >= n) {
      const started = performance.now();
      engine.remove(id - n);
      engine.set(id, 0, row);
      ms += performance.now() - started;
      if (id % rowsPerTurn === 0) await new Promise(setImmediate);
    }
    if (id >= n * rounds) last.set(row, (id - n * rounds) * d);
    id++;
  }
  await engine.settled();
  if (engine.lastFailure !== undefined) throw engine.lastFailure;
  const first = n * rounds;
  const fresh = new IvfPqEngine(d, options);
  await fresh.load(
    Uint32Array.from({ length: n }, (_, i) => first + i),
    new Uint32Array(n),
    last,
  );
  const queries: Float32Array[] = [];
  for (let part = 0; queries.length < askedAbout && part < source.parts; part++)
    if (source.questionsIn(part) > 0) queries.push(...source.part(part).questions);
  const [after, built] = [engine, fresh].map((one) => recall(one, queries, last, first)) as [number, number];
  const search = (one: IvfPqEngine) => (i: number) =>
    one.search(queries[i % queries.length] as Float32Array, 0, k);
  const facts = {
    'recall of a fresh build': built,
    'recall lost': Math.max(0, built - after),
    'bytes against fresh': engine.bytes / fresh.bytes,
    'bytes against before': engine.bytes / bytesBefore,
    'rows that find themselves': reachable(
      engine,
      quick ? last.subarray(0, 2_000 * d) : last.subarray(0, 20_000 * d),
      d,
      first,
    ),
    'µs to delete and insert': (ms * 1e3) / (n * rounds),
  };
  return {
    variants: [{ note: `${rounds} times as many deletions and insertions as rows; defaults, rescored` }],
    async run() {
      const calls = quick ? 200 : 1_000;
      const p50 = (one: IvfPqEngine) => figuresOf(timeEach(calls, search(one))).p50Us as number;
      const freshUs = p50(fresh);
      const latencies = timeEach(calls, search(engine));
      return figuresOf(latencies, {
        recall: after,
        bytes: engine.bytes / n,
        facts: { ...facts, 'p50 µs of a fresh build': freshUs },
      });
    },
    async close() {
      for (const one of [engine, fresh]) await one.close();
    },
  };
};
