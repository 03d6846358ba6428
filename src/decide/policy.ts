// When a stored answer may be served for a question asked in other words: the threshold and the rules. Any folder may import it.
import type { Clock } from '../core/clock.js';
import { InvalidArgumentError } from '../core/errors.js';
import type { PairModel } from '../core/pair-model.js';
import type { Experience } from './decision.js';
import type { rules } from './rules.js';
import type { Verifier } from './verifier.js';

/** Names of the rules, in the order in which they are asked. */
export const ruleNames = Object.freeze([
  'numbers',
  'negation',
  'antonyms',
  'units',
  'order',
  'names',
  'question',
  'quantifiers',
  'tense',
  'person',
  'code',
  'substitution',
  'planted',
] as const) satisfies readonly (keyof typeof rules)[];

/**
 * A rule: `numbers` (other numbers), `negation` (one negates), `antonyms` (opposites and alternatives), `units`, `order` (swapped
 * roles), `names` (another name, or one question alone names something), `question` (when, where, who, why, how much),
 * `quantifiers` (all, some, only), `tense`, `person`, `code` (another flag, path, identifier), `substitution` (the same words but for one
 * or two that mean something else), `planted` (one is the other's words heaped up with more, or tells the reader to ignore something).
 */
export type RuleName = (typeof ruleNames)[number];

/** What a hit has to reach: a cosine of the two embeddings, in [-1, 1], or a share of wrong among the served that is kept, in (0, 1). */
export type Accept = { readonly minSimilarity: number } | { readonly maxErrorRate: number };

/** How the pair model takes part. */
export interface PairStage {
  readonly model: PairModel;
  /** Verifier's P(same) from which and up to which there is doubt: below is refused and above accepted without asking. */
  readonly band: readonly [number, number];
  /** Least cosine of a candidate that is asked about, in [-1, 1]. */
  readonly minSimilarity: number;
  /** Candidates a question may be asked about, from 1. */
  readonly most: number;
  /** Milliseconds a question waits for all of them together. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Told once a candidate that was asked about, with the error when no score came. */
  readonly onAsked?: ((error: unknown) => void) | undefined;
}

/** What a result says of the policy it was decided by. */
export interface PolicyView {
  readonly minSimilarity: number;
  readonly rules: readonly RuleName[];
  /** The promise; undefined where a similarity was asked for. */
  readonly maxErrorRate?: number | undefined;
  /**
   * `calibrated` the threshold keeps the promise on the calibration's pairs · `uncalibrated` nothing is known of this embedder, a
   * conservative similarity stands in · `out of reach` no threshold keeps it, so nothing is accepted by meaning.
   */
  readonly promise?: 'calibrated' | 'uncalibrated' | 'out of reach' | undefined;
  /** Category of the question; undefined for none. */
  readonly category?: string | undefined;
}

/** What `decide` goes by. */
export interface Policy extends PolicyView {
  /**
   * Least cosine of the two questions' embeddings, inclusive, in [-1, 1]. With `minProbability` it only says what is looked at;
   * `Infinity` for nothing.
   */
  readonly minSimilarity: number;
  /** Rules that may refuse a candidate. */
  readonly rules: readonly RuleName[];
  /** Least P(same), inclusive: `alone` where no pair model was asked, `paired` where one takes part. Absent: the cosine decides. */
  readonly minProbability?: { readonly alone: number; readonly paired: number } | undefined;
  /** Works P(same) out; one of another embedder's vectors is not asked. */
  readonly verifier?: Verifier | undefined;
  readonly pairs?: PairStage | undefined;
  /** In quite other words some rules leave the pair to the verifier (`vetoOf`); default false. */
  readonly rulesYield?: boolean | undefined;
  readonly experience?: Experience | undefined;
}

/**
 * Default threshold, cosine. Measured with all-MiniLM-L6-v2 (int8) on 16,874 labelled pairs of the Quora question-pair release (31 %
 * of them ask the same): share of the served that is right, and share of the same that is served,
 *
 *               without rules         with all rules
 *   >= 0.85     70.7 %   65.3 %       76.6 %   60.7 %
 *   >= 0.90     77.7 %   45.7 %       82.9 %   42.9 %
 *   >= 0.91     79.8 %   41.4 %       85.2 %   39.0 %
 *   >= 0.92     81.9 %   36.7 %       86.9 %   34.6 %
 *   >= 0.95     88.8 %   21.9 %       92.4 %   20.9 %
 *
 * where about half of the pairs counted wrong near the top plainly ask the same. Without rules it takes 0.94 to be right as often as
 * with them at 0.91, and that loses nearly a third of the hits.
 */
export const defaultMinSimilarity = 0.91;

/**
 * A checked policy. `minSimilarity`: cosine in [-1, 1], default `defaultMinSimilarity`; `rules`: names, `'all'` (default) or
 * `'none'`.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT: no number in the range, or an unknown rule.
 */
export function policy(
  options: {
    minSimilarity?: number | undefined;
    rules?: readonly RuleName[] | 'all' | 'none' | undefined;
  } = {},
): Policy & { readonly pairs?: undefined } {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgumentError('policy', 'an object', options);
  const { minSimilarity = defaultMinSimilarity, rules: chosen = 'all' } = options;
  if (typeof minSimilarity !== 'number' || !(minSimilarity >= -1 && minSimilarity <= 1)) {
    throw new InvalidArgumentError('minSimilarity', 'a number in [-1, 1]', minSimilarity);
  }
  if (chosen === 'all') return Object.freeze({ minSimilarity, rules: ruleNames });
  if (chosen === 'none') return Object.freeze({ minSimilarity, rules: Object.freeze([]) });
  if (!Array.isArray(chosen))
    throw new InvalidArgumentError('rules', `'all', 'none' or a list of rules`, chosen);
  for (const name of chosen) {
    if (!(ruleNames as readonly unknown[]).includes(name))
      throw new InvalidArgumentError('rules', `of ${ruleNames.join(', ')}`, name);
  }
  // In the order of ruleNames, so that the same set of rules always names the same refusal.
  return Object.freeze({
    minSimilarity,
    rules: Object.freeze(ruleNames.filter((name) => chosen.includes(name))),
  });
}
