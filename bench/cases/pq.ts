// Case `pq`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

const fewVectors = 10_000;
const vectors = 100_000;

/** Product quantisation with m = 48: encoding, and the training before it. */
export const pq: CaseDefinition = {
  cases: ['pq'],
  groups({ quick, ...defaults }) {
    const n = quick ? fewVectors : vectors;
    const base = { ...defaults, quick, case: 'pq', n, d: 384, data: 'clustered', quietSetup: true } as const;
    return [
      [
        { ...base, contender: 'ours', subject: 'pq-ours' },
        { ...base, contender: 'ours, 4 bits', subject: 'pq-ours-nibbles' },
        { ...base, contender: 'faiss-node', subject: 'pq-faiss' },
      ],
    ];
  },
};
