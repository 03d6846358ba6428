// Cases in which Redis fails while it is used; imported by cases/all.ts.
import type { Job } from '../types.js';
import type { CaseDefinition } from './all.js';

const scenarios: readonly (readonly [contender: string, subject: string, fault: string])[] = [
  ['ours, killed', 'fault-outage', 'killed'],
  ['ours, stopped', 'fault-outage', 'stopped'],
  ['ours, black hole', 'fault-outage', 'black hole'],
  ['bentocache, killed', 'fault-outage', 'bentocache killed'],
  ['bentocache, stopped', 'fault-outage', 'bentocache stopped'],
  ['ours, flapping', 'fault-wire', 'flapping'],
  ['ours, doubled replies', 'fault-wire', 'doubled'],
  ['ours, stampede', 'fault-processes', 'stampede'],
  ['ours, lost connections', 'fault-processes', 'coherence'],
];

/** Outages, flapping, mixed-up replies, stampedes and lost invalidations; one process at a time, one run each. */
export const faults: CaseDefinition = {
  cases: ['faults'],
  groups: (defaults) =>
    scenarios.map(([contender, subject, fault]): Job[] => [
      { ...defaults, runs: 1, case: 'faults', contender, subject, fault, n: null, d: null },
    ]),
};
