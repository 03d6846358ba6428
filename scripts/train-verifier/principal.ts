// Finds the directions in which vectors differ most. The trainer imports it.
import { randomOf } from './random.ts';

const rounds = 30;

/**
 * The first `count` principal directions of the vectors, unit length, row after row. Source: orthogonal iteration, Golub & Van Loan,
 * Matrix Computations, 8.2.4.
 */
export function principal(vectors: readonly Float32Array[], count: number, seed: number): Float32Array {
  const dimension = (vectors[0] as Float32Array).length;
  const mean = new Float64Array(dimension);
  for (const vector of vectors)
    for (let i = 0; i < dimension; i++)
      mean[i] = (mean[i] as number) + (vector[i] as number) / vectors.length;
  const covariance = new Float64Array(dimension * dimension);
  const centred = new Float64Array(dimension);
  for (const vector of vectors) {
    for (let i = 0; i < dimension; i++) centred[i] = (vector[i] as number) - (mean[i] as number);
    for (let i = 0; i < dimension; i++) {
      const x = centred[i] as number;
      for (let j = 0, at = i * dimension; j < dimension; j++, at++)
        covariance[at] = (covariance[at] as number) + x * (centred[j] as number);
    }
  }
  const random = randomOf(seed);
  let found = Array.from({ length: count }, () => Float64Array.from(mean, () => random() - 0.5));
  for (let round = 0; round < rounds; round++)
    found = orthonormal(
      found.map((direction) =>
        direction.map((_, i) => dot(covariance.subarray(i * dimension, (i + 1) * dimension), direction)),
      ),
    );
  return Float32Array.from(found.flatMap((direction) => [...direction]));
}

function orthonormal(rows: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const row of rows) {
    let rest = row;
    for (const other of done) {
      const along = dot(rest, other);
      rest = rest.map((x, i) => x - along * (other[i] as number));
    }
    const length = Math.sqrt(dot(rest, rest));
    done.push(rest.map((x) => x / length));
  }
  return done;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
