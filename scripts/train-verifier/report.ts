// Prints what the verifier is worth on pairs that nothing was fitted on. The trainer imports it.
import { doubtBand, lookFrom } from '#dist/decide/acceptance.js';
import {
  areaUnderCurve,
  precisionRecall,
  recallAt,
  recallAtPrecision,
  type Scored,
} from '#dist/decide/metrics.js';
import type { Verifier } from '#dist/decide/verifier.js';
import { stacked } from './fit.ts';
import type { Row } from './rows.ts';

interface Judged {
  readonly row: Row;
  readonly alone: number;
  readonly paired: number;
}

const ways: Record<string, (one: Judged) => number> = {
  cosine: ({ row }) => row.cosine,
  verifier: ({ row, alone }) => ruled(row, alone),
  'verifier, no rules': ({ alone }) => alone,
  'pair model': ({ row, alone, paired }) => ruled(row, stacked(alone, paired)),
  'pair model, no rules': ({ alone, paired }) => stacked(alone, paired),
  'pair model, always asked': ({ paired }) => paired,
};

export function report(rows: readonly Row[], verifier: Verifier): void {
  const judged = rows.map((row) => ({
    row,
    alone: verifier.probability(row),
    paired: verifier.withLogit(row, row.logit),
  }));
  for (const set of ['questions', 'medical', 'banking', 'paraphrases'] as const) {
    const some = judged.filter(({ row }) => row.set === set);
    for (const [way, score] of Object.entries(ways)) {
      const scored = some.map((one): Scored => ({ score: score(one), same: one.row.same }));
      const recalls = Object.values(recallAtPrecision(precisionRecall(scored))).map((x) => x.toFixed(3));
      const auc = areaUnderCurve(scored).toFixed(4);
      console.log(`${set.padEnd(12)} ${way.padEnd(26)} auc ${auc}  recall ${recalls.join(' ')}`);
    }
  }
  traps(judged.filter(({ row }) => row.set === 'traps'));
  const semantic = judged.filter(({ row }) => !row.isRefused && row.cosine >= lookFrom);
  for (const low of [0.1, 0.2, 0.3, 0.4, 0.5]) {
    const asked = semantic.filter(({ alone }) => alone >= low && alone <= doubtBand[1]).length;
    const scored = judged
      .filter(({ row }) => row.set === 'questions')
      .map(({ row, alone, paired }): Scored => {
        const isAsked = alone >= low && alone <= doubtBand[1];
        return { score: ruled(row, isAsked ? paired : alone), same: row.same };
      });
    const recalls = Object.values(recallAtPrecision(precisionRecall(scored))).map((x) => x.toFixed(3));
    const share = ((100 * asked) / semantic.length).toFixed(1);
    console.log(
      `in doubt from ${low}: ${share} % of ${semantic.length} near pairs; questions ${recalls.join(' ')}`,
    );
  }
}

/** The share of the traps accepted where 85 % of the controls are. */
function traps(judged: readonly Judged[]): void {
  for (const [way, score] of Object.entries(ways)) {
    const scored = judged.map((one): Scored => ({ score: score(one), same: one.row.same }));
    const points = precisionRecall(scored);
    const point = points.find(({ recall }) => recall >= 0.85);
    const all = judged.filter(({ row }) => !row.same).length;
    const wrong = point && point.accepted * (1 - point.precision);
    const share = wrong === undefined ? 'not kept' : `${((100 * wrong) / all).toFixed(1)} %`;
    const most = (100 * recallAt(points, 0)).toFixed(1);
    console.log(`traps        ${way.padEnd(26)} accepted at 85 % kept: ${share} (at most ${most} % kept)`);
  }
}

/** A rule's veto comes first. */
const ruled = (row: Row, score: number) => (row.isRefused ? Number.NEGATIVE_INFINITY : score);
