// Fits both stages, each on what the stage before says of pairs that it was not fitted on. The trainer imports it.
import { sigmoid } from '#dist/decide/calibration.js';
import {
  firstRow,
  type Platt,
  type Stage,
  secondRow,
  type VerifierModel,
} from '#dist/decide/verifier-file.js';
import { type Net, readerOf, treesLogit } from '#dist/decide/verifier-model.js';
import { type BoostOptions, boost } from './boost.ts';
import { fitNet, type NetOptions } from './net.ts';
import { principal } from './principal.ts';
import { folds, type Row } from './rows.ts';

/** How much a pair of a set counts, by what the set teaches and how many pairs it has. */
const weightOf: Record<Row['set'], number> = {
  questions: 1,
  medical: 2,
  banking: 0.5,
  paraphrases: 0.5,
  traps: 3,
  written: 0.25,
  edits: 0.1,
};
const netOptions: NetOptions = {
  directions: 48,
  hidden: 24,
  epochs: 10,
  rate: 3e-3,
  decay: 1,
  dropout: 0.5,
  batch: 128,
  seed: 1,
};
const topicCount = 12;
const trees: Omit<BoostOptions, 'seed'> = {
  trees: 200,
  depth: 5,
  rate: 0.06,
  lambda: 5,
  least: 4,
  share: 0.6,
};

/** A verifier, and what it says of each row when what it is fitted on lacks the row's fold: logits that Platt's two numbers have scaled. */
export interface Fitted {
  readonly model: VerifierModel;
  readonly alone: readonly number[];
  readonly paired: readonly number[];
}

/** The verifier of these rows. */
export function fit(rows: readonly Row[], embedder: string): Fitted {
  const labels = rows.map(({ same }) => same);
  const weights = rows.map(({ set }) => weightOf[set]);
  const pick = <T>(all: readonly T[], at: readonly number[]) => at.map((i) => all[i] as T);
  const everything = rows.map((_, i) => i);

  /** What a learner says of each row when its fold is left out, and the learner of all rows. */
  function crossed<M, S>(learn: (at: readonly number[]) => M, say: (model: M, row: number) => S): [S[], M] {
    const said = new Array<S>(rows.length);
    for (let fold = 0; fold < folds; fold++) {
      const model = learn(everything.filter((i) => (rows[i] as Row).fold !== fold));
      for (const i of everything) if ((rows[i] as Row).fold === fold) said[i] = say(model, i);
    }
    return [said, learn(everything)];
  }

  // What an edit changes hardly moves a vector, so edits teach the network nothing.
  const seen = (at: readonly number[]) => at.filter((i) => (rows[i] as Row).set !== 'edits');
  const topics = principal(
    rows.filter(({ set }) => set !== 'edits').flatMap(({ asked, stored }) => [asked, stored]),
    topicCount,
    5,
  );
  const [vectors, net] = crossed(
    (at): Net => ({
      topics,
      ...fitNet(pick(rows, seen(at)), pick(labels, seen(at)), pick(weights, seen(at)), netOptions),
    }),
    (model, i) => {
      const { asked, stored, cosine } = rows[i] as Row;
      return readerOf(model)(asked, stored, cosine);
    },
  );
  const stage = (
    table: readonly Float64Array[],
    scaledOn: readonly number[],
    options: BoostOptions,
  ): [number[], Stage] => {
    const [said, trees] = crossed(
      (at) => boost({ rows: pick(table, at), labels: pick(labels, at), weights: pick(weights, at) }, options),
      (model, i) => treesLogit(model, table[i] as Float64Array),
    );
    const platt = fitPlatt(pick(said, scaledOn), pick(labels, scaledOn), pick(weights, scaledOn));
    return [said, { trees, platt }];
  };
  const first = rows.map(({ features }, i) => firstRow(features, vectors[i] as Float64Array));
  const [said, alone] = stage(first, everything, { ...trees, seed: 2 });
  const second = rows.map((row, i) => secondRow(first[i] as Float64Array, said[i] as number, row.logit));
  // Pairs that the pair model was trained on teach the trees; how sure to be is read off the others.
  const unseen = everything.filter((i) => (rows[i] as Row).part !== 'pair');
  const [heard, paired] = stage(second, unseen, { ...trees, seed: 3 });
  const scaled = ({ platt: { slope, offset } }: Stage, logits: readonly number[]) =>
    logits.map((logit) => slope * logit + offset);
  return {
    model: { embedder, net, alone, paired },
    alone: scaled(alone, said),
    paired: scaled(paired, heard),
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
