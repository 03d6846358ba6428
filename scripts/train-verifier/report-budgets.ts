// Prints what promised error rates come to on pairs that nothing was fitted or calibrated on. The trainer imports it.
import { doubtBand, policyFor, stacked } from '#dist/decide/acceptance.js';
import type { Calibration } from '#dist/decide/calibration.js';
import { clopperPearson } from '#dist/decide/interval.js';
import { defaultMinSimilarity, ruleNames } from '#dist/decide/policy.js';
import type { Verifier } from '#dist/decide/verifier.js';
import { type Judged, looked } from './report.ts';
import type { Row } from './rows.ts';

const rates = [0.25, 0.15, 0.1, 0.05, 0.02];
const sets: readonly Row['set'][] = ['questions', 'medical', 'banking', 'traps'];

export function reportBudgets(judged: readonly Judged[], calibration: Calibration): void {
  // Only whether there is one matters here; what it says has been worked out.
  const verifier = {} as Verifier;
  const pairs = {} as never;
  for (const maxErrorRate of rates) {
    for (const isPaired of [false, true]) {
      const { minProbability } = policyFor(
        { maxErrorRate },
        { rules: ruleNames, verifier, calibration, pairs: isPaired ? pairs : undefined },
      );
      const least = (isPaired ? minProbability?.paired : minProbability?.alone) as number;
      const score = ({ alone, paired }: Judged) => (isPaired ? stacked(alone, paired) : alone);
      const [low, high] = doubtBand(least);
      for (const set of sets) {
        const some = judged.filter(({ row }) => row.set === set);
        const near = some.filter(looked);
        const asked = near.filter(({ alone }) => alone >= low && alone <= high).length;
        const share = isPaired ? `, asked about ${percent(asked, near.length)} of near pairs` : '';
        const name = `${maxErrorRate} ${set} ${isPaired ? 'with' : 'without'} pair model, P ${least.toFixed(3)}`;
        const best = bestHits(near, score, maxErrorRate);
        console.log(
          `${name}: ${outcome(some, (one) => looked(one) && score(one) >= least)}, best ${best}${share}`,
        );
      }
    }
  }
  for (const set of sets) {
    const some = judged.filter(({ row }) => row.set === set);
    const byCosine = (one: Judged) => looked(one) && one.row.cosine >= defaultMinSimilarity;
    console.log(`cosine ${defaultMinSimilarity} and rules, ${set}: ${outcome(some, byCosine)}`);
    const wrong = some.filter((one) => byCosine(one) && !one.row.same).length;
    for (const isPaired of [false, true]) {
      const score = ({ alone, paired }: Judged) => (isPaired ? stacked(alone, paired) : alone);
      const sorted = some.filter(looked).sort((a, b) => score(b) - score(a));
      let [right, bad] = [0, 0];
      for (const { row } of sorted) {
        if (!row.same && bad === wrong) break;
        if (row.same) right++;
        else bad++;
      }
      console.log(
        `  as many wrong, ${isPaired ? 'with' : 'without'} pair model: ${right} right, ${bad} wrong`,
      );
    }
  }
}

function outcome(some: readonly Judged[], isServed: (one: Judged) => boolean): string {
  const served = some.filter(isServed);
  const wrong = served.filter(({ row }) => !row.same).length;
  const same = some.filter(({ row }) => row.same).length;
  const [low, high] = served.length === 0 ? [0, 1] : clopperPearson(wrong, served.length);
  const rate = served.length === 0 ? 0 : wrong / served.length;
  const kept = percent(served.length - wrong, same);
  return `served ${served.length}, wrong ${wrong} = ${rate.toFixed(3)} [${low.toFixed(3)} ${high.toFixed(3)}], ${kept} of the same`;
}

/** The most pairs that any threshold serves with no more than this rate of wrong. */
function bestHits(near: readonly Judged[], score: (one: Judged) => number, rate: number): number {
  let [best, wrong] = [0, 0];
  const sorted = [...near].sort((a, b) => score(b) - score(a));
  for (const [i, { row }] of sorted.entries()) {
    if (!row.same) wrong++;
    if (wrong <= rate * (i + 1)) best = i + 1;
  }
  return best;
}

const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
