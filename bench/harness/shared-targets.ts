// What one index for four workers has to reach; imported by targets.ts.
import type { Rows, Target } from './targets.js';

const fact = (rows: Rows, name: string) =>
  rows.get('shared-index', 'ours, ivfpq', { n: 500_000, data: 'fitted' })?.facts?.[name];

const memory = (kind: 'processes' | 'threads'): Target => ({
  case: 'shared-index',
  text: `memory of four ${kind} over one index of 500k, against one: ≤ 1.3x`,
  must: 1.3,
  measure: (rows) => fact(rows, `4 ${kind}, times one`),
  show: (value) => `${value.toFixed(2)}x`,
});

/** Targets of the case `shared-index`. */
export const sharedTargets: readonly Target[] = [
  memory('processes'),
  memory('threads'),
  {
    case: 'shared-index',
    text: 'start of 500k vectors in lists from their file: < 3 s',
    must: 3_000,
    measure: (rows) => fact(rows, 'start from the file ms'),
    show: (value) => `${(value / 1e3).toFixed(2)} s`,
  },
];
