// Case `storage`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

/** The exact index by what it keeps of a vector, and how near its scan comes to a plain read. */
export const storage: CaseDefinition = {
  cases: ['storage'],
  groups({ quick, ...defaults }) {
    const sizes = quick ? [10_000] : [10_000, 100_000];
    return sizes.map((n) => {
      const base = { ...defaults, quick, case: 'storage', n, d: 384, data: 'clustered' } as const;
      return [
        { ...base, contender: 'ours, float32', subject: 'flat-float32' },
        { ...base, contender: 'ours, float16', subject: 'flat-float16' },
        { ...base, contender: 'ours, int8', subject: 'flat-int8' },
        { ...base, contender: 'usearch (exact)', subject: 'flat-usearch-exact' },
        { ...base, contender: 'usearch (exact int8)', subject: 'flat-usearch-int8' },
      ];
    });
  },
};
