// Counts how often which score was right, of pairs that the score was not fitted on. main.ts imports it.
import { stacked } from '#dist/decide/acceptance.js';
import { type ScoreKind, type ScoreTable, tableOf } from '#dist/decide/calibration.js';
import { type Judged, looked } from './report.ts';
import type { Row } from './rows.ts';

/**
 * Whose pairs promises are made on. About one label in twelve of the question pairs is mistaken, so no lower rate can be read off
 * them; what doctors labelled, or was written or made as a trap, is harder than what is asked and stands for the strict rates.
 */
const counted: readonly { readonly least: number; readonly sets: readonly Row['set'][] }[] = [
  { least: 0.1, sets: ['questions', 'medical'] },
  { least: 0, sets: ['edits', 'medical', 'traps', 'written'] },
];
const scores: Record<ScoreKind, (one: Judged) => number> = {
  cosine: ({ row }) => row.cosine,
  verifier: ({ alone }) => alone,
  'pair model': ({ alone, paired }) => stacked(alone, paired),
};

/** A table for each score and kind of label. Scores that are no numbers are left out: the pair model's of pairs that it knows. */
export function calibrationOf(judged: readonly Judged[]): ScoreTable[] {
  const shown = judged.filter(looked);
  return counted.flatMap(({ least, sets }) => {
    const some = shown.filter(({ row }) => sets.includes(row.set));
    return Object.entries(scores).map(([by, score]) => {
      const pairs = some.map((one) => ({ score: score(one), same: one.row.same }));
      return { ...tableOf(by as ScoreKind, pairs), least };
    });
  });
}
