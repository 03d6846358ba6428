// Targets of the case `decide`; imported by targets.ts.
import type { Rows, Target } from './targets.js';

const whole = 'ours, whole decision';
const fact = (name: string) => (rows: Rows) => rows.get('decide', whole)?.facts?.[name];
const microseconds = (value: number) => `${value.toFixed(0)} µs`;
const percent = (value: number) => `${value.toFixed(1)} %`;

/** What a decision may add to a lookup, and let pass. */
export const decideTargets: readonly Target[] = [
  {
    case: 'decide',
    text: 'features of two questions of 100 characters, p99: ≤ 50 µs',
    must: 50,
    measure: (rows) => rows.get('decide', 'ours')?.p99Us ?? undefined,
    show: microseconds,
  },
  {
    case: 'decide',
    text: 'decision without the pair model, four candidates, p99: ≤ 150 µs, ≤ 60 µs',
    must: 150,
    stretch: 60,
    measure: (rows) => rows.get('decide', whole)?.p99Us ?? undefined,
    show: microseconds,
  },
  {
    case: 'decide',
    text: 'a pair against one embedding at equal length, p50: ≤ 1.5x',
    must: 1.5,
    measure: fact('pair model, x of one embedding'),
    show: (value) => `${value.toFixed(2)}x`,
  },
  {
    case: 'decide',
    text: 'pairs of the trap set that the pair model is asked about: ≤ 25 %, ≤ 10 %',
    must: 25,
    stretch: 10,
    measure: fact('pairs of the trap set asked about, %'),
    show: percent,
  },
  {
    case: 'decide',
    text: 'traps accepted where 85 % of the controls are: ≤ 8 %, ≤ 3 %',
    must: 8,
    stretch: 3,
    measure: fact('traps accepted at 85 % kept, %'),
    show: percent,
  },
];
