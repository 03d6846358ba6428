// The features of two texts and the numbers of the pair. Imported by registry.ts.
import { extract } from '#dist/decide/features.js';
import { featureNames, pairFeatures } from '#dist/decide/pair-features.js';
import { figuresOf, timeBatches } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';

const signals = { cosine: 0.9, margin: 0.1, agreement: 1, rank: 0 };
const asked =
  'How do I move 3 photo albums of March 2021 from my old phone to the new one without losing dates, no.';
const stored =
  'What is the best way to copy 3 albums from an old phone to a laptop and keep the dates of photos, no.';

/** Both texts are new at each call, so nothing is remembered. */
export const decideFeatures: SubjectFactory = async (job) => {
  let next = 0;
  let last: Float64Array = new Float64Array(0);
  const once = () => {
    next++;
    last = pairFeatures(extract(asked + next), extract(stored + next), signals);
  };
  return {
    variants: [{ note: 'both texts cut into features and compared, nothing remembered' }],
    async run() {
      timeBatches(2_000, 1, once);
      const latencies = timeBatches(job.quick ? 2_000 : 20_000, 1, once);
      if (last.length !== featureNames.length || !last.every(Number.isFinite)) throw new Error('no numbers');
      return figuresOf(latencies, {});
    },
    async close() {},
  };
};
