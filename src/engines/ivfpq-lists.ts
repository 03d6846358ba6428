// One partition's lists and how they are built. For ivfpq.ts alone.
import { type NativeBuilding, type NativeIvfIndex, native } from '../core/native.js';
import { translate } from './flat.js';
import { type IvfPqShape, listsFor } from './ivfpq-options.js';

/** A partition in lists. */
export interface Lists {
  readonly index: NativeIvfIndex;
  readonly ids: IdList;
  /** Rows set since they were built. */
  since: number;
  /** Rows they are made for. */
  readonly learnt: number;
}

/** The ids of a partition, to find its rows again: 4 bytes each. Ids that have gone are dropped when all are asked for. */
export class IdList {
  #ids: Uint32Array;
  #size: number;

  private constructor(ids: Uint32Array) {
    this.#ids = ids;
    this.#size = ids.length;
  }

  static of(ids: Uint32Array): IdList {
    return new IdList(ids.slice());
  }

  get bytes(): number {
    return this.#ids.byteLength;
  }

  /** Cost: constant over time, for what has gone is dropped when it is half of the list. */
  add(id: number, index: Pick<NativeIvfIndex, 'has' | 'size'>): void {
    if (this.#size >= 2 * index.size + least) this.living(index);
    if (this.#size === this.#ids.length) {
      const grown = new Uint32Array(Math.max(64, this.#size + (this.#size >> 2)));
      grown.set(this.#ids);
      this.#ids = grown;
    }
    this.#ids[this.#size++] = id;
  }

  /** Those that the index holds, each once. */
  living(index: Pick<NativeIvfIndex, 'has'>): number[] {
    const ids = [...new Set(this.#ids.subarray(0, this.#size))].filter((id) => index.has(id));
    this.#ids = Uint32Array.from(ids);
    this.#size = ids.length;
    return ids;
  }
}

// Lists shorter than this are not worth a look.
const least = 1_024;
const kept = { none: 0, int8: 1, float16: 2 } as const;
const iterations = 10;
// k-means needs some tens of points a centroid; more only take longer.
const pointsPerList = 40;
const leastSample = 65_536;

/** The places of the rows of each partition. Of an id that comes twice the later row stands, in whatever partition. */
export function rowsByPartition(ids: Uint32Array, partitions: Uint32Array): Map<number, number[]> {
  const last = new Map<number, number>();
  for (let row = 0; row < ids.length; row++) last.set(ids[row] as number, row);
  const rowsOf = new Map<number, number[]>();
  for (const row of last.values()) {
    const partition = partitions[row] as number;
    const rows = rowsOf.get(partition);
    if (rows === undefined) rowsOf.set(partition, [row]);
    else rows.push(row);
  }
  return rowsOf;
}

/** Vectors to build lists of, under their ids; or a sample of them, without ids, to learn from. */
export interface Material {
  readonly ids: Uint32Array;
  readonly vectors: Float32Array;
  /** Rows that the lists are made for. */
  readonly rows: number;
}

/** Begins to build. Rejects as `FlatEngine.set` throws, or with code `ABORT_ERR` when cancelled. */
export function build(
  dimension: number,
  { nlist, m, nbits, rotations, rescore, threads, seed }: IvfPqShape,
  { ids, vectors, rows }: Material,
): NativeBuilding {
  const lists = nlist === undefined ? listsFor(rows) : Math.min(nlist, rows);
  const sample = Math.max(leastSample, lists * pointsPerList);
  const shape = [dimension, lists, m, nbits, kept[rescore], rotations, iterations, sample] as const;
  const { promise, cancel } = native.IvfIndex.build(...shape, seed, threads, ids, vectors);
  return { promise: promise.catch(translate), cancel };
}
