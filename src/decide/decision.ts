// What a decision says, and what it may ask besides its arguments. Types only; any folder may import it.
import type { Candidate, Key } from '../core/entry.js';
import type { PolicyView, RuleName } from './policy.js';

/** Why a candidate was not served although it was near enough. */
export interface Refusal {
  /** The rule that refused; `length` when a text is too long for the rules to judge, `feedback` for a pair that was called wrong. */
  readonly rule: RuleName | 'length' | 'feedback';
  /** One short sentence for a person: which words differ. */
  readonly why: string;
  /** The stored question refused. */
  readonly question: string;
  /** Cosine of the two questions' embeddings, in [-1, 1]. */
  readonly similarity: number;
}

/**
 * What decided: `exact` the same key · `text` the same text · `similarity` the cosine and the rules · `verifier` P(same) from
 * vectors and features · `pair model` P(same) with the pair model · `none` nothing was near enough, or all of it was refused by rules.
 */
export type Basis = 'exact' | 'text' | 'similarity' | 'verifier' | 'pair model' | 'none';

/** The whole decision, as results carry it. Holds no vector and no answer. */
export interface Decision {
  readonly accepted: boolean;
  readonly basis: Basis;
  /** Calibrated probability that the candidate asks the same, in [0, 1]; undefined when no verifier has weights for the embedder. */
  readonly pSame: number | undefined;
  /** Least `pSame` that would have been accepted; undefined where the cosine decides. */
  readonly required: number | undefined;
  /** Cosine of the question and the candidate, in [-1, 1]; 1 for an exact match, 0 without a candidate. */
  readonly similarity: number;
  /** What refused candidates that were near enough, the nearest first. */
  readonly rules: readonly Refusal[];
  /** What the verifier saw of the candidate, by name; empty when it was not asked. */
  readonly features: Readonly<Record<string, number>>;
  /** Logit of the pair model; undefined when it was not asked, or did not answer. */
  readonly pairLogit: number | undefined;
  /** The stored question that was accepted, or else came nearest to it; undefined for an exact match and without any. */
  readonly candidate: { readonly question: string; readonly key: Key } | undefined;
  readonly policy: PolicyView;
}

/** What `decide` returns. */
export interface Verdict {
  /** The candidate to serve; `undefined` when none answers the question. */
  readonly accepted: Candidate | undefined;
  /** The best candidate that was near enough and was refused by a rule; `undefined` when no rule refused any. */
  readonly refused: Refusal | undefined;
  readonly decision: Decision;
}

/** A question as `decide` takes it. A text alone is decided by similarity and rules. */
export interface Asked {
  readonly text: string;
  /** Unit-length embedding; without it the verifier cannot be asked. */
  readonly vector?: Float32Array | undefined;
  /** Without it nothing learnt from feedback applies. */
  readonly key?: Key | undefined;
  /** Gives up waiting for the pair model; the decision is then made without it. */
  readonly signal?: AbortSignal | undefined;
  /** Logits that the pair model gave in this lookup, by stored question, so that two tiers do not ask twice. */
  readonly logits?: Map<string, number | undefined> | undefined;
}

/** What service has taught. Every method is O(1) or bounded by a constant. */
export interface Experience {
  /** This pair was called wrong. */
  refuses(asked: Key, stored: Key): boolean;
  /** By how much, in logits of P(same), service has moved the calibration and the acceptance; above 0 is stricter. */
  readonly shift: number;
  /** How much stricter, in logits from 0, to be with a pair that is near to one called wrong; undefined when none is near. */
  caution(asked: Float32Array): ((candidate: Candidate) => number) | undefined;
}
