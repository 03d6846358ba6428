// The words that the harness, the cases and the contenders share; imported within bench/.

/** Names of the cases, in the order in which they run. */
export const caseNames = [
  'key',
  'flat-search',
  'flat-build',
  'crossover',
  'embed-one',
  'embed-throughput',
  'loop-delay',
  'tier-a-exact',
  'tier-a-semantic',
  'tier-b-disk',
  'tier-b-redis',
  'tier-c',
  'miss',
  'hit-rate',
  'warm-restart',
  'ingest',
  'faults',
  'graph-recall',
  'pq',
  'storage',
  'search-many',
  'shared-index',
  'decide',
  'answers',
  'fit',
  'index',
  'streamed',
  'churn',
  'compression',
] as const;

/** Cases that run only when they are named: they take minutes, or measure no time. */
export const onRequest: ReadonlySet<CaseName> = new Set([
  'crossover',
  'hit-rate',
  'warm-restart',
  'ingest',
  'faults',
  'graph-recall',
  'pq',
  'storage',
  'search-many',
  'shared-index',
  'decide',
  'answers',
  'streamed',
  'churn',
]);

/** How much of everything is run: a minute, a quarter of an hour, or hours. */
export type Mode = 'quick' | 'default' | 'full';

/** A case. */
export type CaseName = (typeof caseNames)[number];

/** Which vectors an index case runs on. */
export type DataSet = 'clustered' | 'gaussian' | 'own' | 'real' | 'fitted';

/** Whether a row's latencies include the embedding of the question. */
export type Embedded = 'with' | 'without';

/** One contender of one case: what a child process is told. */
export interface Job {
  readonly case: CaseName;
  /** The name that the row carries. */
  readonly contender: string;
  /** Key of the factory in `contenders/registry.ts`. */
  readonly subject: string;
  /** Stored vectors or entries. */
  readonly n: number | null;
  /** Dimension of the vectors. */
  readonly d: number | null;
  readonly data?: DataSet;
  /** File of the set `own`: float32 values of rows of d, unit length, little endian. Of `real` and `fitted`: as data/vector-set.ts writes it. */
  readonly vectors?: string;
  /** The set is kept without its rows, which are made anew where they are wanted. */
  readonly rowless?: boolean;
  readonly seed: number;
  /** Runs of each variant. */
  readonly runs: number;
  /** Shorter runs; figures are noisier. */
  readonly quick: boolean;
  /** Sizes that take hours too. */
  readonly full?: boolean;
  /** Most minutes that setting up may take; default 10, in a quick run less. */
  readonly setupMinutes?: number;
  /** The only setting of a search that is tried; default: those that lead to the recall asked for. */
  readonly setting?: number;
  /** Something is timed while it sets up, so nothing else may run then. */
  readonly quietSetup?: boolean;
  /** What happens to Redis in the fault cases. */
  readonly fault?: string;
  /** Set in the child's environment; forces a kernel. */
  readonly kernel?: string;
  /** Runs of the index build; 1 takes the build that the search needs anyway. */
  readonly buildRuns?: number;
}

/** What the parent hands to a child beside its job. */
export interface Ground {
  /** A directory of this run, removed at its end. */
  readonly directory: string;
  /** Where sets of vectors are kept from run to run; default: in the directory of this run. */
  readonly sets?: string | undefined;
  /** Port of the Redis server of this run on 127.0.0.1. */
  readonly redisPort: number | undefined;
}

/** One row that a subject fills. */
export interface Variant {
  /** Default: the job's. */
  readonly case?: CaseName;
  readonly embedded?: Embedded;
  /** One of several ways to do the same: the row of the fastest bears the contender's plain name, the others this behind it. */
  readonly way?: string;
  readonly n?: number;
  /** Default: the job's. */
  readonly runs?: number;
  /** What a reader of the figures must know. */
  readonly note?: string;
}

/** Figures of one run. Times in microseconds, null where a figure does not apply. */
export interface Figures {
  readonly p50Us: number | null;
  readonly p95Us: number | null;
  readonly p99Us: number | null;
  readonly opsPerS: number | null;
  /** Share of right results, 0 to 1. */
  readonly recall: number | null;
  /** Bytes a vector or an entry. */
  readonly bytes: number | null;
  /** What else was counted or measured, by name and unit; of the last run. */
  readonly facts?: Readonly<Record<string, number>> | undefined;
  /** Microseconds at the shares of `quantileShares`; of the last run. */
  readonly quantilesUs?: readonly number[] | undefined;
  /** Recall and p50 at every setting that was tried, from cheap to dear. */
  readonly curve?: readonly CurvePoint[] | undefined;
}

/** Percentages at which `quantilesUs` gives the latency. */
export const quantileShares = [0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9, 100] as const;

/** One setting of an index. */
export interface CurvePoint {
  /** What the setting is called stands in the row's facts. */
  readonly setting: number;
  readonly recall: number;
  readonly p50Us: number;
}

/** A contender set up in its own process. */
export interface Subject {
  readonly variants: readonly Variant[];
  /** Warms up, then measures once. `round` counts from 0. */
  run(variant: number, round: number): Promise<Figures>;
  close(): Promise<void>;
}

/** Makes a subject; may take its time, which is not measured. */
export type SubjectFactory = (job: Job, ground: Ground) => Promise<Subject>;

/** One line of the output. The first ten fields are the contract with readers of the file. */
export interface Row extends Figures {
  readonly case: CaseName;
  readonly contender: string;
  readonly n: number | null;
  readonly d: number | null;
  readonly data?: DataSet;
  readonly embedded?: Embedded;
  readonly runs: number;
  /** Half the distance from the fastest to the slowest run's p50, in percent of the middle one. */
  readonly spreadPct: number | null;
  readonly note?: string;
  /** Why there are no figures. */
  readonly failed?: string;
}

/** What the child says to the parent. */
export type FromChild =
  | { readonly kind: 'started' }
  | { readonly kind: 'ready'; readonly variants: readonly Variant[] }
  | { readonly kind: 'figures'; readonly figures: Figures }
  | { readonly kind: 'failed'; readonly reason: string };

/** What the parent says to the child. */
export type ToChild =
  | { readonly kind: 'setup'; readonly job: Job; readonly ground: Ground }
  | { readonly kind: 'run'; readonly variant: number; readonly round: number }
  | { readonly kind: 'close' };
