// Case `graph-recall`: whether both messages that an answer needs are recalled; imported by cases/all.ts.
import type { Job } from '../types.js';
import type { CaseDefinition } from './all.js';

/** The ways to choose messages, in the order of the table; the last show what parts of the graph bring. */
const ways = [
  'recency',
  'semantic',
  'semantic + neighbours',
  'semantic + graph',
  'graph without follows',
  'graph without mentions',
  'graph without query',
];

/** Each way over each dialogue alone and over half of them in one session. Nothing is random, so one run says all. */
export const graphRecall: CaseDefinition = {
  cases: ['graph-recall'],
  groups: (defaults) =>
    (['one session', 'alone'] as const).map((ground) =>
      ways.map(
        (way): Job => ({
          ...defaults,
          runs: 1,
          case: 'graph-recall',
          contender: `${way}, ${ground}`,
          subject: 'graph-recall',
          n: null,
          d: null,
        }),
      ),
    ),
};
