// Repeatable random numbers and vectors for tests. Tests may import it; the subpath ./testing exports it.

/** Numbers in [0, 1) that depend on `seed` (an unsigned 32-bit integer) alone. Source: Marsaglia, Xorshift RNGs (2003), with a mixed seed. */
export function seededRandom(seed: number): () => number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** A vector of unit length: `dimension` numbers, every direction equally likely. */
export function randomUnitVector(dimension: number, random: () => number): Float32Array {
  const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return unitVector(Array.from({ length: dimension }, gaussian));
}

/** A vector of unit length at cosine `similarity` (in [-1, 1]) from the unit-length `vector`, in a random direction. */
export function vectorAt(vector: Float32Array, similarity: number, random: () => number): Float32Array {
  const other = randomUnitVector(vector.length, random);
  const along = cosine(vector, other);
  const across = Math.sqrt(1 - along * along);
  const weight = Math.sqrt(1 - similarity * similarity) / across;
  return unitVector(
    Array.from(vector, (x, i) => similarity * x + weight * ((other[i] as number) - along * x)),
  );
}

/** Inner product in double precision; the cosine of unit-length vectors. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function unitVector(numbers: readonly number[]): Float32Array {
  const length = Math.hypot(...numbers);
  return Float32Array.from(numbers, (x) => x / length);
}
