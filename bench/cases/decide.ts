// Case `decide`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

/** Everything the rules and the verifier look at, for two questions of 100 characters never seen before. */
export const decide: CaseDefinition = {
  cases: ['decide'],
  groups(defaults) {
    return [
      [{ ...defaults, case: 'decide', n: null, d: null, contender: 'ours', subject: 'decide-features' }],
    ];
  },
};
