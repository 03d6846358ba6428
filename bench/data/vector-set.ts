// Vectors in a file, questions about them and their true neighbours: what the contests of large indexes run on. Imported by data/prepare.ts and the
// index contenders.
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { native } from '#dist/core/native.js';

/** Neighbours asked for. */
export const k = 10;
/** Rows that are read, generated and added at once. */
export const rowsAtOnce = 10_000;
const rowsInCache = 500;
// Rows this near to the k-th are right too: texts that differ in case only have one vector, and float32 products are rounded.
const tie = 1e-6;

/** What stands beside the rows of a set. */
interface Described {
  readonly n: number;
  readonly d: number;
  /** q x d numbers in base64. */
  readonly queries: string;
  /** Ids of each question's k nearest rows, ties with the last included. */
  readonly truth: readonly (readonly number[])[];
}

/** A set that has been written. */
export interface VectorSet {
  readonly n: number;
  readonly d: number;
  readonly queries: readonly Float32Array[];
  /** The rows in order, `rowsAtOnce` at a time; the array is new each time. */
  chunks(): Generator<{ readonly first: number; readonly rows: Float32Array }>;
  /** All rows: 4 x n x d bytes. */
  rows(): Float32Array;
  /** Mean share of a question's k nearest that were found; `found(i)` are the ids for question i. */
  recall(found: (question: number) => ArrayLike<number>): number;
}

const describedIn = (file: string) => `${file}.json`;

/** Rows and questions in parts that can be made in any order, again and again. */
export interface RowSource {
  readonly d: number;
  readonly parts: number;
  /** Questions that part holds, known without making it. */
  questionsIn(part: number): number;
  /** At most `rowsAtOnce` rows, row-major, and questions about rows of any part. */
  part(part: number): { readonly rows: Float32Array; readonly questions: readonly Float32Array[] };
}

/**
 * Writes rows, questions and true neighbours. With `keepRows` false only what stands beside the rows is kept: whoever uses the set makes
 * the rows anew. Cost: the making of the rows, and a brute-force scan of all of them for each question.
 */
export function writeSet(file: string, source: RowSource, keepRows = true): void {
  const { d, parts } = source;
  const numbers = Array.from({ length: parts }, (_, part) => part);
  const queries: Float32Array[] = [];
  if (keepRows) {
    const handle = openSync(file, 'w');
    try {
      for (const number of numbers) {
        const { rows, questions } = source.part(number);
        writeSync(handle, rows);
        queries.push(...questions);
      }
    } finally {
      closeSync(handle);
    }
  } else {
    for (const number of numbers.filter((part) => source.questionsIn(part) > 0))
      queries.push(...source.part(number).questions);
  }
  const all = keepRows ? rowsOfFile(file, d) : madeRows(source);
  const best = queries.map(() => new Nearest());
  const products = new Float32Array(rowsInCache);
  let n = 0;
  for (const rows of all) {
    // A few rows at a time stay in the processor's cache while all questions are asked of them.
    for (let at = 0; at < rows.length; at += rowsInCache * d) {
      const some = rows.subarray(at, at + rowsInCache * d);
      const found = products.subarray(0, some.length / d);
      for (const [i, query] of queries.entries()) {
        native.dotMany(query, some, found);
        best[i]?.take(found, n);
      }
      n += found.length;
    }
  }
  const flat = new Float32Array(queries.length * d);
  for (const [i, query] of queries.entries()) flat.set(query, i * d);
  const described: Described = {
    n,
    d,
    queries: Buffer.from(flat.buffer).toString('base64'),
    truth: best.map((nearest) => nearest.ids()),
  };
  writeFileSync(describedIn(file), JSON.stringify(described));
}

function* madeRows(source: RowSource): Generator<Float32Array> {
  for (let part = 0; part < source.parts; part++) yield source.part(part).rows;
}

function* rowsOfFile(file: string, d: number): Generator<Float32Array> {
  const handle = openSync(file, 'r');
  try {
    const { size } = fstatSync(handle);
    for (let at = 0; at < size; ) {
      const rows = new Float32Array(Math.min(rowsAtOnce * d, (size - at) / 4));
      if (readSync(handle, rows, 0, rows.byteLength, at) !== rows.byteLength)
        throw new Error(`${file} is cut off`);
      at += rows.byteLength;
      yield rows;
    }
  } finally {
    closeSync(handle);
  }
}

/** Opens what `writeSet` wrote. */
export function openSet(file: string): VectorSet {
  const { n, d, queries, truth } = JSON.parse(readFileSync(describedIn(file), 'utf8')) as Described;
  const bytes = Buffer.from(queries, 'base64');
  const flat = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const questions = Array.from({ length: flat.length / d }, (_, i) => flat.slice(i * d, (i + 1) * d));
  const right = truth.map((ids) => new Set(ids));
  return {
    n,
    d,
    queries: questions,
    *chunks() {
      let first = 0;
      for (const rows of rowsOfFile(file, d)) {
        yield { first, rows };
        first += rows.length / d;
      }
    },
    rows() {
      const all = new Float32Array(n * d);
      for (const { first, rows } of this.chunks()) all.set(rows, first * d);
      return all;
    },
    recall(found) {
      const wanted = Math.min(k, n);
      let share = 0;
      for (const [i, ids] of right.entries()) {
        let hits = 0;
        for (const id of new Set(Array.from(found(i)))) if (ids.has(id)) hits++;
        share += Math.min(1, hits / wanted);
      }
      return share / right.length;
    },
  };
}

/** The k best of a stream of products, and those that tie with the last of them. */
class Nearest {
  #kept: { id: number; product: number }[] = [];
  #least = Number.NEGATIVE_INFINITY;

  take(products: Float32Array, first: number): void {
    let taken = false;
    for (let i = 0; i < products.length; i++) {
      const product = products[i] as number;
      if (product < this.#least) continue;
      this.#kept.push({ id: first + i, product });
      taken = true;
      if (this.#kept.length >= 64 * k) this.#trim();
    }
    if (taken) this.#trim();
  }

  ids(): number[] {
    return this.#kept.map(({ id }) => id);
  }

  #trim(): void {
    this.#kept.sort((a, b) => b.product - a.product);
    const kth = this.#kept[k - 1];
    if (kth === undefined) return;
    this.#least = kth.product - tie;
    this.#kept = this.#kept.filter(({ product }) => product >= this.#least);
  }
}
