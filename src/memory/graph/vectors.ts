// Unit vectors in a byte a number, as the graph keeps them. For memory/graph.

/** A vector quantised to -127…127 by its greatest component; cosines are right to about 0.01. */
export function quantised(vector: ArrayLike<number>): Int8Array {
  let greatest = 0;
  for (let i = 0; i < vector.length; i++) greatest = Math.max(greatest, Math.abs(vector[i] as number));
  const scale = greatest === 0 ? 0 : 127 / greatest;
  return Int8Array.from(vector, (value) => Math.round(value * scale));
}

/** The cosine of two quantised vectors of equal length; 0 for unequal lengths and zero vectors. */
export function cosineOf(a: Int8Array, b: Int8Array): number {
  if (a.length !== b.length) return 0;
  let dot = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    dot += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  return squaresA === 0 || squaresB === 0 ? 0 : dot / Math.sqrt(squaresA * squaresB);
}
