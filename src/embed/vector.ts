// Small arithmetic on vectors shared by the embedders; imported within embed only.

/** Inner product of two vectors of the same length; for unit vectors their cosine. O(n). */
export function dotProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Scales `values` to unit length into a new vector; undefined when the length is zero or not finite. O(n). */
export function toUnit(values: ArrayLike<number>): Float32Array | undefined {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] as number) ** 2;
  const scale = 1 / Math.sqrt(squares);
  if (!Number.isFinite(squares) || !Number.isFinite(scale)) return undefined;
  const vector = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) vector[i] = (values[i] as number) * scale;
  return vector;
}
