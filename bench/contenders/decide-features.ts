// The features of two texts and the numbers of the pair. Imported by registry.ts.
import { extract } from '#dist/decide/features.js';
import { featureNames, pairFeatures } from '#dist/decide/pair-features.js';
import { readTraps } from '../data/traps.ts';
import { figuresOf, timeBatches } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';

const signals = { cosine: 0.9, margin: 0.1, agreement: 1, rank: 0 };
const characters = 100;

/** Pairs of the trap set, each side with questions behind it that it shares with the other, up to 100 characters. */
function pairsOfLength(): { asked: string; stored: string }[] {
  const pairs = readTraps('test');
  return pairs.map(({ a, b }, at) => {
    const others = [1, 2, 3, 4].map((step) => pairs[(at + 97 * step) % pairs.length]?.a).join(' ');
    return {
      asked: `${a} ${others}`.slice(0, characters),
      stored: `${b} ${others}`.slice(0, characters),
    };
  });
}

/** Some hundred different pairs take turns, and `extract` remembers none. */
export const decideFeatures: SubjectFactory = async (job) => {
  const pairs = pairsOfLength();
  let last: Float64Array = new Float64Array(0);
  const once = (call: number) => {
    const { asked, stored } = pairs[call % pairs.length] as (typeof pairs)[number];
    last = pairFeatures(extract(asked), extract(stored), signals);
  };
  return {
    variants: [
      { note: 'both texts cut into features and compared; hundreds of pairs take turns, nothing remembered' },
    ],
    async run() {
      timeBatches(3_000, 1, once);
      const latencies = timeBatches(job.quick ? 4_000 : 20_000, 1, once);
      if (last.length !== featureNames.length || !last.every(Number.isFinite)) throw new Error('no numbers');
      return figuresOf(latencies, {});
    },
    async close() {},
  };
};
