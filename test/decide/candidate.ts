// Candidates for the tests of decide.
import type { Candidate } from '#dist/core/entry.js';

/** A candidate whose stored question is `question`. */
export function candidate(question: string, similarity: number): Candidate {
  return {
    entry: {
      key: '0'.repeat(64),
      scope: '1'.repeat(64),
      embedder: '2'.repeat(64),
      epoch: 0,
      question,
      value: `answer to ${question}`,
      createdAtMs: 0,
      expiresAtMs: Number.POSITIVE_INFINITY,
    },
    similarity,
  };
}
