// Targets of the case `answers`; imported by targets.ts.
import type { Rows, Target } from './targets.js';

const fact =
  (name: string, contender = 'ours') =>
  (rows: Rows) =>
    rows.get('answers', contender)?.facts?.[name];
const load = 'ours, mixed load';
const microseconds = (value: number) => `${value.toFixed(0)} µs`;

/** What wrapping may cost, and what joining must save. */
export const answersTargets: readonly Target[] = [
  {
    case: 'answers',
    text: 'overhead of wrap on a miss, beyond embedding and origin, p50: ≤ 150 µs',
    must: 150,
    stretch: 100,
    measure: fact('miss overhead p50 µs'),
    show: microseconds,
  },
  {
    case: 'answers',
    text: 'the same, p99: ≤ 1 ms',
    must: 1_000,
    measure: fact('miss overhead p99 µs'),
    show: microseconds,
  },
  {
    case: 'answers',
    text: 'first part of a replayed stream, p99: ≤ 1 ms',
    must: 1_000,
    measure: fact('first replayed part p99 µs'),
    show: microseconds,
  },
  {
    case: 'answers',
    text: 'origin calls and different texts of 1,000 readers of one stream: 1 of each',
    must: 1,
    measure(rows) {
      const calls = fact('origin calls of 1,000 readers')(rows);
      const texts = fact('different texts of 1,000 readers')(rows);
      return calls === undefined || texts === undefined ? undefined : Math.max(calls, texts);
    },
    show: (value) => `${value}`,
  },
  {
    case: 'answers',
    text: 'memory of 1,000 readers of one stream, of that of one: ≤ 2x',
    must: 2,
    measure: fact('memory of 1,000 readers, x of one'),
    show: (value) => `${value.toFixed(2)}x`,
  },
  {
    case: 'answers',
    text: 'mixed load of 500 requests/s before an origin of 300 ms: errors, 0',
    must: 0,
    measure: fact('errors', load),
    show: (value) => `${value}`,
  },
  {
    case: 'answers',
    text: 'the same: delay of the event loop, p99: < 10 ms',
    must: 10,
    measure: fact('event loop p99 ms', load),
    show: (value) => `${value.toFixed(1)} ms`,
  },
  {
    case: 'answers',
    text: 'the same: origin calls, of those behind bentocache with exact keys: fewer',
    must: 1,
    measure(rows) {
      const ours = fact('origin calls', load)(rows);
      const others = fact('origin calls', 'bentocache, mixed load')(rows);
      return ours === undefined || others === undefined ? undefined : ours / others;
    },
    show: (value) => `${value.toFixed(2)}x`,
  },
];
