// Cases `hit-rate` and `warm-restart`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

/** What tier A keeps, and how soon after a restart it has it again. */
export const warm: CaseDefinition = {
  cases: ['hit-rate', 'warm-restart'],
  groups(defaults) {
    const hits = { ...defaults, runs: 1, case: 'hit-rate', n: null, d: null } as const;
    const restart = { ...defaults, runs: 1, case: 'warm-restart', n: null, d: null } as const;
    return [
      [
        { ...hits, contender: 'ours', subject: 'hit-rate-tinylfu' },
        { ...hits, contender: 'ours, lru', subject: 'hit-rate-lru' },
        { ...hits, contender: 'lru-cache', subject: 'hit-rate-lru-cache' },
      ],
      [
        { ...restart, contender: 'ours, warmed', subject: 'restart-warmed' },
        { ...restart, contender: 'ours, cold', subject: 'restart-cold' },
      ],
    ];
  },
};
