// Case `search-many`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

/** 64 queries at once and one by one, over the exact index. */
export const searchMany: CaseDefinition = {
  cases: ['search-many'],
  groups({ quick, ...defaults }) {
    const sizes = quick ? [10_000] : [10_000, 100_000];
    return sizes.map((n) => {
      const base = { ...defaults, quick, case: 'search-many', n, d: 384, data: 'clustered' } as const;
      return [
        { ...base, contender: 'ours, searchMany', subject: 'search-many-at-once' },
        { ...base, contender: 'ours, one thread', subject: 'search-many-one-thread' },
        { ...base, contender: 'ours, one by one', subject: 'search-many-one-by-one' },
      ];
    });
  },
};
