// Exact similarities of what an approximate engine found; tiers and vectordb, which hold the vectors, may import it.
import { native } from '../core/native.js';
import type { Engine } from './engine.js';

/** The same, with similarities worked out anew and in their order, where the engine's are rounded. */
export function exactly<T extends { readonly similarity: number }>(
  engine: Engine,
  query: Float32Array,
  found: T[],
  vectorOf: (one: T) => Float32Array | undefined,
): T[] {
  if (engine.approximate !== true) return found;
  return found
    .map((one) => {
      const vector = vectorOf(one);
      if (vector === undefined) return one;
      return { ...one, similarity: Math.min(1, Math.max(-1, native.dot(query, vector))) };
    })
    .sort((a, b) => b.similarity - a.similarity);
}
