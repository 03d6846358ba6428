// Fits the network over two vectors: Adam, dropout of the inputs, decay of the weights. The trainer imports it.
import type { Net } from '#dist/decide/verifier-model.js';
import { randomOf, shuffle } from './random.ts';

export interface NetOptions {
  readonly hidden: number;
  readonly epochs: number;
  readonly rate: number;
  readonly decay: number;
  /** Share of the inputs left out of a step. */
  readonly dropout: number;
  readonly batch: number;
  readonly seed: number;
}

/** `rows`: of `putSignals`. Source: Kingma & Ba, ICLR 2015; decay as in Loshchilov & Hutter, ICLR 2019. */
export function fitNet(
  rows: readonly Float32Array[],
  labels: readonly boolean[],
  weights: readonly number[],
  { hidden, epochs, rate, decay, dropout, batch, seed }: NetOptions,
): Net {
  const random = randomOf(seed);
  const width = (rows[0] as Float32Array).length;
  const size = hidden * width;
  // One list for the optimiser: weights, biases, output.
  const all = new Float32Array(size + 2 * hidden + 1);
  for (let i = 0; i < size; i++) all[i] = (random() + random() + random() - 1.5) * 2 * Math.sqrt(1 / width);
  for (let i = 0; i < hidden; i++) all[size + hidden + i] = (random() - 0.5) * Math.sqrt(4 / hidden);
  const gradient = new Float32Array(all.length);
  const mean = new Float32Array(all.length);
  const square = new Float32Array(all.length);
  const order = Uint32Array.from(rows, (_, i) => i);
  const kept = new Float32Array(width);
  const active = new Float32Array(hidden);
  const steps = epochs * Math.ceil(rows.length / batch);
  let step = 0;

  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random);
    for (let start = 0; start < order.length; start += batch) {
      const some = order.subarray(start, start + batch);
      gradient.fill(0);
      for (const i of some) backward(rows[i] as Float32Array, Number(labels[i]), weights[i] as number);
      step++;
      const speed = rate * (1 - (step - 1) / steps);
      const [fix1, fix2] = [1 - 0.9 ** step, 1 - 0.999 ** step];
      for (let i = 0; i < all.length; i++) {
        const g = (gradient[i] as number) / some.length;
        const m = 0.9 * (mean[i] as number) + 0.1 * g;
        const v = 0.999 * (square[i] as number) + 0.001 * g * g;
        mean[i] = m;
        square[i] = v;
        const shrink = i < size ? decay * (all[i] as number) : 0;
        all[i] = (all[i] as number) - speed * (m / fix1 / (Math.sqrt(v / fix2) + 1e-8) + shrink);
      }
    }
  }
  return {
    dimension: width / 2,
    weights: all.slice(0, size),
    biases: all.slice(size, size + hidden),
    out: all.slice(size + hidden),
  };

  function backward(row: Float32Array, label: number, weight: number): void {
    const scale = 1 / (1 - dropout);
    for (let i = 0; i < width; i++) kept[i] = random() < dropout ? 0 : (row[i] as number) * scale;
    const out = size + hidden;
    let logit = all[out + hidden] as number;
    for (let unit = 0, at = 0; unit < hidden; unit++, at += width) {
      let x = all[size + unit] as number;
      for (let i = 0; i < width; i++) x += (all[at + i] as number) * (kept[i] as number);
      active[unit] = Math.max(0, x);
      logit += (active[unit] as number) * (all[out + unit] as number);
    }
    const error = weight * (1 / (1 + Math.exp(-logit)) - label);
    gradient[out + hidden] = (gradient[out + hidden] as number) + error;
    for (let unit = 0, at = 0; unit < hidden; unit++, at += width) {
      const x = active[unit] as number;
      if (x === 0) continue;
      gradient[out + unit] = (gradient[out + unit] as number) + error * x;
      const down = error * (all[out + unit] as number);
      gradient[size + unit] = (gradient[size + unit] as number) + down;
      for (let i = 0; i < width; i++)
        gradient[at + i] = (gradient[at + i] as number) + down * (kept[i] as number);
    }
  }
}
