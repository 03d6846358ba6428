// How a partition's lists are built. For ivfpq.ts alone.
import { type NativeBuilding, native } from '../core/native.js';
import { translate } from './flat.js';
import type { IvfPqShape } from './ivfpq-options.js';

const kept = { none: 0, int8: 1, float16: 2 } as const;
const iterations = 10;
// k-means needs some tens of points a centroid; more only take longer.
const pointsPerList = 40;
const leastSample = 65_536;

/** Begins to build. Rejects as `FlatEngine.set` throws, or with code `ABORT_ERR` when cancelled. */
export function build(
  dimension: number,
  { nlist, m, nbits, rotations, rescore, threads, seed }: IvfPqShape,
  ids: Uint32Array,
  vectors: Float32Array,
): NativeBuilding {
  const lists = nlist === undefined ? listsFor(ids.length) : Math.min(nlist, ids.length);
  const sample = Math.max(leastSample, lists * pointsPerList);
  const shape = [dimension, lists, m, nbits, kept[rescore], rotations, iterations, sample] as const;
  const { promise, cancel } = native.IvfIndex.build(...shape, seed, threads, ids, vectors);
  return { promise: promise.catch(translate), cancel };
}

/** Twice the root of the rows, rounded to a power of two. */
function listsFor(rows: number): number {
  return Math.min(rows, 2 ** Math.round(Math.log2(Math.max(1, 2 * Math.sqrt(rows)))));
}
