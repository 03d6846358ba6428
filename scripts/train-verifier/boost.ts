// Fits gradient-boosted trees for the logistic loss on histograms of the columns. The trainer imports it.
import type { Trees } from '#dist/decide/verifier-model.js';
import { type Random, randomOf } from './random.ts';

/** Rows to fit on. */
export interface Table {
  readonly rows: readonly Float64Array[];
  readonly labels: readonly boolean[];
  readonly weights: readonly number[];
}

export interface BoostOptions {
  readonly trees: number;
  readonly depth: number;
  readonly rate: number;
  /** L2 penalty of a leaf, in weighted rows. */
  readonly lambda: number;
  /** Least sum of second derivatives in a leaf. */
  readonly least: number;
  /** Share of the rows and of the columns that a tree sees. */
  readonly share: number;
  readonly seed: number;
}

const bins = 64;

/** Source: Friedman, Annals of Statistics 29 (2001); second-order gain as in Chen & Guestrin, KDD 2016. */
export function boost({ rows, labels, weights }: Table, options: BoostOptions): Trees {
  const { trees, depth, rate, lambda, least, share, seed } = options;
  const random = randomOf(seed);
  const width = (rows[0] as Float64Array).length;
  const edges = Array.from({ length: width }, (_, column) => edgesOf(rows, column));
  const binned = edges.map((edge, column) =>
    Uint8Array.from(rows, (row) => binOf(edge, row[column] as number)),
  );
  const inner = 2 ** depth - 1;
  const columns = new Uint16Array(trees * inner);
  const thresholds = new Float32Array(trees * inner).fill(Number.POSITIVE_INFINITY);
  const leaves = new Float32Array(trees * (inner + 1));
  const base = startOf(labels, weights);
  const logits = new Float64Array(rows.length).fill(base);
  const gradients = new Float64Array(rows.length);
  const curvatures = new Float64Array(rows.length);
  const node = new Uint32Array(rows.length);

  for (let tree = 0; tree < trees; tree++) {
    const sample: number[] = [];
    for (let i = 0; i < rows.length; i++) {
      const p = 1 / (1 + Math.exp(-(logits[i] as number)));
      const weight = weights[i] as number;
      gradients[i] = weight * (p - Number(labels[i]));
      curvatures[i] = weight * p * (1 - p);
      node[i] = 0;
      if (random() < share) sample.push(i);
    }
    const seen = someOf(width, share, random);
    for (let level = 0; level < depth; level++) {
      const first = 2 ** level - 1;
      const splits = bestSplits({ sample, node, first, count: 2 ** level, binned, seen, edges });
      for (const [at, split] of splits.entries()) {
        if (split === undefined) continue;
        columns[tree * inner + first + at] = split.column;
        thresholds[tree * inner + first + at] = (edges[split.column] as Float32Array)[split.bin] as number;
      }
      for (let i = 0; i < rows.length; i++) {
        const split = splits[(node[i] as number) - first];
        const right =
          split !== undefined && ((binned[split.column] as Uint8Array)[i] as number) > split.bin ? 2 : 1;
        node[i] = 2 * (node[i] as number) + right;
      }
    }
    const sums = new Float64Array(2 * (inner + 1));
    for (const i of sample) {
      const leaf = 2 * ((node[i] as number) - inner);
      sums[leaf] = (sums[leaf] as number) + (gradients[i] as number);
      sums[leaf + 1] = (sums[leaf + 1] as number) + (curvatures[i] as number);
    }
    const at = tree * (inner + 1);
    for (let leaf = 0; leaf <= inner; leaf++)
      leaves[at + leaf] = (-rate * (sums[2 * leaf] as number)) / ((sums[2 * leaf + 1] as number) + lambda);
    for (let i = 0; i < rows.length; i++)
      logits[i] = (logits[i] as number) + (leaves[at + (node[i] as number) - inner] as number);
  }
  return { depth, base, columns, thresholds, leaves };

  function bestSplits(level: {
    sample: readonly number[];
    node: Uint32Array;
    first: number;
    count: number;
    binned: readonly Uint8Array[];
    seen: readonly number[];
    edges: readonly Float32Array[];
  }): ({ column: number; bin: number } | undefined)[] {
    const best = Array.from({ length: level.count }, () => ({ gain: 1e-6, column: -1, bin: 0 }));
    const g = new Float64Array(level.count * bins);
    const h = new Float64Array(level.count * bins);
    for (const column of level.seen) {
      const length = (level.edges[column] as Float32Array).length;
      if (length === 0) continue;
      g.fill(0);
      h.fill(0);
      const bin = level.binned[column] as Uint8Array;
      for (const i of level.sample) {
        const at = ((level.node[i] as number) - level.first) * bins + (bin[i] as number);
        g[at] = (g[at] as number) + (gradients[i] as number);
        h[at] = (h[at] as number) + (curvatures[i] as number);
      }
      for (const [at, found] of best.entries()) {
        let [allG, allH] = [0, 0];
        for (let b = at * bins; b < (at + 1) * bins; b++) {
          allG += g[b] as number;
          allH += h[b] as number;
        }
        const whole = allG ** 2 / (allH + lambda);
        let [left, leftH] = [0, 0];
        for (let b = 0; b < length; b++) {
          left += g[at * bins + b] as number;
          leftH += h[at * bins + b] as number;
          if (leftH < least || allH - leftH < least) continue;
          const gain = left ** 2 / (leftH + lambda) + (allG - left) ** 2 / (allH - leftH + lambda) - whole;
          if (gain > found.gain) Object.assign(found, { gain, column, bin: b });
        }
      }
    }
    return best.map(({ column, bin }) => (column < 0 ? undefined : { column, bin }));
  }
}

/** Upper edges of all bins but the last: quantiles of the values, as the shipped precision has them. */
function edgesOf(rows: readonly Float64Array[], column: number): Float32Array {
  const values = Float64Array.from(rows, (row) => row[column] as number).sort();
  const edges = new Set<number>();
  for (let i = 1; i < bins; i++) {
    const edge = Math.fround(values[Math.floor((i * values.length) / bins)] as number);
    if (edge < (values[values.length - 1] as number)) edges.add(edge);
  }
  return Float32Array.from(edges);
}

function binOf(edges: Float32Array, value: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (edges[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function startOf(labels: readonly boolean[], weights: readonly number[]): number {
  let [same, all] = [0, 0];
  for (const [i, label] of labels.entries()) {
    all += weights[i] as number;
    if (label) same += weights[i] as number;
  }
  return Math.log(same / (all - same));
}

function someOf(width: number, share: number, random: Random): number[] {
  const some = Array.from({ length: width }, (_, column) => column).filter(() => random() < share);
  return some.length > 0 ? some : [0];
}
