// The speeds this project holds itself to, judged against a run's rows; imported by run.ts and the report.
import type { CaseName, DataSet, Embedded, Row } from '../types.js';
import { answersTargets } from './answers-targets.js';
import { decideTargets } from './decide-targets.js';
import { flatTargets } from './flat-targets.js';
import { indexTargets } from './index-targets.js';
import { pqTargets } from './pq-targets.js';
import { sharedTargets } from './shared-targets.js';
import { warmTargets } from './warm-targets.js';

/** A target and what a run made of it. */
export interface Verdict {
  readonly case: CaseName;
  readonly target: string;
  /** What was measured, in words; why there is nothing, when there is not. */
  readonly measured: string;
  readonly must: 'reached' | 'not reached' | 'not measured';
  /** Undefined where there is no further goal. */
  readonly stretch: 'reached' | 'not reached' | 'not measured' | undefined;
}

/** A figure to reach. */
export interface Target {
  readonly case: CaseName;
  readonly text: string;
  readonly must: number;
  readonly stretch?: number;
  /** The measured figure, or undefined where a row is missing. */
  measure(rows: Rows): number | undefined;
  /** Greater is better; default false. */
  readonly atLeast?: boolean;
  show(value: number): string;
}

/** Finds rows by case and contender. */
export class Rows {
  readonly #rows: readonly Row[];
  readonly #data: DataSet;
  constructor(rows: readonly Row[], data: DataSet) {
    this.#rows = rows;
    this.#data = data;
  }
  get(
    name: CaseName,
    contender: string,
    where: { n?: number; embedded?: Embedded; data?: DataSet } = {},
  ): Row | undefined {
    return this.#rows.find(
      (row) =>
        row.case === name &&
        row.contender === contender &&
        row.failed === undefined &&
        (row.data ?? this.#data) === (where.data ?? this.#data) &&
        (where.n === undefined || row.n === where.n) &&
        (where.embedded === undefined || row.embedded === where.embedded),
    );
  }
}

type Figure = 'p50Us' | 'p99Us' | 'opsPerS';

/** `a` over `b`; undefined when one of them was not measured. */
function ratio(a: Row | undefined, b: Row | undefined, figure: Figure): number | undefined {
  const [x, y] = [a?.[figure], b?.[figure]];
  return typeof x === 'number' && typeof y === 'number' ? x / y : undefined;
}

const microseconds = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} µs`;
const milliseconds = (us: number) => `${(us / 1e3).toFixed(2)} ms`;
const times = (value: number) => `${value.toFixed(2)}x`;
const part = (value: number) => `1/${(1 / value).toFixed(1)}`;
const at10k = { n: 10_000 };

/** Fault cases of ours whose row has the fact. */
const withFact = (rows: Rows, names: readonly string[], fact: string): number | undefined => {
  const values = names.map((name) => rows.get('faults', `ours, ${name}`)?.facts?.[fact]);
  return values.every((value) => value !== undefined) ? Math.max(...(values as number[])) : undefined;
};
const outages = ['killed', 'stopped', 'black hole'];
const count = (value: number) => value.toLocaleString('en-US');
const wholeMs = (value: number) => `${value.toFixed(0)} ms`;

/** A target that is the worst of a fact over fault cases. */
function ofFaults(
  text: string,
  must: number,
  names: readonly string[],
  fact: string | ((rows: Rows, name: string) => number | undefined),
  show: (value: number) => string = count,
): Target {
  return {
    case: 'faults',
    text,
    must,
    show,
    measure(rows) {
      if (typeof fact === 'string') return withFact(rows, names, fact);
      const values = names.map((name) => fact(rows, name));
      return values.every((value) => value !== undefined) ? Math.max(...(values as number[])) : undefined;
    },
  };
}

const faultTargets: readonly Target[] = [
  ofFaults(
    'Redis killed, stopped or unreachable at 500 questions/s: questions failed, 0',
    0,
    outages,
    'failed',
  ),
  ofFaults('the same: questions never answered, 0', 0, outages, 'never answered'),
  ofFaults(
    'the same: p99 of hits in memory above the healthy p99: ≤ 1 ms',
    1,
    outages,
    (rows, name) => {
      const [faulty, healthy] = ['faulty', 'healthy'].map((phase) =>
        withFact(rows, [name], `memory hit p99 ms ${phase}`),
      );
      return faulty === undefined || healthy === undefined ? undefined : faulty - healthy;
    },
    (value) => `${value.toFixed(2)} ms`,
  ),
  ofFaults('the same: until tier B is given up: ≤ 250 ms', 250, outages, 'given up after ms', wholeMs),
  ofFaults(
    'the same: from its return until it is used again: ≤ 2 s',
    2_000,
    outages,
    'used again after ms',
    wholeMs,
  ),
  ofFaults(
    'the same: calls let through per half-open: exactly 1',
    0,
    outages,
    (rows, name) => {
      const calls = withFact(rows, [name], 'calls per half-open');
      return calls === undefined ? undefined : Math.abs(calls - 1);
    },
    (off) => (off === 0 ? '1' : `1 ± ${off.toFixed(2)}`),
  ),
  ofFaults('Redis 200 ms up, 200 ms down: foreign answers, 0', 0, ['flapping'], 'foreign answers'),
  ofFaults('the same: questions failed, 0', 0, ['flapping'], 'failed'),
  ofFaults('the same: questions never answered, 0', 0, ['flapping'], 'never answered'),
  ofFaults('the same: unhandled rejections, 0', 0, ['flapping'], 'unhandled rejections'),
  ofFaults(
    'the same: growth of the heap: ≤ 1 MB/min',
    1,
    ['flapping'],
    'heap slope MB/min',
    (value) => `${value.toFixed(2)} MB/min`,
  ),
  ofFaults('replies sent twice, 10,000 keys: foreign answers, 0', 0, ['doubled replies'], 'foreign answers'),
  ofFaults(
    '10,000 misses of one question at once: generations in one process, 1',
    1,
    ['stampede'],
    'generations, 1 process',
  ),
  ofFaults('the same in 4 processes: at most 4', 4, ['stampede'], 'generations, 4 processes'),
  ofFaults('the same in 4 processes with leases: 1', 1, ['stampede'], 'generations, 4 processes with leases'),
  ofFaults(
    'removals while connections are killed, 4 processes: stale hits after 500 ms, 0',
    0,
    ['lost connections'],
    'stale hits after 500 ms',
  ),
];

const targets: readonly Target[] = [
  {
    case: 'key',
    text: 'key of a 60-character question, speed against JavaScript: ≥ 2x (stretch 3x)',
    must: 2,
    stretch: 3,
    atLeast: true,
    measure: (rows) => ratio(rows.get('key', 'ours'), rows.get('key', 'js'), 'opsPerS'),
    show: times,
  },
  {
    case: 'flat-search',
    text: 'search of 10k at recall 1.000, p50 against hnswlib-node: ≤ 1/3 (stretch 1/5)',
    must: 1 / 3,
    stretch: 1 / 5,
    measure(rows) {
      const ours = rows.get('flat-search', 'ours', at10k);
      // A faster answer that is not exact does not count.
      return ours?.recall === 1
        ? ratio(ours, rows.get('flat-search', 'hnswlib-node', at10k), 'p50Us')
        : undefined;
    },
    show: part,
  },
  {
    case: 'flat-build',
    text: 'build of 10k against hnswlib-node: ≤ 1/50',
    must: 1 / 50,
    measure: (rows) =>
      ratio(rows.get('flat-build', 'ours', at10k), rows.get('flat-build', 'hnswlib-node', at10k), 'p50Us'),
    show: part,
  },
  {
    case: 'tier-a-exact',
    text: 'exact hit in tier A, key included, p50: ≤ 5 µs (stretch 2 µs)',
    must: 5,
    stretch: 2,
    measure: (rows) => rows.get('tier-a-exact', 'ours', { embedded: 'without' })?.p50Us ?? undefined,
    show: microseconds,
  },
  {
    case: 'tier-a-semantic',
    text: 'semantic hit in tier A at 10k, embedding excluded, p50: ≤ 100 µs (stretch 60 µs)',
    must: 100,
    stretch: 60,
    measure: (rows) =>
      rows.get('tier-a-semantic', 'ours', { ...at10k, embedded: 'without' })?.p50Us ?? undefined,
    show: microseconds,
  },
  {
    case: 'embed-one',
    text: 'one 12-token question, p50 above the bare onnxruntime-node run: ≤ 0.4 ms (stretch 0.2 ms)',
    must: 400,
    stretch: 200,
    measure(rows) {
      const ours = rows.get('embed-one', 'ours')?.p50Us;
      const bare = rows.get('embed-one', 'onnxruntime-node')?.p50Us;
      return typeof ours === 'number' && typeof bare === 'number' ? ours - bare : undefined;
    },
    show: milliseconds,
  },
  {
    case: 'embed-throughput',
    text: 'texts/s with 64 waiting, against transformers.js: ≥ 1.7x (stretch 2x)',
    must: 1.7,
    stretch: 2,
    atLeast: true,
    measure: (rows) =>
      ratio(rows.get('embed-throughput', 'ours'), rows.get('embed-throughput', 'transformers.js'), 'opsPerS'),
    show: times,
  },
  {
    case: 'loop-delay',
    text: 'event-loop delay p99 while all workers embed: < 10 ms (stretch 3 ms)',
    must: 10_000,
    stretch: 3_000,
    measure: (rows) => rows.get('loop-delay', 'ours')?.p99Us ?? undefined,
    show: milliseconds,
  },
  ...warmTargets,
  ...answersTargets,
  ...decideTargets,
  {
    case: 'ingest',
    text: 'short documents/s into a corpus, against the embedder alone: ≥ 0.9x',
    must: 0.9,
    atLeast: true,
    measure(rows) {
      const ours = rows.get('ingest', 'ours');
      return ours?.recall === 1 ? ratio(ours, rows.get('ingest', 'embedder alone'), 'opsPerS') : undefined;
    },
    show: times,
  },
  {
    case: 'ingest',
    text: 'peak memory of it over the loaded model: < 300 MB',
    must: 300,
    measure: (rows) => rows.get('ingest', 'ours')?.facts?.['peak MB over the model'],
    show: (value) => `${value.toFixed(0)} MB`,
  },
  ...faultTargets,
  ...pqTargets,
  ...sharedTargets,
  ...flatTargets,
  ...indexTargets,
];

/** Judges each target whose case was run; those of the indexes on the user's own vectors too. */
export function judge(rows: readonly Row[]): Verdict[] {
  const ran = new Set(rows.map((row) => row.case));
  return targets
    .filter((target) => ran.has(target.case))
    .flatMap((target) => {
      const onOwn = rows.some((row) => row.case === target.case && row.data === 'own');
      const verdict = verdictOf(target, new Rows(rows, 'clustered'), '');
      return onOwn ? [verdict, verdictOf(target, new Rows(rows, 'own'), ', own vectors')] : [verdict];
    });
}

function verdictOf(target: Target, rows: Rows, where: string): Verdict {
  const value = target.measure(rows);
  const against = (goal: number) => {
    if (value === undefined) return 'not measured';
    return (target.atLeast ? value >= goal : value <= goal) ? 'reached' : 'not reached';
  };
  return {
    case: target.case,
    target: target.text + where,
    measured: value === undefined ? 'a row is missing or failed' : target.show(value),
    must: against(target.must),
    stretch: target.stretch === undefined ? undefined : against(target.stretch),
  };
}

/** What the reference promises for a tier, and what it and another cache reached when they were measured (2 cores, p50). */
export const claims: Readonly<
  Partial<Record<CaseName, { readonly claim: string; readonly reached: string }>>
> = {
  'tier-a-exact': {
    claim: 'tier A 0.5–3 ms',
    reached: 'its key alone 4 µs; it has no exact hit in tier A',
  },
  'tier-a-semantic': {
    claim: 'tier A 0.5–3 ms',
    reached:
      '0.30–0.43 ms at 1k, 0.56–0.66 ms at 10k; 7.6–8.8 ms with the embedding. GPTCache: 4.1–9.3 ms at 10k, 18–37 ms with it',
  },
  'tier-b-disk': { claim: 'tier B 5–15 ms', reached: 'it has no tier B on disk' },
  'tier-b-redis': { claim: 'tier B 5–15 ms', reached: '0.19–0.28 ms for the Redis hit, PING 0.04–0.08 ms' },
  'tier-c': { claim: 'tier C 20–100 ms', reached: '0.6 ms at 1k, 1.2 ms at 10k, vector given' },
};
