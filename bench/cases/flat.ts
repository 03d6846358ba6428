// Cases `flat-search` and `flat-build`; imported by cases/all.ts. One process serves both, because search needs the build.
import { ownQueries } from '../data/own.js';
import type { DataSet, Job } from '../types.js';
import type { CaseDefinition, JobDefaults } from './all.js';

const dimension = 384;

function jobs(
  defaults: JobDefaults,
  n: number,
  data: DataSet,
  buildRuns: Record<'fast' | 'slow', number>,
): Job[] {
  const base = { ...defaults, case: 'flat-search', n, d: dimension, data, quietSetup: true } as const;
  const fast = buildRuns.fast > 0 ? { buildRuns: buildRuns.fast } : {};
  const slow = buildRuns.slow > 0 ? { buildRuns: buildRuns.slow } : {};
  return [
    { ...base, ...fast, contender: 'ours', subject: 'flat-ours' },
    { ...base, ...slow, contender: 'hnswlib-node', subject: 'flat-hnswlib' },
    { ...base, ...slow, contender: 'usearch', subject: 'flat-usearch' },
    { ...base, ...fast, contender: 'js', subject: 'flat-js' },
  ];
}

/** Search and build of an index over n vectors. */
export const flat: CaseDefinition = {
  cases: ['flat-search', 'flat-build'],
  groups(defaults, { kernels, own }) {
    const { quick, runs } = defaults;
    const small = jobs(defaults, 1_000, 'clustered', { fast: runs, slow: runs });
    // Graphs of 10k rows take about five seconds each: once in a quick run, and only once at 50k.
    const middle = jobs(defaults, 10_000, 'clustered', { fast: runs, slow: quick ? 1 : runs });
    const sizes = quick ? [1_000, 10_000] : [1_000, 10_000, 50_000];
    const owned = (own === undefined ? [] : sizes)
      .filter((n) => n + ownQueries <= (own?.rows ?? 0))
      .map((n) => {
        const contest = jobs(defaults, n, 'own', { fast: runs, slow: n === 1_000 ? runs : 1 });
        return contest.map((job) => ({ ...job, vectors: own?.file ?? '' }));
      });
    if (quick) return [small, middle, ...owned];
    const large = jobs(defaults, 50_000, 'clustered', { fast: runs, slow: 1 });
    const extras = (n: number): Job[] => {
      const base = { ...defaults, case: 'flat-search', n, d: dimension, data: 'clustered' } as const;
      const forced = kernels.slice(1).map((kernel) => {
        return { ...base, contender: `ours (${kernel})`, subject: 'flat-ours', kernel };
      });
      return [...forced, { ...base, contender: 'usearch (exact)', subject: 'flat-usearch-exact' }];
    };
    const gaussian = jobs(defaults, 10_000, 'gaussian', { fast: 0, slow: 0 });
    return [
      [...small, ...extras(1_000)],
      [...middle, ...extras(10_000)],
      [...large, ...extras(50_000)],
      gaussian,
      ...owned,
    ];
  },
};
