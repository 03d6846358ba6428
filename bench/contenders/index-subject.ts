// What is the same for every contender over a set of vectors in a file: building, the sweep to the recall asked for, timing, memory. Imported by the
// contenders of `index` and `fit`.
import { openSet, type VectorSet } from '../data/vector-set.js';
import { figuresOf, timeEach } from '../harness/measure.js';
import { type CurvePoint, type Figures, type Job, quantileShares, type SubjectFactory } from '../types.js';

/** One way to find neighbours by inner product, built a chunk at a time. */
export interface SetIndex<Index, Query> {
  open(job: Job, n: number, d: number): Index | Promise<Index>;
  /** Adds rows whose ids are `first` and those that follow. Its time counts. */
  add(index: Index, rows: Float32Array, first: number): void | Promise<void>;
  /** What is left to do when all rows are there. Its time counts. */
  finish?(index: Index): void | Promise<void>;
  /** Takes all rows at once in the place of `open`, `add` and `finish`; their reading does not count. */
  load?(job: Job, rows: Float32Array, d: number): Promise<Index>;
  /** How far a search looks, from cheap to dear, and what it is called; each is tried until one is as good as can be. */
  readonly settings?: { readonly name: string; readonly values: readonly number[] };
  /** Sets it; may give another index that takes the place of the first. */
  tune?(index: Index, setting: number): Index | Promise<Index>;
  /** The form in which a search takes a vector; converted before the clock starts. */
  prepare(query: Float32Array): Query;
  search(index: Index, query: Query): void;
  /** Ids of the last search. */
  found(index: Index): ArrayLike<number>;
  /** Bytes held; undefined: the growth of the process. */
  bytesOf?(index: Index): number;
  close?(index: Index): void | Promise<void>;
  readonly note?: string;
}

/** Recall that a contender must reach to be compared. */
export const wantedRecall = 0.95;
const goodEnough = 0.9995;
const asGood = 0.002;
const budgetUs = { quick: 1.5e5, full: 1e6 };

/** The share of a contender's right neighbours over all questions of the set. */
function recallOf<Index, Query>(kind: SetIndex<Index, Query>, index: Index, set: VectorSet): number {
  return set.recall((i) => {
    kind.search(index, kind.prepare(set.queries[i] as Float32Array));
    return Array.from(kind.found(index));
  });
}

/** A row with recall, latency, bytes and the time of the build; of the settings the fastest that finds `wantedRecall`, else the best. */
export function setSubject<Index, Query>(kind: SetIndex<Index, Query>): SubjectFactory {
  return async (job) => {
    if (job.vectors === undefined) throw new Error('no set of vectors was made');
    const set = openSet(job.vectors);
    const prepared = set.queries.map(kind.prepare);
    const { index: built, buildS, grown } = await build(kind, job, set);
    let index = built;
    const bytes = (kind.bytesOf?.(index) ?? grown) / set.n;
    const curve: CurvePoint[] = [];
    const once = (i: number) => kind.search(index, prepared[i % prepared.length] as Query);
    const { name, values: usual } = kind.settings ?? { name: '', values: [0] };
    const values = job.setting === undefined ? usual : [job.setting];
    for (const setting of values) {
      if (kind.tune !== undefined) index = await kind.tune(index, setting);
      const recall = recallOf(kind, index, set);
      const { p50Us } = figuresOf(timeEach(prepared.length, once));
      curve.push({ setting, recall, p50Us: p50Us as number });
      if (recall >= goodEnough) break;
    }
    const chosen = curve.find(({ recall }) => recall >= wantedRecall) ?? best(curve);
    if (kind.tune !== undefined) index = await kind.tune(index, chosen.setting);
    const facts = {
      ...(name === '' ? {} : { [name]: chosen.setting }),
      'build s': buildS,
      'growth of the process, bytes a vector': Math.round(grown / set.n),
    };
    return {
      variants: [{ n: set.n, ...(kind.note === undefined ? {} : { note: kind.note }) }],
      async run(): Promise<Figures> {
        const each = Math.max(1, figuresOf(timeEach(20, once)).p50Us as number);
        const budget = job.quick ? budgetUs.quick : budgetUs.full;
        const calls = Math.ceil(Math.min(5_000, Math.max(50, budget / each)));
        const latencies = timeEach(calls, once);
        const sorted = latencies.slice().sort();
        const quantilesUs = quantileShares.map(
          (share) => sorted[Math.round((share / 100) * (sorted.length - 1))] as number,
        );
        return figuresOf(latencies, { recall: chosen.recall, bytes, facts, quantilesUs, curve });
      },
      close: async () => kind.close?.(index),
    };
  };
}

/** The cheapest point with as good as the most recall. */
function best(curve: readonly CurvePoint[]): CurvePoint {
  const most = Math.max(...curve.map(({ recall }) => recall));
  return curve.find(({ recall }) => recall >= most - asGood) as CurvePoint;
}

async function build<Index, Query>(
  kind: SetIndex<Index, Query>,
  job: Job,
  set: VectorSet,
): Promise<{ index: Index; buildS: number; grown: number }> {
  let ms = 0;
  const timed = async <T>(work: () => T | Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    ms += performance.now() - started;
    return result;
  };
  const resident = () => {
    globalThis.gc?.();
    return process.memoryUsage.rss();
  };
  if (kind.load !== undefined) {
    let rows: Float32Array | undefined = set.rows();
    const before = resident() - rows.byteLength;
    const { load } = kind;
    const index = await timed(() => load(job, rows as Float32Array, set.d));
    rows = undefined;
    return { index, buildS: ms / 1e3, grown: Math.max(0, resident() - before) };
  }
  const before = resident();
  const index = await timed(() => kind.open(job, set.n, set.d));
  for (const { first, rows } of set.chunks()) await timed(() => kind.add(index, rows, first));
  if (kind.finish !== undefined) await timed(() => kind.finish?.(index));
  return { index, buildS: ms / 1e3, grown: Math.max(0, resident() - before) };
}
