// Area under the curve and recall at given precisions, with bootstrap intervals. Only evaluate/ and the root import it.
import {
  areaUnderCurve,
  type CurvePoint,
  precisionRecall,
  precisions,
  recallAtPrecision,
  type Scored,
} from '../decide/metrics.js';

/** A pair with its score, and whether any threshold accepts it. */
export interface Ranked extends Scored {
  readonly isWithinReach: boolean;
}

/** The two ends of a 95 % interval. */
export type Interval = readonly [low: number, high: number];

/** What a ranking of labelled pairs is worth. */
export interface Figures {
  /** Area under the ROC curve, in [0, 1]; what no threshold accepts ranks below all else. Null unless there are pairs of both kinds. */
  readonly auc: number | null;
  readonly aucInterval: Interval | null;
  /** Greatest recall at which the precision that names it is kept, in [0, 1]. */
  readonly recallAtPrecision: Readonly<Record<string, number>>;
  readonly recallIntervals: Readonly<Record<string, Interval>>;
  /** Share of the pairs that do not ask the same which are accepted where the named share of the others is; null where it never is. */
  readonly wrongAtRecall: Readonly<Record<string, number | null>>;
  /** Greatest recall within reach, in [0, 1]: the rest is refused whatever its score. */
  readonly greatestRecall: number;
  /** Precision, recall and hit ratio at some 200 thresholds, the strictest first. */
  readonly curve: readonly CurvePoint[];
}

const recalls = ['0.80', '0.85', '0.90'] as const;
const mostPoints = 200;

/** The figures; `resamples` draws with replacement make the intervals. Cost: O(n log n + resamples × n). Seeded. */
export function figuresOf(pairs: readonly Ranked[], resamples = 300, seed = 1): Figures {
  const sorted = [...pairs].sort((a, b) =>
    a.isWithinReach === b.isWithinReach ? b.score - a.score : a.isWithinReach ? -1 : 1,
  );
  const points = reachablePoints(sorted);
  const auc = areaUnderCurve(sorted.map((pair) => ({ score: graded(pair), same: pair.same })));
  const { area, recall } = bootstrap(sorted, resamples, seed);
  const different = sorted.filter(({ same }) => !same).length;
  return {
    auc: Number.isNaN(auc) ? null : auc,
    aucInterval: Number.isNaN(auc) ? null : interval(area),
    recallAtPrecision: recallAtPrecision(points),
    recallIntervals: Object.fromEntries(
      precisions.map((name, at) => [name, interval(recall.map((all) => all[at] as number))]),
    ),
    wrongAtRecall: Object.fromEntries(
      recalls.map((name) => {
        const point = points.find((one) => one.recall >= Number(name));
        return [name, point && different > 0 ? (point.accepted * (1 - point.precision)) / different : null];
      }),
    ),
    greatestRecall: points.at(-1)?.recall ?? 0,
    curve: thinned(points),
  };
}

/** Every threshold of the pairs within reach. */
export function reachablePoints(pairs: readonly Ranked[]): CurvePoint[] {
  return precisionRecall(
    pairs.map(({ score, same, isWithinReach }) => ({
      score: isWithinReach ? score : Number.NEGATIVE_INFINITY,
      same,
    })),
  );
}

/** Scores lie in [-1, 1]; what is out of reach keeps its order below them. */
const graded = ({ score, isWithinReach }: Ranked): number => (isWithinReach ? score : score - 4);

function thinned(points: readonly CurvePoint[]): CurvePoint[] {
  if (points.length <= mostPoints) return [...points];
  const step = (points.length - 1) / (mostPoints - 1);
  return Array.from({ length: mostPoints }, (_, i) => points[Math.round(i * step)] as CurvePoint);
}

/** The middle 95 % of what the resamples gave. */
export function interval(values: readonly number[]): Interval {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return [at(0.025), at(0.975)];
}

function bootstrap(sorted: readonly Ranked[], resamples: number, seed: number) {
  const random = generator(seed);
  const counts = new Uint32Array(sorted.length);
  const area: number[] = [];
  const recall: number[][] = [];
  for (let round = 0; round < resamples; round++) {
    counts.fill(0);
    for (let i = 0; i < sorted.length; i++) {
      const drawn = Math.floor(random() * sorted.length);
      counts[drawn] = (counts[drawn] as number) + 1;
    }
    const one = weighted(sorted, counts);
    area.push(one.auc);
    recall.push(one.recalls);
  }
  return { area, recall };
}

/** Area and recalls of pairs in the order of their rank, each counted so many times. One pass. */
export function weighted(
  sorted: readonly Ranked[],
  counts: ArrayLike<number>,
): { readonly auc: number; readonly recalls: number[] } {
  let total = 0;
  for (let i = 0; i < sorted.length; i++) if (sorted[i]?.same) total += counts[i] as number;
  const wanted = precisions.map(Number);
  const best = wanted.map(() => 0);
  let [right, wrong, area] = [0, 0, 0];
  for (let i = 0; i < sorted.length; ) {
    const { score, isWithinReach } = sorted[i] as Ranked;
    let [rightHere, wrongHere] = [0, 0];
    for (
      ;
      i < sorted.length && sorted[i]?.score === score && sorted[i]?.isWithinReach === isWithinReach;
      i++
    ) {
      if (sorted[i]?.same) rightHere += counts[i] as number;
      else wrongHere += counts[i] as number;
    }
    area += wrongHere * (right + rightHere / 2);
    right += rightHere;
    wrong += wrongHere;
    if (!isWithinReach || right === 0) continue;
    const precision = right / (right + wrong);
    for (let at = 0; at < wanted.length; at++)
      if (precision >= (wanted[at] as number)) best[at] = right / total;
  }
  return { auc: area / (right * wrong), recalls: best };
}

/** Numbers in [0, 1), the same for the same seed on every machine (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
