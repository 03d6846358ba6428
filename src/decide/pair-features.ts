// What the verifier sees of a pair of questions, as numbers. Only decide/ imports it.
import type { Features } from './features.js';

/** What is known of a candidate from the search that found it. */
export interface SearchSignals {
  /** Of the two embeddings, in [-1, 1]. */
  readonly cosine: number;
  /** Cosine ahead of the next candidate with another answer. */
  readonly margin: number;
  /** Share of the candidates that have the same answer, in (0, 1]. */
  readonly agreement: number;
  /** Place among the candidates, from 0. */
  readonly rank: number;
}

/** Names of the numbers, in their order. */
export const featureNames: readonly string[] = ['cosine', 'margin', 'agreement', 'rank'];

/** The numbers of a pair, in the order of `featureNames`; every one finite. */
export function pairFeatures(_asked: Features, _stored: Features, signals: SearchSignals): Float64Array {
  return Float64Array.of(signals.cosine, signals.margin, signals.agreement, signals.rank);
}
