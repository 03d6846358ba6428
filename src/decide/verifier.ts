// What turns the signals of a pair into a probability that both ask the same. Types only; decide/ and the root import it.

/** What is known of a pair of questions without reading them side by side. */
export interface PairSignals {
  /** Unit-length embeddings. */
  readonly asked: Float32Array;
  readonly stored: Float32Array;
  /** In the order of `featureNames`. */
  readonly features: Float64Array;
  /** Of the two embeddings, in [-1, 1]. */
  readonly cosine: number;
}

/** A small model over the signals of a pair; synchronous, tens of microseconds. */
export interface Verifier {
  /** Fingerprint of the embedder that the weights belong to: 64 hexadecimal digits. */
  readonly embedder: string;
  /** Fingerprint of the weights: 64 hexadecimal digits. */
  readonly fingerprint: string;
  /** Calibrated P(same) without the pair model, in [0, 1]. */
  probability(pair: PairSignals): number;
  /** Calibrated P(same) with the logit that the pair model gave. */
  withLogit(pair: PairSignals, logit: number): number;
}
