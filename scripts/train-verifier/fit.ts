// Fits both stages, each on what the stage before says of pairs that it was not fitted on. The trainer imports it.
import { doubtBand, lookFrom } from '#dist/decide/acceptance.js';
import { type Calibration, type ScoreKind, sigmoid, tableOf } from '#dist/decide/calibration.js';
import {
  firstRow,
  type Platt,
  type Stage,
  secondRow,
  type VerifierModel,
} from '#dist/decide/verifier-file.js';
import { netLogit, putSignals, treesLogit } from '#dist/decide/verifier-model.js';
import { type BoostOptions, boost } from './boost.ts';
import { fitNet } from './net.ts';
import { folds, type Row } from './rows.ts';

/** How much a pair of a set counts, by what the set teaches and how many pairs it has. */
const weightOf: Record<Row['set'], number> = {
  questions: 1,
  medical: 1,
  banking: 0.1,
  paraphrases: 0.25,
  traps: 0.3,
};
/** Whose pairs the promise is made on: what is labelled pair by pair. */
const counted: readonly Row['set'][] = ['questions', 'medical', 'traps'];
const netOptions = { hidden: 16, epochs: 5, rate: 1e-3, decay: 0.3, dropout: 0.5, batch: 64, seed: 1 };
const trees: Omit<BoostOptions, 'seed'> = {
  trees: 250,
  depth: 3,
  rate: 0.05,
  lambda: 5,
  least: 15,
  share: 0.6,
};

export interface Fitted {
  readonly model: VerifierModel;
  readonly rows: readonly Row[];
  /** P(same) of each row by stages that were not fitted on its fold. */
  readonly alone: readonly number[];
  readonly paired: readonly number[];
}

export function fit(rows: readonly Row[], embedder: string): Fitted {
  const labels = rows.map(({ same }) => same);
  const weights = rows.map(({ set }) => weightOf[set]);
  const inputs = rows.map(({ asked, stored }) => {
    const input = new Float32Array(2 * asked.length);
    putSignals(asked, stored, input);
    return input;
  });
  const pick = <T>(all: readonly T[], at: readonly number[]) => at.map((i) => all[i] as T);
  const everything = rows.map((_, i) => i);

  /** What a learner says of each row when its fold is left out, and the learner of all rows. */
  function crossed<M>(
    learn: (at: readonly number[]) => M,
    say: (model: M, row: number) => number,
  ): [number[], M] {
    const said = new Array<number>(rows.length);
    for (let fold = 0; fold < folds; fold++) {
      const model = learn(everything.filter((i) => (rows[i] as Row).fold !== fold));
      for (const i of everything) if ((rows[i] as Row).fold === fold) said[i] = say(model, i);
    }
    return [said, learn(everything)];
  }

  const [netSaid, net] = crossed(
    (at) => fitNet(pick(inputs, at), pick(labels, at), pick(weights, at), netOptions),
    (model, i) => netLogit(model, inputs[i] as Float32Array),
  );
  const stage = (table: readonly Float64Array[], options: BoostOptions): [number[], number[], Stage] => {
    const [said, trees] = crossed(
      (at) => boost({ rows: pick(table, at), labels: pick(labels, at), weights: pick(weights, at) }, options),
      (model, i) => treesLogit(model, table[i] as Float64Array),
    );
    const platt = fitPlatt(said, labels, weights);
    return [said, said.map((x) => sigmoid(platt.slope * x + platt.offset)), { trees, platt }];
  };
  const first = rows.map(({ features }, i) => firstRow(features, netSaid[i] as number));
  const [aloneSaid, aloneP, aloneStage] = stage(first, { ...trees, seed: 2 });
  const second = rows.map((row, i) => secondRow(first[i] as Float64Array, aloneSaid[i] as number, row.logit));
  const [, pairedP, pairedStage] = stage(second, { ...trees, seed: 3 });
  return {
    model: { embedder, net, alone: aloneStage, paired: pairedStage },
    rows,
    alone: aloneP,
    paired: pairedP,
  };
}

/** Newton's method on the two numbers. */
function fitPlatt(logits: readonly number[], labels: readonly boolean[], weights: readonly number[]): Platt {
  let [slope, offset] = [1, 0];
  for (let step = 0; step < 30; step++) {
    let [g1, g0, h11, h10, h00] = [0, 0, 1e-9, 0, 1e-9];
    for (const [i, x] of logits.entries()) {
      const p = sigmoid(slope * x + offset);
      const weight = weights[i] as number;
      const error = weight * (p - Number(labels[i]));
      const curve = weight * p * (1 - p);
      g1 += error * x;
      g0 += error;
      h11 += curve * x * x;
      h10 += curve * x;
      h00 += curve;
    }
    const determinant = h11 * h00 - h10 * h10;
    slope -= (h00 * g1 - h10 * g0) / determinant;
    offset -= (h11 * g0 - h10 * g1) / determinant;
  }
  return { slope, offset };
}

/** P(same) as a cache with the pair model works it out. */
export const stacked = (one: number, two: number): number =>
  one >= doubtBand[0] && one <= doubtBand[1] ? two : one;

/** The pairs that no rule refuses, counted by their scores. */
export function calibrationOf(
  { rows, alone: one, paired: two }: Fitted,
  embedder: string,
  verifier: string,
  pairModel: string,
): Calibration {
  const scores: Record<ScoreKind, (i: number) => number> = {
    cosine: (i) => (rows[i] as Row).cosine,
    verifier: (i) => one[i] as number,
    'pair model': (i) => stacked(one[i] as number, two[i] as number),
  };
  const shown = rows.flatMap(({ isRefused, cosine, set }, i) =>
    !isRefused && cosine >= lookFrom && counted.includes(set) ? [i] : [],
  );
  const tables = (Object.keys(scores) as ScoreKind[]).map((by) =>
    tableOf(
      by,
      shown.map((i) => ({ score: scores[by](i), same: (rows[i] as Row).same })),
    ),
  );
  return { embedder, verifier, pairModel, tables };
}
