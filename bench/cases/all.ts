// Every case, and what a run of the chosen ones consists of; imported by run.ts.
import type { CaseName, Job } from '../types.js';
import { answers } from './answers.js';
import { compression } from './compression.js';
import { crossover } from './crossover.js';
import { decide } from './decide.js';
import { embed } from './embed.js';
import { faults } from './faults.js';
import { flat } from './flat.js';
import { graphRecall } from './graph-recall.js';
import { ingest } from './ingest.js';
import { key } from './key.js';
import { lists } from './lists.js';
import { pq } from './pq.js';
import { searchMany } from './search-many.js';
import { sharedIndex } from './shared-index.js';
import { storage } from './storage.js';
import { tiers } from './tiers.js';
import { vectors } from './vectors.js';
import { warm } from './warm.js';

/** What every job of a run has in common. */
export type JobDefaults = Pick<Job, 'seed' | 'runs' | 'quick' | 'full'>;

/** What the machine offers. */
export interface Machine {
  /** Kernels it can run, best first. */
  readonly kernels: readonly string[];
  /** Vectors of the user's own. */
  readonly own?: { readonly file: string; readonly rows: number } | undefined;
  /** Sizes for `crossover`, `index` and `streamed`; undefined: their own. */
  readonly sizes?: readonly number[] | undefined;
}

/** Some cases and the contests they consist of. */
export interface CaseDefinition {
  readonly cases: readonly CaseName[];
  /** Groups of jobs; the contenders of a group take turns. */
  groups(defaults: JobDefaults, machine: Machine): Job[][];
}

const definitions = [
  key,
  decide,
  flat,
  crossover,
  embed,
  tiers,
  warm,
  ingest,
  faults,
  graphRecall,
  pq,
  storage,
  searchMany,
  sharedIndex,
  answers,
  vectors,
  lists,
  compression,
];

/** The contests of the chosen cases. */
export function planOf(chosen: ReadonlySet<CaseName>, defaults: JobDefaults, machine: Machine): Job[][] {
  const groups = definitions
    .filter(({ cases }) => cases.some((name) => chosen.has(name)))
    .flatMap((definition) => definition.groups(defaults, machine));
  // An index group yields the rows of both its cases.
  const wanted = (job: Job) =>
    chosen.has(job.case) || (job.case === 'flat-search' && chosen.has('flat-build'));
  return groups.map((group) => group.filter(wanted)).filter((group) => group.length > 0);
}
