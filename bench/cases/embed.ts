// Cases `embed-one`, `embed-throughput` and `loop-delay`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

const dimension = 384;

/** What an embedding costs, how many a second, and what the event loop feels of it. */
export const embed: CaseDefinition = {
  cases: ['embed-one', 'embed-throughput', 'loop-delay'],
  groups(defaults) {
    const base = { ...defaults, n: null, d: dimension } as const;
    const one = { ...base, case: 'embed-one' } as const;
    const throughput = { ...base, case: 'embed-throughput', n: 64, quietSetup: true } as const;
    const delay = { ...base, case: 'loop-delay' } as const;
    return [
      [
        { ...one, contender: 'ours', subject: 'embed-one-ours' },
        { ...one, contender: 'onnxruntime-node', subject: 'embed-one-onnxruntime' },
        { ...one, contender: 'transformers.js', subject: 'embed-one-transformers' },
      ],
      [
        { ...throughput, contender: 'ours', subject: 'embed-throughput-ours' },
        { ...throughput, contender: 'transformers.js', subject: 'embed-throughput-transformers' },
      ],
      [
        { ...delay, contender: 'ours', subject: 'loop-delay-ours' },
        { ...delay, contender: 'transformers.js', subject: 'loop-delay-transformers' },
      ],
    ];
  },
};
