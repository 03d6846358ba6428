// How a partition's lists are built. For ivfpq.ts alone.
import { type NativeBuilding, native } from '../core/native.js';
import { translate } from './flat.js';
import { type IvfPqShape, listsFor } from './ivfpq-options.js';

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
  const { promise, cancel } = native.IvfIndex.build(...shape, seed, threads, rows, ids, vectors);
  return { promise: promise.catch(translate), cancel };
}
