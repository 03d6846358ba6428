// Case `shared-index`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

/** One index for four workers, over documents that were stored before. */
export const sharedIndex: CaseDefinition = {
  cases: ['shared-index'],
  groups({ quick, full, ...defaults }) {
    const sizes = quick ? [30_000] : full ? [500_000, 1_000_000] : [500_000];
    return sizes.map((n) => {
      const base = {
        ...defaults,
        quick,
        runs: 1,
        case: 'shared-index',
        n,
        d: 384,
        data: 'fitted',
        setupMinutes: 30,
      } as const;
      return [
        { ...base, contender: 'ours, ivfpq', subject: 'shared-lists' },
        { ...base, contender: 'ours, flat', subject: 'shared-flat' },
      ];
    });
  },
};
