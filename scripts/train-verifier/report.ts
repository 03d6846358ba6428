// Prints what the verifier is worth on pairs that nothing was fitted on, each figure with its interval. The trainer imports it.
import { lookFrom, stacked } from '#dist/decide/acceptance.js';
import { areaUnderCurve, precisionRecall, recallAt, type Scored } from '#dist/decide/metrics.js';
import type { Verifier } from '#dist/decide/verifier.js';
import { randomOf } from './random.ts';
import type { Row } from './rows.ts';

/** A pair with both probabilities. */
export interface Judged {
  readonly row: Row;
  /** P(same) of the verifier. */
  readonly alone: number;
  /** The same with the word of the pair model, which is asked about each pair. */
  readonly paired: number;
}

export function judge(rows: readonly Row[], verifier: Verifier): Judged[] {
  return rows.map((row) => ({
    row,
    alone: verifier.probability(row),
    paired: verifier.withLogit(row, row.logit),
  }));
}

/** A rule's veto comes first. */
export const ruled = ({ row }: Judged, score: number) => (row.isRefused ? Number.NEGATIVE_INFINITY : score);

const ways: Record<string, (one: Judged) => number> = {
  cosine: ({ row }) => row.cosine,
  'cosine and rules': (one) => ruled(one, one.row.cosine),
  verifier: (one) => ruled(one, one.alone),
  'verifier, no rules': ({ alone }) => alone,
  'pair model': (one) => ruled(one, stacked(one.alone, one.paired)),
  'pair model, no rules': ({ alone, paired }) => stacked(alone, paired),
  'pair model, always asked, no rules': ({ paired }) => paired,
};
const draws = 200;

export function report(judged: readonly Judged[]): void {
  for (const set of ['questions', 'medical', 'banking', 'paraphrases'] as const) {
    const some = judged.filter(({ row }) => row.set === set);
    console.log(`${set}: ${some.length} pairs`);
    for (const [way, score] of Object.entries(ways)) {
      const scored = some.map((one): Scored => ({ score: score(one), same: one.row.same }));
      console.log(`  ${way.padEnd(36)} auc and recall at .80 .85 .90: ${figures(scored)}`);
    }
  }
  const trapped = judged.filter(({ row }) => row.set === 'traps');
  for (const [way, score] of Object.entries(ways)) {
    const scored = trapped.map((one): Scored => ({ score: score(one), same: one.row.same }));
    console.log(
      `traps, accepted where 85 % are kept: ${way.padEnd(36)} ${intervals(scored, (some) => [acceptedTraps(some)])[0]}`,
    );
  }
}

const figures = (scored: readonly Scored[]): string =>
  intervals(scored, (some) => {
    const points = precisionRecall(some);
    return [areaUnderCurve(some), ...[0.8, 0.85, 0.9].map((precision) => recallAt(points, precision))];
  }).join('  ');

/** Figures with the middle 95 % of what each is on samples drawn with replacement. Source: Efron, Annals of Statistics 7 (1979). */
export function intervals<T>(items: readonly T[], figures: (items: readonly T[]) => number[]): string[] {
  const random = randomOf(4);
  const seen = Array.from({ length: draws }, () =>
    figures(items.map(() => items[Math.floor(random() * items.length)] as T)),
  );
  return figures(items).map((figure, which) => {
    const sorted = seen.map((drawn) => drawn[which] as number).sort((a, b) => a - b);
    const at = (share: number) => (sorted[Math.floor(share * draws)] as number).toFixed(3);
    return `${figure.toFixed(3)} [${at(0.025)} ${at(0.975)}]`;
  });
}

/** The share of the traps accepted where 85 % of the controls are; NaN when so many are never kept. */
export function acceptedTraps(scored: readonly Scored[]): number {
  const point = precisionRecall(scored).find(({ recall }) => recall >= 0.85);
  const all = scored.filter(({ same }) => !same).length;
  return point === undefined ? Number.NaN : (point.accepted * (1 - point.precision)) / all;
}

/** The pairs that the verifier looks at. */
export const looked = ({ row }: Judged): boolean => !row.isRefused && row.cosine >= lookFrom;
