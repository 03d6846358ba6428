// Case `ingest`; imported by cases/all.ts.
import type { CaseDefinition } from './all.js';

const documents = 10_000;
const fewDocuments = 1_000;

/** Short documents a second into a corpus, beside what the embedder alone does with their texts. */
export const ingest: CaseDefinition = {
  cases: ['ingest'],
  groups({ quick, ...defaults }) {
    // A run takes a minute.
    const runs = quick ? defaults.runs : Math.min(3, defaults.runs);
    const base = {
      ...defaults,
      quick,
      runs,
      case: 'ingest',
      n: quick ? fewDocuments : documents,
      d: 384,
    } as const;
    return [
      [
        { ...base, contender: 'ours', subject: 'ingest-ours' },
        { ...base, contender: 'embedder alone', subject: 'ingest-embedder' },
      ],
    ];
  },
};
