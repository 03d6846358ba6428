// Judged pairs → how often which score was right. Only the root imports it.
import { type Calibration, type ScoreKind, tableOf } from '../decide/calibration.js';
import { isWithinReach, type JudgedPair, scoreOf } from './judge.js';

/** Counts the pairs that a cache would decide by their score: no rule refuses them, and they are near enough. */
export function calibrationOf(
  judged: readonly JudgedPair[],
  prints: Pick<Calibration, 'embedder' | 'verifier' | 'pairModel'>,
): Calibration {
  const kinds: ScoreKind[] = ['cosine'];
  if (prints.verifier !== null) kinds.push('verifier');
  if (prints.verifier !== null && prints.pairModel !== null) kinds.push('pair model');
  const tables = kinds.map((by) =>
    tableOf(
      by,
      judged
        .filter((pair) => isWithinReach(pair, { by, rules: true }))
        .map((pair) => ({ score: scoreOf(pair, by) ?? Number.NaN, same: pair.same })),
    ),
  );
  return { ...prints, tables };
}
