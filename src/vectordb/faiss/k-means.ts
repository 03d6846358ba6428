// k-means in small steps, so that a thread that trains also answers; worker.ts and training.ts import it.
import { native } from '../../core/native.js';

/** What to cluster and how. */
export interface KMeansInput {
  /** n x dimension, row-major; at least as many rows as clusters. */
  readonly rows: Float32Array;
  readonly dimension: number;
  readonly clusters: number;
  readonly iterations: number;
  /** Scale the centres to unit length, as an index by inner product wants them. */
  readonly spherical: boolean;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

// About 2 ms with AVX2.
const productsPerStep = 1 << 24;

/**
 * Lloyd's algorithm; yields every few milliseconds and returns the centres, clusters x dimension. An empty cluster starts anew at a row
 * chosen at random. Cost: O(iterations x rows x clusters x dimension). Source: Lloyd, Least squares quantization in PCM (1982).
 */
export function* kMeans(input: KMeansInput): Generator<void, Float32Array> {
  const { rows, dimension, clusters, iterations, spherical, random } = input;
  const count = rows.length / dimension;
  const centres = new Float32Array(clusters * dimension);
  for (const [cluster, row] of sample(count, clusters, random).entries()) {
    centres.set(rowAt(rows, row, dimension), cluster * dimension);
  }
  const perStep = Math.max(1, Math.floor(productsPerStep / centres.length));
  const sums = new Float64Array(centres.length);
  const sizes = new Uint32Array(clusters);
  for (let iteration = 0; iteration < iterations; iteration++) {
    sums.fill(0);
    sizes.fill(0);
    const nearest = nearestOf(centres, dimension);
    for (let row = 0; row < count; row++) {
      if (row % perStep === perStep - 1) yield;
      const cluster = nearest(rowAt(rows, row, dimension));
      sizes[cluster] = (sizes[cluster] as number) + 1;
      for (let i = 0, from = row * dimension, to = cluster * dimension; i < dimension; i++, from++, to++) {
        sums[to] = (sums[to] as number) + (rows[from] as number);
      }
    }
    for (let cluster = 0; cluster < clusters; cluster++) {
      const size = sizes[cluster] as number;
      const centre = rowAt(centres, cluster, dimension);
      if (size === 0) centre.set(rowAt(rows, Math.floor(random() * count), dimension));
      else {
        const sum = sums.subarray(cluster * dimension, (cluster + 1) * dimension);
        const scale = 1 / (spherical ? lengthOf(sum) || 1 : size);
        for (let i = 0; i < dimension; i++) centre[i] = (sum[i] as number) * scale;
      }
    }
  }
  return centres;
}

/** A function that tells which centre is nearest to a row. */
export function nearestOf(centres: Float32Array, dimension: number): (row: Float32Array) => number {
  const distances = new Float32Array(centres.length / dimension);
  return (row) => {
    native.squaredL2Many(row, centres, distances);
    let nearest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < distances.length; i++) {
      const distance = distances[i] as number;
      if (distance < least) {
        least = distance;
        nearest = i;
      }
    }
    return nearest;
  };
}

/** `wanted` different numbers below `count`, or all of them, ascending. */
export function sample(count: number, wanted: number, random: () => number): Uint32Array {
  const chosen = new Uint32Array(Math.min(wanted, count));
  let held = 0;
  for (let row = 0; row < count && held < chosen.length; row++) {
    // Of the rows left, this one is among the wanted with just this chance.
    if (random() * (count - row) < chosen.length - held) chosen[held++] = row;
  }
  return chosen;
}

/** A view of one row. */
export function rowAt(rows: Float32Array, row: number, dimension: number): Float32Array {
  return rows.subarray(row * dimension, (row + 1) * dimension);
}

/** Numbers in [0, 1), the same each time: an index built twice from the same rows is the same. Source: Steele and others, SplitMix (2014). */
export function repeatableRandom(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

function lengthOf(values: Float64Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}
