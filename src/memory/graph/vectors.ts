// Unit vectors in a byte a number, as the graph keeps them. For memory/graph.

/** A vector quantised to -127…127 by its greatest component; cosines are right to about 0.01. */
export function quantised(vector: ArrayLike<number>): Int8Array {
  let greatest = 0;
  for (let i = 0; i < vector.length; i++) greatest = Math.max(greatest, Math.abs(vector[i] as number));
  const scale = greatest === 0 ? 0 : 127 / greatest;
  return Int8Array.from(vector, (value) => Math.round(value * scale));
}

/** The cosine of two quantised vectors; 0 for unequal lengths and zero vectors. */
export function cosineOf(a: Int8Array, b: Int8Array): number {
  return dotOf(a, b) / (lengthOf(a) * lengthOf(b));
}

/** The product of two quantised vectors; 0 for unequal lengths. */
export function dotOf(a: Int8Array, b: Int8Array): number {
  if (a.length !== b.length) return 0;
  let dot = 0;
  for (let i = 0; i < a.length; i++) dot += (a[i] as number) * (b[i] as number);
  return dot;
}

/** The Euclidean length of a vector; 1 for one of zeros, by which it may be divided. */
export function lengthOf(vector: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += (vector[i] as number) ** 2;
  return Math.sqrt(squares) || 1;
}
