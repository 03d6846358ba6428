// Case `compression`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

/** What product codes and a graph weigh, in the shape of the reference's capacity tables: d = 1536, m = 64, M = 16. */
export const compression: CaseDefinition = {
  cases: ['compression'],
  groups({ quick, ...defaults }) {
    const base = { ...defaults, quick, runs: 1, case: 'compression', d: 1_536 } as const;
    return [
      [
        {
          ...base,
          n: quick ? 2_000 : 20_000,
          contender: 'ours, product codes',
          subject: 'compression-codes',
        },
        {
          ...base,
          n: quick ? 20_000 : 100_000,
          d: 16,
          contender: 'hnswlib-node',
          subject: 'compression-graph',
        },
      ],
    ];
  },
};
