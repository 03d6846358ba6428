// Seeded data sets of unit vectors and the right neighbours by brute force; imported by contenders.
import type { DataSet } from '../types.js';

/** Vectors and questions about them. */
export interface VectorData {
  /** n x d, row-major, rows of unit length. */
  readonly rows: Float32Array;
  /** Question vectors of unit length: half lie near a row (cosine about 0.87), half are new ones of the same kind. */
  readonly queries: readonly Float32Array[];
}

/** Uniform numbers in [0, 1) from a seed (sfc32 by Chris Doty-Humphrey). */
export function randomFrom(seed: number): () => number {
  let a = seed | 0;
  let b = 0x9e3779b9;
  let c = 0x243f6a88;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

const topics = 60;
// A row is a sum of three topics, as tight as chance has it, and noise: cosines are then spread like those of sentence embeddings.
// Medians over 10,000 questions of all kinds by all-MiniLM-L6-v2, and over this data set: any pair 0.04, 0.04; tenth nearest 0.42,
// 0.46; hundredth 0.29, 0.31. It is no copy: hnswlib-node is a quarter to a third faster on it than on those embeddings (recall
// 0.997 and 0.995), and the scan of this package a quarter slower.
const topicsOfRow = 3;
const commonWeight = 0.2;
const topicWeight = 0.4;
const leastNoise = 0.1;
const queryNoise = 0.57;

type Triple = [Float32Array, Float32Array, Float32Array];

/** `n` rows and `queries` questions, the same for the same arguments. Cost: about 40 nanoseconds a component. */
export function vectorData(data: DataSet, n: number, d: number, queries: number, seed: number): VectorData {
  const random = randomFrom(seed);
  const normal = normalFrom(random);
  const fresh = () => unit(Float32Array.from({ length: d }, normal));
  const common = fresh();
  const centres = Array.from({ length: topics }, fresh);
  const mixed = data === 'clustered';
  const draw = (into: Float32Array) => {
    const [one, two, three] = Array.from(
      { length: topicsOfRow },
      () => centres[Math.floor(topics * random())],
    ) as Triple;
    const tightness = mixed ? topicWeight * (0.4 + 1.2 * random()) : 0;
    const shared = mixed ? commonWeight : 0;
    const rest = Math.sqrt(Math.max(leastNoise, 1 - shared ** 2 - topicsOfRow * tightness ** 2) / d);
    for (let i = 0; i < d; i++) {
      const topic = (one[i] as number) + (two[i] as number) + (three[i] as number);
      into[i] = shared * (common[i] as number) + tightness * topic + rest * normal();
    }
    unit(into);
  };
  const rows = new Float32Array(n * d);
  for (let row = 0; row < n; row++) draw(rows.subarray(row * d, (row + 1) * d));
  const questions = Array.from({ length: queries }, (_, index) => {
    const query = new Float32Array(d);
    draw(query);
    if (index % 2 === 1) return query;
    const row = Math.floor(random() * n) * d;
    for (let i = 0; i < d; i++) query[i] = (rows[row + i] as number) + (queryNoise * normal()) / Math.sqrt(d);
    return unit(query);
  });
  return { rows, queries: questions };
}

function normalFrom(random: () => number): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

function unit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const scale = 1 / Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) * scale;
  return vector;
}

// Two rows whose products differ by less than the rounding of float32 are both right at the edge of the k.
const tie = 1e-6;

/** Share of `found` ids that are among the `k` nearest rows of `query`, by inner products in double precision. */
export function recallOf(
  found: ArrayLike<number>,
  query: Float32Array,
  rows: Float32Array,
  k: number,
): number {
  const d = query.length;
  const n = rows.length / d;
  const products = new Float64Array(n);
  for (let row = 0, at = 0; row < n; row++) {
    let sum = 0;
    for (let i = 0; i < d; i++, at++) sum += (rows[at] as number) * (query[i] as number);
    products[row] = sum;
  }
  const kth = products.slice().sort()[n - Math.min(k, n)] as number;
  const ids = new Set(Array.from(found));
  let right = 0;
  for (const id of ids) if ((products[id] ?? Number.NEGATIVE_INFINITY) >= kth - tie) right++;
  return right / Math.min(k, n);
}
