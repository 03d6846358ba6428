// Case `decide`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

/** What the rules and the verifier look at, for two questions of 100 characters; then the whole decision. Nothing is remembered in either. */
export const decide: CaseDefinition = {
  cases: ['decide'],
  groups(defaults) {
    const job = { ...defaults, case: 'decide', n: null, d: null } as const;
    return [
      [{ ...job, contender: 'ours', subject: 'decide-features' }],
      [{ ...job, runs: 1, contender: 'ours, whole decision', subject: 'decision-ours' }],
    ];
  },
};
