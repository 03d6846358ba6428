// Fits the network over two vectors: Adam, dropout of its inputs, decay of the weights. The trainer imports it.
import { type Net, project } from '#dist/decide/verifier-model.js';
import { randomOf, shuffle } from './random.ts';

export interface NetOptions {
  /** Directions that the vectors are projected on. */
  readonly directions: number;
  readonly hidden: number;
  readonly epochs: number;
  readonly rate: number;
  readonly decay: number;
  /** Share of the hidden layer's inputs left out of a step. */
  readonly dropout: number;
  readonly batch: number;
  readonly seed: number;
}

/** Two vectors with their cosine. */
export interface VectorPair {
  readonly asked: Float32Array;
  readonly stored: Float32Array;
  readonly cosine: number;
}

/** Source: Kingma & Ba, ICLR 2015; decay as in Loshchilov & Hutter, ICLR 2019. */
export function fitNet(
  rows: readonly VectorPair[],
  labels: readonly boolean[],
  weights: readonly number[],
  { directions, hidden, epochs, rate, decay, dropout, batch, seed }: NetOptions,
): Omit<Net, 'topics'> {
  const random = randomOf(seed);
  const dimension = (rows[0] as VectorPair).asked.length;
  const width = 2 * directions;
  // One list for the optimiser: projection, weights, biases, output.
  const atWeights = directions * dimension;
  const atBiases = atWeights + hidden * width;
  const atOut = atBiases + hidden;
  const all = new Float32Array(atOut + hidden + 2);
  const bell = () => (random() + random() + random() - 1.5) * 2;
  // Of a unit vector each projection is then about as large as a number of a hidden unit should be.
  for (let i = 0; i < atWeights; i++) all[i] = bell() * 4 * Math.sqrt(1 / dimension);
  for (let i = atWeights; i < atBiases; i++) all[i] = bell() * Math.sqrt(1 / width);
  for (let i = 0; i < hidden; i++) all[atOut + i] = bell() * 0.3;
  all[atOut + hidden] = 4;
  all[atOut + hidden + 1] = -3;
  const projection = all.subarray(0, atWeights);
  const gradient = new Float32Array(all.length);
  const mean = new Float32Array(all.length);
  const square = new Float32Array(all.length);
  const order = Uint32Array.from(rows, (_, i) => i);
  const [p, q] = [new Float32Array(directions), new Float32Array(directions)];
  const [downP, downQ] = [new Float32Array(directions), new Float32Array(directions)];
  const kept = new Float32Array(width);
  const scales = new Float32Array(width);
  const down = new Float32Array(width);
  const active = new Float32Array(hidden);
  const steps = epochs * Math.ceil(rows.length / batch);
  let step = 0;

  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random);
    for (let start = 0; start < order.length; start += batch) {
      const some = order.subarray(start, start + batch);
      gradient.fill(0);
      for (const i of some) backward(rows[i] as VectorPair, Number(labels[i]), weights[i] as number);
      step++;
      const speed = rate * (1 - (step - 1) / steps);
      const [fix1, fix2] = [1 - 0.9 ** step, 1 - 0.999 ** step];
      for (let i = 0; i < all.length; i++) {
        const g = (gradient[i] as number) / some.length;
        const m = 0.9 * (mean[i] as number) + 0.1 * g;
        const v = 0.999 * (square[i] as number) + 0.001 * g * g;
        mean[i] = m;
        square[i] = v;
        const shrink = i < atBiases ? decay * (all[i] as number) : 0;
        all[i] = (all[i] as number) - speed * (m / fix1 / (Math.sqrt(v / fix2) + 1e-8) + shrink);
      }
    }
  }
  return {
    dimension,
    projection: projection.slice(),
    weights: all.slice(atWeights, atBiases),
    biases: all.slice(atBiases, atOut),
    out: all.slice(atOut),
  };

  function backward({ asked, stored, cosine }: VectorPair, label: number, weight: number): void {
    project(projection, asked, stored, p, q);
    const scale = 1 / (1 - dropout);
    for (let i = 0; i < width; i++) {
      scales[i] = random() < dropout ? 0 : scale;
      const at = i < directions ? i : i - directions;
      const [x, y] = [p[at] as number, q[at] as number];
      kept[i] = (i < directions ? Math.abs(x - y) : x * y) * (scales[i] as number);
    }
    let logit = (all[atOut + hidden + 1] as number) + (all[atOut + hidden] as number) * cosine;
    for (let unit = 0, at = atWeights; unit < hidden; unit++, at += width) {
      let x = all[atBiases + unit] as number;
      for (let i = 0; i < width; i++) x += (all[at + i] as number) * (kept[i] as number);
      active[unit] = Math.max(0, x);
      if (x > 0) logit += x * (all[atOut + unit] as number);
    }
    const error = weight * (1 / (1 + Math.exp(-logit)) - label);
    gradient[atOut + hidden] = (gradient[atOut + hidden] as number) + error * cosine;
    gradient[atOut + hidden + 1] = (gradient[atOut + hidden + 1] as number) + error;
    down.fill(0);
    for (let unit = 0, at = atWeights; unit < hidden; unit++, at += width) {
      const x = active[unit] as number;
      if (x === 0) continue;
      gradient[atOut + unit] = (gradient[atOut + unit] as number) + error * x;
      const back = error * (all[atOut + unit] as number);
      gradient[atBiases + unit] = (gradient[atBiases + unit] as number) + back;
      for (let i = 0; i < width; i++) {
        gradient[at + i] = (gradient[at + i] as number) + back * (kept[i] as number);
        down[i] = (down[i] as number) + back * (all[at + i] as number);
      }
    }
    for (let i = 0; i < directions; i++) {
      const [x, y] = [p[i] as number, q[i] as number];
      const apart = Math.sign(x - y) * (down[i] as number) * (scales[i] as number);
      const product = (down[directions + i] as number) * (scales[directions + i] as number);
      downP[i] = apart + product * y;
      downQ[i] = product * x - apart;
    }
    for (let row = 0, at = 0; row < directions; row++, at += dimension) {
      const [dp, dq] = [downP[row] as number, downQ[row] as number];
      if (dp === 0 && dq === 0) continue;
      for (let i = 0; i < dimension; i++)
        gradient[at + i] =
          (gradient[at + i] as number) + dp * (asked[i] as number) + dq * (stored[i] as number);
    }
  }
}
