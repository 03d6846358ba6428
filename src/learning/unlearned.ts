// Pairs of questions that were called wrong, and where in the space of questions that was. Only learning/ imports it.
import type { Candidate, Key } from '../core/entry.js';
import { FlatEngine } from '../engines/flat.js';

/** A pair that was called wrong. */
export interface WrongPair {
  readonly asked: Key;
  readonly stored: Key;
  /** Embeddings of the two questions; absent where they were not known any more. */
  readonly place?: { readonly asked: Float32Array; readonly stored: Float32Array } | undefined;
}

/** Pairs kept; the oldest go. 128 bytes each. */
export const mostPairs = 10_000;
/** Places kept; the oldest go. 3 KB each at 384 dimensions. */
export const mostPlaces = 512;

/** Cosine from which a pair is a neighbour of a wrong one, on both sides. */
const nearFrom = 0.8;
/** Logits of caution for a pair in the very place of a wrong one; less with distance, none at `nearFrom`. */
const mostCaution = 3;
const placesLookedAt = 4;
const partition = 0;

/** Remembers wrong pairs. Memory is bounded by the two constants; every method is O(1) or O(`mostPlaces` × dimension) in native code. */
export class Unlearned {
  readonly #pairs = new Set<string>();
  readonly #places = new Map<number, Float32Array>();
  #index: FlatEngine | undefined;
  #next = 0;

  get pairs(): number {
    return this.#pairs.size;
  }

  get places(): number {
    return this.#places.size;
  }

  add({ asked, stored, place }: WrongPair): void {
    const name = nameOf(asked, stored);
    if (this.#pairs.has(name)) return;
    this.#pairs.add(name);
    if (this.#pairs.size > mostPairs) this.#pairs.delete(this.#pairs.values().next().value as string);
    if (place === undefined) return;
    this.#index ??= new FlatEngine(place.asked.length);
    if (place.asked.length !== this.#index.dimension) return;
    const id = this.#next++;
    this.#index.set(id, partition, place.asked);
    this.#places.set(id, place.stored);
    if (this.#places.size <= mostPlaces) return;
    const oldest = this.#places.keys().next().value as number;
    this.#places.delete(oldest);
    this.#index.remove(oldest);
  }

  has(asked: Key, stored: Key): boolean {
    return this.#pairs.size > 0 && this.#pairs.has(nameOf(asked, stored));
  }

  /** As `Experience.caution`. A pair is as near to a wrong one as the farther of its two questions. */
  caution(asked: Float32Array): ((candidate: Candidate) => number) | undefined {
    if (this.#index === undefined || asked.length !== this.#index.dimension) return undefined;
    const near = this.#index
      .search(asked, partition, placesLookedAt)
      .filter(({ similarity }) => similarity > nearFrom);
    if (near.length === 0) return undefined;
    return ({ entry: { vector } }) => {
      let nearest = 0;
      for (const { id, similarity } of near) {
        const stored = this.#places.get(id);
        if (vector === undefined || stored === undefined) continue;
        nearest = Math.max(nearest, Math.min(similarity, dot(vector, stored)));
      }
      return (Math.max(0, nearest - nearFrom) / (1 - nearFrom)) * mostCaution;
    };
  }
}

const nameOf = (asked: Key, stored: Key) => `${asked}${stored}`;

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return Math.min(1, sum);
}
