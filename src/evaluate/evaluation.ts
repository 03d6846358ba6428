// The figures of judged pairs: by way of deciding, by cause, by class, and of each promise. Only evaluate/ and the root import it.
import type { ScoreKind } from '../decide/calibration.js';
import { clopperPearson } from '../decide/interval.js';
import type { Policy } from '../decide/policy.js';
import { type Figures, figuresOf, type Interval, type Ranked, reachablePoints } from './figures.js';
import { isWithinReach, type JudgedPair, scoreOf, type Way } from './judge.js';
import type { StreamCurve } from './stream.js';

/** What one way of deciding is worth. */
export interface WayFigures extends Way, Figures {
  /** Pairs accepted although they do not ask the same, by what differs, at the loosest threshold of precision 0.80. */
  readonly wrongByCause: Readonly<Record<string, number>>;
}

/** What a policy serves of the pairs, against what it promises. */
export interface Served {
  /** The promise; null for a policy that goes by a similarity. */
  readonly maxErrorRate: number | null;
  /** Of a promise, what it is worth here; as `PolicyView.promise`. */
  readonly promise: string | null;
  readonly accepted: number;
  readonly wrong: number;
  /** Share of wrong among the accepted, and its Clopper–Pearson 95 % interval; null without any. */
  readonly errorRate: number | null;
  readonly interval: Interval;
  /** Accepted, as a share of what the best threshold on the same score accepts at this error rate; null where there is no promise. */
  readonly ofBest: number | null;
  /** Share of the pairs within reach that the pair model is asked about; null where it takes no part. */
  readonly pairModelShare: number | null;
}

/** Pairs of a class that the rows name. */
export interface ClassShare {
  readonly class: string;
  readonly pairs: number;
  /** Accepted at the strictest threshold that keeps 85 % of the pairs that ask the same, or at the loosest where none does. */
  readonly accepted: number;
}

/** A pair as the report has it. */
export interface EvaluatedPair extends Omit<JudgedPair, 'accepted'> {
  /** P(same) by which the pair was ranked, or its cosine; lower than any threshold is null. */
  readonly score: number | null;
  /** By the policy that is configured. */
  readonly accepted: boolean;
}

/** The figures of the best way there is, `auc` being that of its score before the rules, and those of all ways. */
export interface PairEvaluation extends Way, Figures {
  readonly pairs: number;
  /** Of them those that ask the same. */
  readonly same: number;
  readonly ways: readonly WayFigures[];
  /** The policy that is configured. */
  readonly policy: Served;
  readonly promises: readonly Served[];
  readonly classes: readonly ClassShare[];
  /** That of the configured policy, or of the first promise where the policy asks none; null without a pair model. */
  readonly pairModelShare: number | null;
  readonly rows: readonly EvaluatedPair[];
}

/** Everything that `evaluateDecision` found out. */
export interface Evaluation extends Partial<PairEvaluation> {
  /** Name of the embedder. */
  readonly embedder: string;
  /** Whether a verifier and a pair model took part. */
  readonly hasVerifier: boolean;
  readonly hasPairModel: boolean;
  /** Times the pair model was asked and gave no score: what was decided then was decided without it. */
  readonly pairsFailed: number;
  readonly stream: { readonly questions: number; readonly curves: readonly StreamCurve[] } | null;
}

/** Every way that the means allow, the plainest first; the last is the best there is. */
export function waysOf(has: { verifier: boolean; pairs: boolean; rules: boolean }): Way[] {
  const kinds: ScoreKind[] = ['cosine', ...(has.verifier ? (['verifier'] as const) : [])];
  if (has.verifier && has.pairs) kinds.push('pair model');
  return kinds.flatMap((by) => (has.rules ? [false, true] : [false]).map((rules) => ({ by, rules })));
}

/** Sums judged pairs up. `policies` are those that they were judged by: the configured one, then the promises. */
export function evaluationOf(
  judged: readonly JudgedPair[],
  ways: readonly Way[],
  policies: readonly Policy[],
): PairEvaluation {
  const best = ways.at(-1) as Way;
  const ranked = rankedBy(judged, best);
  const figures = ways.map((way): WayFigures => {
    const ranks = rankedBy(judged, way);
    return { ...way, ...figuresOf(ranks), wrongByCause: causesOf(judged, ranks) };
  });
  const { wrongByCause: _, ...headline } = figures.at(-1) as WayFigures;
  // A veto accepts or refuses and ranks nothing; how well the score ranks is told without it.
  const { auc, aucInterval } = figures.find(({ by, rules }) => by === best.by && !rules) as WayFigures;
  const [policy, ...promises] = policies.map((one, at) => servedBy(one, at, judged, ranked));
  return {
    ...headline,
    auc,
    aucInterval,
    pairs: judged.length,
    same: judged.filter(({ same }) => same).length,
    ways: figures,
    policy: policy as Served,
    promises,
    classes: classesOf(judged, ranked),
    pairModelShare: policy?.pairModelShare ?? promises[0]?.pairModelShare ?? null,
    rows: judged.map((pair, at) => {
      const { score, isWithinReach: counts } = ranked[at] as Ranked;
      return { ...pair, score: counts ? score : null, accepted: pair.accepted[0] ?? false };
    }),
  };
}

function rankedBy(judged: readonly JudgedPair[], way: Way): Ranked[] {
  return judged.map((pair) => {
    const score = scoreOf(pair, way.by);
    const counts = score !== undefined && isWithinReach(pair, way);
    return { score: score ?? -1, same: pair.same, isWithinReach: counts };
  });
}

function causesOf(judged: readonly JudgedPair[], ranked: readonly Ranked[]): Record<string, number> {
  const counts = new Map<string, number>();
  const loosest = reachablePoints(ranked).findLast(({ precision }) => precision >= 0.8);
  for (const [at, { cause }] of judged.entries()) {
    const { score, isWithinReach: counts_ } = ranked[at] as Ranked;
    if (cause === undefined || loosest === undefined || !counts_ || score < loosest.threshold) continue;
    counts.set(cause, (counts.get(cause) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

function servedBy(
  { maxErrorRate, promise, pairs }: Policy,
  at: number,
  judged: readonly JudgedPair[],
  ranked: readonly Ranked[],
): Served {
  const served = judged.filter(({ accepted }) => accepted[at]);
  const wrong = served.filter(({ same }) => !same).length;
  const best =
    maxErrorRate === undefined
      ? undefined
      : reachablePoints(ranked).findLast(({ precision }) => precision >= 1 - maxErrorRate);
  return {
    maxErrorRate: maxErrorRate ?? null,
    promise: promise ?? null,
    accepted: served.length,
    wrong,
    errorRate: served.length === 0 ? null : wrong / served.length,
    interval: clopperPearson(wrong, served.length),
    ofBest: best === undefined ? null : served.length / best.accepted,
    pairModelShare: pairs === undefined ? null : shareWithin(pairs.band, judged),
  };
}

/** The share of the pairs within reach whose P(same) of the verifier lies in a band; null without any. */
function shareWithin([low, high]: readonly [number, number], judged: readonly JudgedPair[]): number | null {
  const near = judged.filter((pair) => isWithinReach(pair, { by: 'verifier', rules: true }));
  const inside = near.filter(({ verifier }) => verifier !== undefined && verifier >= low && verifier <= high);
  return near.length === 0 ? null : inside.length / near.length;
}

function classesOf(judged: readonly JudgedPair[], ranked: readonly Ranked[]): ClassShare[] {
  const points = reachablePoints(ranked);
  const point = points.find(({ recall }) => recall >= 0.85) ?? points.at(-1);
  const least = point?.threshold ?? Number.POSITIVE_INFINITY;
  const classes = new Map<string, { pairs: number; accepted: number }>();
  for (const [at, { class: kind }] of judged.entries()) {
    if (kind === undefined) continue;
    const { score, isWithinReach: counts } = ranked[at] as Ranked;
    const one = classes.get(kind) ?? { pairs: 0, accepted: 0 };
    classes.set(kind, one);
    one.pairs++;
    if (counts && score >= least) one.accepted++;
  }
  return [...classes].map(([kind, one]) => ({ class: kind, ...one }));
}
