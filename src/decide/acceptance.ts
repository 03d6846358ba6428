// What a promise or a threshold comes to: the policy that keeps it. policies.ts and the root import it.
import { InvalidArgumentError } from '../core/errors.js';
import { type Calibration, logit, operatingPoint, type ScoreKind, sigmoid } from './calibration.js';
import type { Experience } from './decision.js';
import type { RuleName } from './policy.js';
import { type Accept, defaultMinSimilarity, type PairStage, type Policy } from './policy.js';
import type { Verifier } from './verifier.js';

/** What the decisions of one cache have in common. */
export interface Means {
  readonly rules: readonly RuleName[];
  /** Of this cache's embedder. */
  readonly verifier?: Verifier | undefined;
  readonly pairs?: Omit<PairStage, 'band'> | undefined;
  readonly experience?: Experience | undefined;
  /** Of this cache's embedder. */
  readonly calibration?: Calibration | undefined;
}

/**
 * Least cosine of a candidate that the verifier looks at. Below it hardly any pair asks the same, and each one costs tens of
 * microseconds.
 */
export const lookFrom = 0.5;

/**
 * How far the pair model's word moves P(same) from the verifier's, in logits: up, and down. It is asked only where that can change
 * the decision: about a quarter of labelled question pairs with a cosine of `lookFrom` and more. The recall that is lost against
 * asking about each is 0.01 to 0.03.
 */
export const pairReach = { up: 0.8, down: 0.4 } as const;

/** P(same) that the decision with a pair model goes by: `paired` as far as it is in reach of `alone`, both of the verifier. */
export function stacked(alone: number, paired: number): number {
  const from = logit(alone);
  return sigmoid(Math.max(from - pairReach.down, Math.min(from + pairReach.up, logit(paired))));
}

/** The verifier's P(same) from which and up to which the pair model can change whether `least` is reached. */
export function doubtBand(least: number): readonly [number, number] {
  if (!(least < 1)) return [never, never];
  return [sigmoid(logit(least) - pairReach.up), sigmoid(logit(least) + pairReach.down)];
}

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
    pairs: pairs && { ...pairs, band: doubtBand(paired as number) },
    rulesYield: true,
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
  const pairs = policy.pairs ?? added.pairs;
  const rates = [policy.maxErrorRate, added.maxErrorRate].filter((rate) => rate !== undefined);
  const promises = [policy.promise, added.promise];
  const worst = (['out of reach', 'uncalibrated', 'calibrated'] as const).find((one) =>
    promises.includes(one),
  );
  return Object.freeze({
    ...policy,
    minSimilarity: Math.max(policy.minSimilarity, added.minSimilarity),
    minProbability,
    pairs: pairs && minProbability && { ...pairs, band: doubtBand(minProbability.paired) },
    rulesYield: policy.rulesYield === true && added.rulesYield === true,
    maxErrorRate: rates.length === 0 ? undefined : Math.min(...rates),
    promise: worst,
  });
}

const keeps = (least: number) => (least === never ? 'out of reach' : 'calibrated');

/**
 * The threshold; `never` when none keeps the promise, undefined when nobody has counted. Of several tables the strictest holds, each
 * asked for no lower rate than its labels can tell, so that a lower rate never makes the threshold lower.
 */
function pointOf({ calibration }: Means, kind: ScoreKind, rate: number): number | undefined {
  const tables = calibration?.tables.filter(({ by }) => by === kind) ?? [];
  if (tables.length === 0) return undefined;
  return Math.max(
    ...tables.map((table) => operatingPoint(table, Math.max(rate, table.least ?? 0))?.score ?? never),
  );
}
