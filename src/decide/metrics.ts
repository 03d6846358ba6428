// Figures of scored pairs: area under the curve, precision against recall. The trainer, the benches and the command line import it.

/** A pair with its score and its label. */
export interface Scored {
  /** Higher is more alike; `-Infinity` for what a rule refuses. */
  readonly score: number;
  readonly same: boolean;
}

/** A threshold with what it accepts. */
export interface CurvePoint {
  /** Least score accepted, inclusive. */
  readonly threshold: number;
  readonly accepted: number;
  /** Share of the accepted that ask the same, in [0, 1]. */
  readonly precision: number;
  /** Share of those that ask the same which are accepted, in [0, 1]. */
  readonly recall: number;
  /** Share of all pairs that are accepted: what a cache would call its hit ratio. */
  readonly hitRatio: number;
}

/** Precisions that recall is told at, as they are written in reports. */
export const precisions = ['0.80', '0.85', '0.90', '0.95', '0.98'] as const;

/**
 * Probability that a pair which asks the same scores higher than one that does not, ties counting half; NaN without both kinds.
 * Cost: O(n log n).
 */
export function areaUnderCurve(pairs: readonly Scored[]): number {
  let [below, sum, same] = [0, 0, 0];
  for (const group of tied(pairs).reverse()) {
    const right = group.filter((pair) => pair.same).length;
    const wrong = group.length - right;
    sum += right * (below + wrong / 2);
    below += wrong;
    same += right;
  }
  return sum / (same * below);
}

/** Every threshold that makes a difference, the strictest first. What a rule refuses is never accepted. */
export function precisionRecall(pairs: readonly Scored[]): CurvePoint[] {
  const total = pairs.filter((pair) => pair.same).length;
  const points: CurvePoint[] = [];
  let [right, accepted] = [0, 0];
  for (const group of tied(pairs)) {
    const threshold = (group[0] as Scored).score;
    if (threshold === Number.NEGATIVE_INFINITY) break;
    accepted += group.length;
    right += group.filter((pair) => pair.same).length;
    points.push({
      threshold,
      accepted,
      precision: right / accepted,
      recall: total === 0 ? 0 : right / total,
      hitRatio: accepted / pairs.length,
    });
  }
  return points;
}

/** The greatest recall at which precision is still reached; 0 when it never is. */
export function recallAt(points: readonly CurvePoint[], precision: number): number {
  return points.reduce(
    (best, point) => (point.precision >= precision ? Math.max(best, point.recall) : best),
    0,
  );
}

/** `recallAt` of each of `precisions`. */
export function recallAtPrecision(points: readonly CurvePoint[]): Record<string, number> {
  return Object.fromEntries(precisions.map((name) => [name, recallAt(points, Number(name))]));
}

/** Groups of equal score, the highest first. */
function tied(pairs: readonly Scored[]): Scored[][] {
  const groups: Scored[][] = [];
  let last = Number.NaN;
  for (const pair of [...pairs].sort((a, b) => (a.score === b.score ? 0 : b.score - a.score))) {
    if (pair.score === last) (groups.at(-1) as Scored[]).push(pair);
    else groups.push([pair]);
    last = pair.score;
  }
  return groups;
}
