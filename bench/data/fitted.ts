// Vectors that are made, as many as one likes, with the spectrum and the clusters of real ones; data/fitted.json says where its numbers come from.
// Imported by data/prepare.ts and tests.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type RowSource, rowsAtOnce } from './vector-set.js';
import { randomFrom } from './vectors.js';

/** What was fitted. Shares are of a row's squared length before it is brought to 1. */
export interface Fit {
  /** Variance along each principal axis, the greatest first; of any scale. */
  readonly spectrum: readonly number[];
  /** Exponents on the spectrum: of what topics and subjects have in common, and of what lies below. */
  readonly steepness: { readonly common: number; readonly own: number };
  /** Share that all rows have in common. */
  readonly mean: number;
  readonly topics: { readonly count: number; readonly share: number };
  /** Groups of rows of one topic, their mean size; and what share of a row's is that of a second one, whose rows are elsewhere. */
  readonly subjects: { readonly size: number; readonly share: number; readonly second: number };
  /** Groups within a subject. */
  readonly matters: { readonly size: number; readonly share: number };
  /** Exponent of the tail of both sizes. */
  readonly tail: number;
  /** Logarithmic spread of the shares of groups. */
  readonly spread: number;
  /** Chance that a row says what the one before it says, in other words; and what two such rows have in common of the rest. */
  readonly wordings: {
    readonly chance: number;
    readonly least: number;
    readonly most: number;
    readonly bend: number;
  };
}

const fileOfFit = fileURLToPath(new URL('./fitted.json', import.meta.url));

/** The fit to 33,000 questions embedded by all-MiniLM-L6-v2. */
export function shippedFit(): Fit {
  return (JSON.parse(readFileSync(fileOfFit, 'utf8')) as { fit: Fit }).fit;
}

/** Share of the groups' greatest size in their mean size. */
const greatestSize = 40;

/** The normal distribution at the middles of 2^16 equal shares: a look-up is a fifth of the cost of a logarithm and a cosine. */
function normalQuantiles(): Float32Array {
  const count = 2 ** 16;
  const table = new Float32Array(count);
  const step = 1e-5;
  let [share, at] = [0.5, 0];
  for (let i = count / 2; i < count; i++) {
    for (const wanted = (i + 0.5) / count; share < wanted; at += step)
      share += (step * Math.exp(-((at + step / 2) ** 2) / 2)) / Math.sqrt(2 * Math.PI);
    table[i] = at;
    table[count - 1 - i] = -at;
  }
  return table;
}

/** Turns vectors so that no axis of theirs is special: signs and Hadamard transforms of blocks, mixed between rounds. */
function rotationOf(d: number, seed: number): (vector: Float32Array) => void {
  const random = randomFrom(seed);
  const block = d & -d;
  const rounds = 3;
  const signs = Float32Array.from({ length: rounds * d }, () => (random() < 0.5 ? -1 : 1) / Math.sqrt(block));
  const mixed = new Float32Array(d);
  return (vector) => {
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < d; i++) vector[i] = (vector[i] as number) * (signs[round * d + i] as number);
      for (let half = 1; half < block; half *= 2) {
        for (let start = 0; start < d; start += 2 * half) {
          for (let i = start; i < start + half; i++) {
            const [a, b] = [vector[i] as number, vector[i + half] as number];
            vector[i] = a + b;
            vector[i + half] = a - b;
          }
        }
      }
      const blocks = d / block;
      for (let i = 0; i < d; i++) mixed[(i % block) * blocks + Math.floor(i / block)] = vector[i] as number;
      vector.set(mixed);
    }
  };
}

/** `n` rows and `questions` more of the same kind; equal arguments give equal vectors. Cost: some 20 microseconds a row. */
export function fittedRows(n: number, questions: number, seed: number, fit: Fit = shippedFit()): RowSource {
  const d = fit.spectrum.length;
  const parts = Math.ceil(n / rowsAtOnce);
  const questionsIn = (part: number) =>
    Math.floor(((part + 1) * questions) / parts) - Math.floor((part * questions) / parts);
  const normal = normalQuantiles();
  const rotate = rotationOf(d, seed);
  const widths = (exponent: number) => {
    const raised = fit.spectrum.map((variance) => variance ** exponent);
    const sum = raised.reduce((total, variance) => total + variance, 0);
    return Float32Array.from(raised, (variance) => Math.sqrt(variance / sum));
  };
  const [common, own] = [widths(fit.steepness.common), widths(fit.steepness.own)];
  const rest = 1 - fit.mean - fit.topics.share - fit.subjects.share - fit.matters.share;

  function sourceOf(random: () => number) {
    const gauss = () => normal[(random() * 65_536) | 0] as number;
    /** Adds a random vector of mean squared length `scale`^2 to `base`. */
    const around = (base: Float32Array, scale: number, width: Float32Array, into = new Float32Array(d)) => {
      for (let i = 0; i < d; i++) into[i] = (base[i] as number) + scale * gauss() * (width[i] as number);
      return into;
    };
    const group = (base: Float32Array, share: number, width: Float32Array) =>
      around(base, Math.sqrt(share) * Math.exp(fit.spread * gauss()), width);
    const size = (mean: number) => {
      const drawn = mean * (fit.tail - 1) * ((1 - random()) ** (-1 / fit.tail) - 1);
      return Math.ceil(Math.min(drawn, greatestSize * mean)) || 1;
    };
    return { random, around, group, size };
  }

  /** A topic with parts of two subjects. */
  function between(
    topic: Float32Array,
    subject: Float32Array,
    other: { readonly topic: Float32Array; readonly subject: Float32Array },
  ): Float32Array {
    const [first, second] = [Math.sqrt(1 - fit.subjects.second), Math.sqrt(fit.subjects.second)];
    return topic.map(
      (x, i) =>
        x +
        first * ((subject[i] as number) - x) +
        second * ((other.subject[i] as number) - (other.topic[i] as number)),
    );
  }

  const shared = sourceOf(randomFrom(seed));
  const mean = shared.around(new Float32Array(d), 1, new Float32Array(d).fill(1));
  unit(mean);
  for (let i = 0; i < d; i++) mean[i] = (mean[i] as number) * Math.sqrt(fit.mean);
  const topics = Array.from({ length: Math.round(fit.topics.count) }, () =>
    shared.group(mean, fit.topics.share, common),
  );

  return {
    d,
    parts,
    questionsIn,
    part(part) {
      // Parts are made on their own, from seeds far from each other.
      const { random, around, group, size } = sourceOf(randomFrom(seed ^ Math.imul(part + 1, 0x9e3779b1)));
      const held = questionsIn(part);
      const count = Math.min(rowsAtOnce, n - part * rowsAtOnce);
      const made = new Float32Array((count + held) * d);
      const places = shuffled(count + held, random);
      let [inSubject, inMatter, common2] = [0, 0, 0];
      const others: { readonly topic: Float32Array; readonly subject: Float32Array }[] = [];
      let topic: Float32Array = mean;
      let subject = mean;
      let matter = mean;
      let question = mean;
      for (const place of places) {
        if (inSubject === 0) {
          topic = topics[Math.floor(random() * topics.length)] as Float32Array;
          subject = group(topic, fit.subjects.share, common);
          others.push({ topic, subject });
          inSubject = size(fit.subjects.size);
          inMatter = 0;
        }
        const newMatter = inMatter === 0;
        if (newMatter) {
          const other = others[Math.floor(random() * others.length)] as (typeof others)[number];
          matter = group(between(topic, subject, other), fit.matters.share, own);
          inMatter = size(fit.matters.size);
        }
        if (newMatter || random() >= fit.wordings.chance) {
          const { least, most, bend } = fit.wordings;
          common2 = least + (most - least) * random() ** bend;
          question = around(matter, Math.sqrt(rest * common2), own);
        }
        const row = made.subarray(place * d, (place + 1) * d);
        around(question, Math.sqrt(rest * (1 - common2)), own, row);
        unit(row);
        rotate(row);
        inSubject--;
        inMatter--;
      }
      const questions = Array.from({ length: held }, (_, i) =>
        made.slice((count + i) * d, (count + i + 1) * d),
      );
      return { rows: made.subarray(0, count * d), questions };
    },
  };
}

function shuffled(count: number, random: () => number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

function unit(vector: Float32Array): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const scale = 1 / Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) * scale;
}
