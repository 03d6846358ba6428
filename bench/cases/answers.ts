// Case `answers`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

/** What wrapping costs a miss, how soon a replay begins, and a thousand readers of one stream. */
export const answers: CaseDefinition = {
  cases: ['answers'],
  groups: (defaults) => [
    [{ ...defaults, runs: 1, case: 'answers', n: null, d: null, contender: 'ours', subject: 'answers-ours' }],
  ],
};
