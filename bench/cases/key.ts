// Case `key`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

/** The key of a 60-character question. */
export const key: CaseDefinition = {
  cases: ['key'],
  groups(defaults) {
    const base = { ...defaults, case: 'key', n: null, d: null } as const;
    return [
      [
        { ...base, contender: 'ours', subject: 'key-ours' },
        { ...base, contender: 'js', subject: 'key-js' },
      ],
    ];
  },
};
