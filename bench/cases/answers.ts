// Case `answers`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

/** What wrapping costs a miss, how soon a replay begins, a thousand readers of one stream, and a mixed load of five hundred requests a second. */
export const answers: CaseDefinition = {
  cases: ['answers'],
  groups(defaults) {
    const job = { ...defaults, runs: 1, case: 'answers', n: null, d: null } as const;
    // One after the other: each shall have both cores.
    return [
      [{ ...job, contender: 'ours', subject: 'answers-ours' }],
      [{ ...job, contender: 'ours, mixed load', subject: 'load-ours' }],
      [{ ...job, contender: 'bentocache, mixed load', subject: 'load-bentocache' }],
      [{ ...job, contender: 'no cache, mixed load', subject: 'load-no-cache' }],
    ];
  },
};
