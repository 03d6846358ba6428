// What is the same for every index contender: data, timing, recall, memory. Imported by the index contenders.
import { native } from '#dist/core/native.js';
import { ownData, ownQueries as queryCount } from '../data/own.js';
import { recallOf, vectorData } from '../data/vectors.js';
import { figuresOf, timeEach } from '../harness/measure.js';
import type { Figures, Subject, SubjectFactory, Variant } from '../types.js';

/** Neighbours asked for. */
export const k = 10;
const checkedQueries = { quick: 24, full: 100 };

/** One way to find neighbours by inner product. */
export interface IndexKind<Index, Query> {
  /** Builds an index over n x d values, row-major; row numbers are the ids. This is what `flat-build` times. */
  build(rows: Float32Array, n: number, d: number, seed: number): Index | Promise<Index>;
  /** The form in which a search takes a vector; converted before the clock starts. */
  prepare(query: Float32Array): Query;
  search(index: Index, query: Query): void;
  /** Ids of the last search, best first. */
  idsOf(index: Index): ArrayLike<number>;
  /** Bytes held; undefined: measured as growth of the process. */
  bytesOf?(index: Index): number;
  /** Bytes that a search reads of each vector at least: the row then tells their share of what a plain read reaches. */
  scannedBytes?(d: number): number;
  dispose?(index: Index): void;
  /** There is nothing to build: no `flat-build` row. */
  readonly noBuild?: boolean;
  readonly note?: string;
  readonly buildNote?: string;
}

/** Gigabytes a second of a plain read: float32 products with every row, on one thread. */
function plainGbS(rows: Float32Array, query: Float32Array): number {
  const scores = new Float32Array(rows.length / query.length);
  const { p50Us } = figuresOf(timeEach(10, () => native.dotMany(query, rows, scores)));
  return rows.byteLength / (p50Us as number) / 1e3;
}

/** What `scans` scans of so many bytes in so many microseconds reach, beside plain reads of all vectors and of as many bytes, which caches may hold. */
export function scanFacts(
  scannedBytes: number,
  scans: number,
  us: number,
  rows: Float32Array,
  query: Float32Array,
): Record<string, number> {
  const scanned = (scannedBytes * scans) / us / 1e3;
  const [plain, asMany] = [rows.length, Math.ceil(scannedBytes / query.byteLength) * query.length].map(
    (length) => plainGbS(rows.subarray(0, length), query),
  ) as [number, number];
  return {
    'GB/s of codes': scanned,
    'GB/s of a plain read': plain,
    'share of it': scanned / plain,
    'share of a plain read of as many bytes': scanned / asMany,
  };
}

/** Rows `flat-search` and `flat-build` of a contender. */
export function flatSubject<Index, Query>(kind: IndexKind<Index, Query>): SubjectFactory {
  return async ({
    case: name,
    n: rowCount,
    d: dimension,
    data = 'clustered',
    vectors,
    seed,
    quick,
    buildRuns = 0,
  }) => {
    const n = rowCount as number;
    const d = dimension as number;
    const { rows, queries } =
      vectors === undefined ? vectorData(data, n, d, queryCount, seed) : ownData(vectors, n, d);
    const prepared = queries.map(kind.prepare);
    globalThis.gc?.();
    const before = process.memoryUsage.rss();
    const timed = async () => {
      const started = performance.now();
      const made = await kind.build(rows, n, d, seed);
      return { made, us: (performance.now() - started) * 1e3 };
    };
    const first = await timed();
    const index = first.made;
    globalThis.gc?.();
    const grown = process.memoryUsage.rss() - before;
    // Below that, pages of the heap that come and go are a visible part.
    const bytes = kind.bytesOf ? kind.bytesOf(index) / n : n >= 10_000 ? grown / n : null;
    let recall: number | undefined;

    function search(): Figures {
      const once = (i: number) => kind.search(index, prepared[i % queryCount] as Query);
      const trial = timeEach(20, once);
      const each = Math.max(1, figuresOf(trial).p50Us as number);
      const calls = Math.ceil(Math.min(quick ? 1_000 : 5_000, Math.max(40, (quick ? 1e5 : 1e6) / each)));
      const latencies = timeEach(calls, once);
      recall ??= measureRecall();
      const figures = figuresOf(latencies, { recall, bytes });
      if (kind.scannedBytes === undefined) return figures;
      const bytesRead = n * kind.scannedBytes(d);
      const facts = scanFacts(bytesRead, 1, figures.p50Us as number, rows, queries[0] as Float32Array);
      return { ...figures, facts };
    }

    function measureRecall(): number {
      const checked = quick ? checkedQueries.quick : checkedQueries.full;
      let sum = 0;
      for (let i = 0; i < checked; i++) {
        kind.search(index, prepared[i] as Query);
        sum += recallOf(kind.idsOf(index), queries[i] as Float32Array, rows, k);
      }
      return sum / checked;
    }

    async function build(round: number): Promise<Figures> {
      // The first build is the one that search needs; each later round builds anew.
      const { made, us } = round === 0 ? first : await timed();
      if (made !== index) kind.dispose?.(made);
      recall ??= measureRecall();
      return { p50Us: us, p95Us: null, p99Us: null, opsPerS: (n * 1e6) / us, recall, bytes };
    }

    // The case that weighs building against searching says both in one row.
    const built = name === 'crossover' ? `n = ${n} built in ${(first.us / 1e6).toFixed(2)} s` : undefined;
    const searchNote = [kind.note, built].filter((part) => part !== undefined).join('; ');
    const variants: Variant[] = [searchNote === '' ? {} : { note: searchNote }];
    if (buildRuns > 0 && !kind.noBuild) {
      const note = kind.buildNote;
      variants.push({ case: 'flat-build', runs: buildRuns, ...(note === undefined ? {} : { note }) });
    }
    return {
      variants,
      run: async (variant, round) => (variant === 0 ? search() : build(round)),
      close: async () => kind.dispose?.(index),
    } satisfies Subject;
  };
}
