// Seeded traces of requests, as numbers of questions: Zipf, scans, changing favourites, a loop. Imported by contenders.
import { seededRandom } from '#dist/testing/index.js';

/** How large a trace is. */
export interface TraceSize {
  readonly requests: number;
  /** Questions that are asked again and again. */
  readonly questions: number;
  /** Entries that the cache holds. */
  readonly capacity: number;
}

/** Draws ranks from 0 by Zipf's law. */
export function zipf(count: number, exponent: number, random: () => number): () => number {
  const sums = new Float64Array(count);
  let total = 0;
  for (let i = 0; i < count; i++) {
    total += 1 / (i + 1) ** exponent;
    sums[i] = total;
  }
  return () => {
    const at = random() * total;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

type Make = (size: TraceSize, random: () => number) => (index: number) => number;

const plain =
  (exponent: number): Make =>
  ({ questions }, random) =>
    zipf(questions, exponent, random);

/** The traces by name; those whose names begin alike belong together. */
export const traces: Readonly<Record<string, Make>> = {
  'zipf 0.7': plain(0.7),
  'zipf 0.9': plain(0.9),
  'zipf 1.0': plain(1),
  // Every other request is for something that is never asked again.
  'scan mixed in': ({ questions }, random) => {
    const draw = zipf(questions, 0.9, random);
    let fresh = questions;
    return () => (random() < 0.5 ? fresh++ : draw());
  },
  // Walks over twice and a half the capacity, in turn with as many requests by Zipf.
  'scan in bursts': ({ questions, capacity }, random) => {
    const draw = zipf(questions, 0.9, random);
    let fresh = questions;
    return (index) => (index % (5 * capacity) < 2.5 * capacity ? fresh++ : draw());
  },
  // All favourites change places with others four times.
  'shift of all': ({ questions, requests }, random) => {
    const draw = zipf(questions, 0.9, random);
    const names = Array.from({ length: questions }, (_, i) => i);
    return (index) => {
      if (index % Math.ceil(requests / 4) === 0) shuffle(names, random);
      return names[draw()] as number;
    };
  },
  // The same by Zipf 1.0, the most frequent fifth falling from the top to the bottom at once: the hardest for a policy that counts.
  'turn of ranks': ({ questions, requests }, random) => {
    const draw = zipf(questions, 1, random);
    return (index) => (draw() + Math.floor((5 * index) / requests) * Math.ceil(questions / 5)) % questions;
  },
  // The favourite is another every fiftieth request, and takes its neighbours along.
  'shift by drift': ({ questions }, random) => {
    const draw = zipf(questions, 0.9, random);
    return (index) => draw() + Math.floor(index / 50);
  },
  loop:
    ({ capacity }) =>
    (index) =>
      index % Math.round(1.25 * capacity),
};

function shuffle(names: number[], random: () => number): void {
  for (let i = names.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [names[i], names[j]] = [names[j] as number, names[i] as number];
  }
}

/** The questions of a trace, in order. */
export function* traceOf(name: string, size: TraceSize, seed: number): Generator<number> {
  const make = traces[name];
  if (make === undefined) throw new Error(`no trace ${name}`);
  const next = make(size, seededRandom(seed));
  for (let i = 0; i < size.requests; i++) yield next(i);
}
