// Trains inverted-file indices from a sample, in small steps; worker.ts imports it.
import { type ProductQuantiser, trainedIvf } from './bytes.js';
import { kMeans, nearestOf, rowAt } from './k-means.js';
import type { FaissSpec } from './protocol.js';

type IvfSpec = Extract<FaissSpec, { type: 'IVF' | 'IVFPQ' }>;

const iterations = 10;

/**
 * Trains on `sample` (n x dimension, n at least nlist and 2^pqNbits); yields every few milliseconds and returns the bytes of the empty,
 * trained index. faiss' own training would hold the thread for seconds, and ends the process when it refuses its input.
 */
export function* trainIvf(
  spec: IvfSpec,
  sample: Float32Array,
  random: () => number,
): Generator<void, Buffer> {
  const { dimension, metric, nlist, nprobe } = spec;
  const spherical = metric === 'IP';
  const centres = yield* kMeans({ rows: sample, dimension, clusters: nlist, iterations, spherical, random });
  const quantiser = spec.type === 'IVFPQ' ? yield* trainQuantiser(spec, sample, centres, random) : undefined;
  return trainedIvf({ dimension, metric, nprobe, centres, quantiser });
}

function* trainQuantiser(
  { dimension, pqM: m, pqNbits: bits }: Extract<FaissSpec, { type: 'IVFPQ' }>,
  sample: Float32Array,
  coarse: Float32Array,
  random: () => number,
): Generator<void, ProductQuantiser> {
  const clusters = 2 ** bits;
  const count = Math.min(sample.length / dimension, clusters * pointsPerCode);
  const residuals = sample.slice(0, count * dimension);
  const nearest = nearestOf(coarse, dimension);
  for (let row = 0; row < count; row++) {
    if (row % rowsPerStep === 0) yield;
    const residual = rowAt(residuals, row, dimension);
    const centre = rowAt(coarse, nearest(residual), dimension);
    for (let i = 0; i < dimension; i++) residual[i] = (residual[i] as number) - (centre[i] as number);
  }
  const width = dimension / m;
  const centres = new Float32Array(m * clusters * width);
  const rows = new Float32Array(count * width);
  for (let part = 0; part < m; part++) {
    for (let row = 0; row < count; row++) {
      const at = row * dimension + part * width;
      rows.set(residuals.subarray(at, at + width), row * width);
    }
    yield;
    const own = yield* kMeans({ rows, dimension: width, clusters, iterations, spherical: false, random });
    centres.set(own, part * clusters * width);
  }
  return { m, bits, centres };
}

// faiss itself warns below 39 and takes no more than 256.
const pointsPerCode = 64;
const rowsPerStep = 64;
