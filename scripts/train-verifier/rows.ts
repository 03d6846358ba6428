// Labelled pairs with everything a verifier may see of them. The trainer imports it.
import { featuresOf } from '#dist/decide/features.js';
import { pairFeatures } from '#dist/decide/pair-features.js';
import { ruleNames } from '#dist/decide/policy.js';
import { vetoOf } from '#dist/decide/refusal.js';
import { hashed, type LabelledPair } from './data.ts';
import type { Signals } from './signals.ts';

export interface Row extends LabelledPair {
  readonly asked: Float32Array;
  readonly stored: Float32Array;
  readonly features: Float64Array;
  readonly cosine: number;
  /** Of the pair model, which knows too much of pairs of the part `pair`. */
  readonly logit: number;
  /** A rule refuses the pair. */
  readonly isRefused: boolean;
  /** One of `folds`, by the text that is asked. */
  readonly fold: number;
}

export const folds = 4;

export function rowsOf(pairs: readonly LabelledPair[], signals: Signals): Row[] {
  return pairs.map((pair) => {
    const [a, b] = [featuresOf(pair.a), featuresOf(pair.b)];
    const cosine = signals.cosine(pair.a, pair.b);
    return {
      ...pair,
      asked: signals.vector(pair.a),
      stored: signals.vector(pair.b),
      // A cache that holds one question has no other answer to compare with.
      features: pairFeatures(a, b, { cosine, margin: cosine, agreement: 1, rank: 0 }),
      cosine,
      logit: signals.logit(pair.a, pair.b),
      isRefused: vetoOf(a, b, ruleNames, true) !== undefined,
      fold: Math.floor(hashed(`fold of ${pair.component}`) * folds),
    };
  });
}
