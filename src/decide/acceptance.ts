// What a promise or a threshold comes to: the policy that keeps it. policies.ts and the root import it.
import { InvalidArgumentError } from '../core/errors.js';
import { type Calibration, operatingPoint, type ScoreKind } from './calibration.js';
import type { Experience } from './decision.js';
import type { RuleName } from './policy.js';
import { type Accept, defaultMinSimilarity, type PairStage, type Policy } from './policy.js';
import type { Verifier } from './verifier.js';

/** What the decisions of one cache have in common. */
export interface Means {
  readonly rules: readonly RuleName[];
  /** Of this cache's embedder. */
  readonly verifier?: Verifier | undefined;
  readonly pairs?: PairStage | undefined;
  readonly experience?: Experience | undefined;
  /** Of this cache's embedder. */
  readonly calibration?: Calibration | undefined;
}

/**
 * Least cosine of a candidate that the verifier looks at. Below it hardly any pair asks the same, and each one costs tens of
 * microseconds.
 */
export const lookFrom = 0.6;

/** The verifier's P(same) from which and up to which a pair model is asked. */
export const doubtBand = [0.5, 0.95] as const;

/** A probability that nothing reaches. */
const never = Number.POSITIVE_INFINITY;

/** Checks what is asked for. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkAccept(accept: unknown, name = 'accept'): Accept {
  const { minSimilarity, maxErrorRate, ...rest } = (accept ?? {}) as Record<string, unknown>;
  const given = Number(minSimilarity !== undefined) + Number(maxErrorRate !== undefined);
  if (typeof accept !== 'object' || given !== 1 || Object.keys(rest).length > 0)
    throw new InvalidArgumentError(name, '{ minSimilarity } or { maxErrorRate }', accept);
  if (minSimilarity !== undefined) {
    if (typeof minSimilarity !== 'number' || !(minSimilarity >= -1 && minSimilarity <= 1))
      throw new InvalidArgumentError(`${name}.minSimilarity`, 'a number in [-1, 1]', minSimilarity);
    return { minSimilarity };
  }
  if (typeof maxErrorRate !== 'number' || !(maxErrorRate > 0 && maxErrorRate < 1))
    throw new InvalidArgumentError(`${name}.maxErrorRate`, 'a number between 0 and 1', maxErrorRate);
  return { maxErrorRate };
}

/**
 * The policy for what is to be accepted. An error rate becomes the lowest threshold on P(same) that keeps it on the calibration's
 * pairs; without verifier, on the cosine; without a calibration, a conservative cosine, and the policy says so.
 */
export function policyFor(accept: Accept, means: Means): Policy {
  const { rules, verifier, pairs, experience } = means;
  const common = { rules, verifier, experience };
  if ('minSimilarity' in accept) return Object.freeze({ ...common, minSimilarity: accept.minSimilarity });
  const { maxErrorRate } = accept;
  const at = (kind: ScoreKind) => pointOf(means, kind, maxErrorRate);
  const alone = verifier && at('verifier');
  if (alone === undefined) {
    const minSimilarity = at('cosine') ?? defaultMinSimilarity;
    const promise = at('cosine') === undefined ? 'uncalibrated' : keeps(minSimilarity);
    return Object.freeze({ ...common, minSimilarity, maxErrorRate, promise });
  }
  // Both are calibrated probabilities, so without a table of its own the one threshold stands for the other.
  const paired = pairs && (at('pair model') ?? alone);
  const least = Math.min(alone, paired ?? never);
  return Object.freeze({
    ...common,
    pairs,
    minSimilarity: lookFrom,
    minProbability: { alone, paired: paired ?? alone },
    maxErrorRate,
    promise: keeps(least),
  });
}

/** The policy made stricter: what it accepts, both accept. */
export function tightened(policy: Policy, accept: Accept, means: Means): Policy {
  const added = policyFor(accept, means);
  const minProbability =
    policy.minProbability && added.minProbability
      ? {
          alone: Math.max(policy.minProbability.alone, added.minProbability.alone),
          paired: Math.max(policy.minProbability.paired, added.minProbability.paired),
        }
      : (added.minProbability ?? policy.minProbability);
  const rates = [policy.maxErrorRate, added.maxErrorRate].filter((rate) => rate !== undefined);
  const promises = [policy.promise, added.promise];
  const worst = (['out of reach', 'uncalibrated', 'calibrated'] as const).find((one) =>
    promises.includes(one),
  );
  return Object.freeze({
    ...policy,
    minSimilarity: Math.max(policy.minSimilarity, added.minSimilarity),
    minProbability,
    pairs: policy.pairs ?? added.pairs,
    maxErrorRate: rates.length === 0 ? undefined : Math.min(...rates),
    promise: worst,
  });
}

const keeps = (least: number) => (least === never ? 'out of reach' : 'calibrated');

/** The threshold; `never` when none keeps the promise, undefined when nobody has counted. */
function pointOf({ calibration }: Means, kind: ScoreKind, rate: number): number | undefined {
  const table = calibration?.tables.find(({ by }) => by === kind);
  return table && (operatingPoint(table, rate)?.score ?? never);
}
