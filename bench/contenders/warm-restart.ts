// How soon after a restart tier A hits as often as before, with warming and without. Imported by registry.ts.
import { join } from 'node:path';
import { openCache } from '#dist/open.js';
import { mockEmbedder, seededRandom } from '#dist/testing/index.js';
import { zipf } from '../data/traces.js';
import type { Figures, Job, SubjectFactory } from '../types.js';

const capacity = 1_000;
const questions = 10_000;
// Hits are counted by windows of so many requests, over all restarts together.
const window = 100;
// What is as good as the steady rate: sampling alone makes a window differ by a few parts in a hundred.
const asGood = 0.95;

/** A cache that fills its memory with what was popular. */
export const warmed: SubjectFactory = async (job, { directory }) =>
  subject(job, join(directory, `warmed-${process.pid}`), true);

/** The same without warming: memory fills as questions come. */
export const cold: SubjectFactory = async (job, { directory }) =>
  subject(job, join(directory, `cold-${process.pid}`), false);

function subject(job: Job, directory: string, enabled: boolean): Awaited<ReturnType<SubjectFactory>> {
  return {
    variants: [
      {
        runs: 1,
        n: capacity,
        note: `100,000 requests by Zipf 1.0 for ${questions} questions, closed and opened again after every 10,000; all below tier A stays on disk`,
      },
    ],
    run: () => measure(job, directory, enabled),
    async close() {},
  };
}

async function measure(job: Job, directory: string, enabled: boolean): Promise<Figures> {
  const lives = job.quick ? 5 : 10;
  const requests = 10_000;
  const draw = zipf(questions, 1, seededRandom(job.seed));
  const hits = new Float64Array(requests / window);
  let loadMs = 0;
  for (let life = 0; life < lives; life++) {
    const began = performance.now();
    const cache = await openCache({
      embedder: mockEmbedder(),
      file: null,
      env: {},
      cache: { directory, maxEntries: capacity, minSimilarity: 1 },
      warming: { enabled },
    });
    // A round comes after the loading; a process that is warmed is asked from then on.
    await cache.warm({ topN: 1 });
    if (life > 0) loadMs += performance.now() - began;
    for (let i = 0; i < requests; i++) {
      const question = `question number ${draw()}`;
      const { tier } = await cache.ask(question, () => `answer to ${question}`);
      if (life > 0 && tier === 'memory')
        hits[Math.floor(i / window)] = (hits[Math.floor(i / window)] as number) + 1;
      if (i % window === 0) await cache.idle();
    }
    await cache.close();
  }
  const rates = Array.from(hits, (count) => (100 * count) / (window * (lives - 1)));
  const half = rates.slice(rates.length / 2);
  const steady = half.reduce((sum, rate) => sum + rate, 0) / half.length;
  const reached = rates.findIndex((rate) => rate >= asGood * steady);
  const facts = {
    'requests until steady': (reached + 1) * window,
    'steady hit %': steady,
    'hit % of the first 100': rates[0] as number,
    'open ms': loadMs / (lives - 1),
  };
  return { p50Us: null, p95Us: null, p99Us: null, opsPerS: null, recall: null, bytes: null, facts };
}
