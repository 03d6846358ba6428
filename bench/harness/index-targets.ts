// Targets of the indexes over fitted vectors, each with recall in its condition; imported by targets.ts.
import type { Row } from '../types.js';
import type { Rows, Target } from './targets.js';

const leastRecall = 0.95;
const million = 1_000_000;
const lists = 'ours, ivfpq';
const others = ['usearch, int8', 'usearch, float16', 'hnswlib-node'];

type Figure = 'p50Us' | 'p99Us' | 'bytes' | 'recall';

const milliseconds = (us: number) => `${(us / 1e3).toFixed(2)} ms`;
const bytes = (value: number) => `${value.toFixed(0)} B`;
const share = (value: number) => value.toFixed(3);
const times = (value: number) => `${value.toFixed(2)}x`;
const percent = (value: number) => `${(value * 100).toFixed(1)} %`;

/** The row of a contender where it finds enough: a faster answer that is worse does not count. */
function good(rows: Rows, contender: string, n: number): Row | undefined {
  const row = rows.get('index', contender, { n, data: 'fitted' });
  return row !== undefined && (row.recall ?? 0) >= leastRecall ? row : undefined;
}

/** A figure of ours over a million vectors. */
function ofMillion(
  what: string,
  figure: Figure,
  must: number,
  show: Target['show'],
  stretch?: number,
): Target {
  return {
    case: 'index',
    text: `ivfpq over 1M, rescored, recall ≥ ${leastRecall}: ${what}`,
    must,
    ...(stretch === undefined ? {} : { stretch }),
    measure: (rows) => good(rows, lists, million)?.[figure] ?? undefined,
    show,
  };
}

/** The worst of a comparison with each other index that finds enough; undefined when one of them was not run. */
function worst(rows: Rows, n: number, compare: (ours: Row, theirs: Row) => number): number | undefined {
  const ours = good(rows, lists, n);
  if (
    ours === undefined ||
    others.some((name) => rows.get('index', name, { n, data: 'fitted' }) === undefined)
  ) {
    return undefined;
  }
  const theirs = others.map((name) => good(rows, name, n)).filter((row) => row !== undefined);
  return theirs.length === 0 ? undefined : Math.max(...theirs.map((row) => compare(ours, row)));
}

const p50 = (ours: Row, theirs: Row) => (ours.p50Us as number) / (theirs.p50Us as number);
const memory = (ours: Row, theirs: Row) => (ours.bytes as number) / (theirs.bytes as number);
const build = (ours: Row, theirs: Row) =>
  (ours.facts?.['build s'] as number) / (theirs.facts?.['build s'] as number);

/** Lists beside the graphs of others at equal recall. */
function against(n: number): Target[] {
  const whom = `ivfpq over ${n / 1_000}k against usearch int8, float16 and hnswlib-node, recall ≥ ${leastRecall}`;
  const base = { case: 'index' as const, show: times };
  return [
    {
      ...base,
      text: `${whom}: the better of p50 and bytes, against the hardest of them: ≤ 1x`,
      must: 1,
      measure: (rows) => worst(rows, n, (ours, theirs) => Math.min(p50(ours, theirs), memory(ours, theirs))),
    },
    {
      ...base,
      text: 'the same: time of the build: ≤ 1/10 (0.10x)',
      must: 0.1,
      measure: (rows) => worst(rows, n, build),
    },
    {
      ...base,
      text: 'the same, as a stretch: p50, bytes and build, the worst of the three: ≤ 1x',
      must: 1,
      measure: (rows) =>
        worst(rows, n, (ours, theirs) => Math.max(...[p50, memory, build].map((one) => one(ours, theirs)))),
    },
  ];
}

const codesAlone: Target[] = [4, 8].map((bits) => ({
  case: 'index',
  text: `ivfpq over 1M, codes alone, m = 48, ${bits} bits, recall and p50 as stated: bytes a vector ≤ 72`,
  must: 72,
  measure: (rows) =>
    rows.get('index', `ours, codes of ${bits} bits`, { n: million, data: 'fitted' })?.bytes ?? undefined,
  show: bytes,
}));

/** Recall of codes on real vectors less that on fitted ones, either way. */
const fitTargets: Target[] = [
  'product codes, m = 48',
  'product codes, m = 48, 4 bits',
  'ours, ivfpq, nprobe 16',
  'usearch, float16, expansion 16',
].map((contender) => ({
  case: 'fit',
  text: `recall on 30k fitted vectors against 30k real ones, ${contender}: within 2 points`,
  must: 0.02,
  measure(rows) {
    const [real, fitted] = (['real', 'fitted'] as const).map(
      (data) => rows.get('fit', contender, { data })?.recall,
    );
    return typeof real === 'number' && typeof fitted === 'number' ? Math.abs(real - fitted) : undefined;
  },
  show: percent,
}));

/** What is asked of lists of product codes, and of the fit of the vectors that they are measured on. */
export const indexTargets: readonly Target[] = [
  {
    case: 'index',
    text: 'flat over 10k real vectors, recall 1.000, p50: ≤ 60 µs (stretch 40 µs)',
    must: 60,
    stretch: 40,
    measure(rows) {
      const row = rows.get('index', 'ours, flat', { n: 10_000, data: 'real' });
      return row?.recall === 1 ? (row.p50Us ?? undefined) : undefined;
    },
    show: (value) => `${value.toFixed(1)} µs`,
  },
  {
    case: 'index',
    text: `ivfpq over 1M, rescored: recall@10 ≥ ${leastRecall}`,
    must: leastRecall,
    atLeast: true,
    measure: (rows) => rows.get('index', lists, { n: million, data: 'fitted' })?.recall ?? undefined,
    show: share,
  },
  ofMillion('p50 ≤ 1.5 ms (stretch 0.5 ms)', 'p50Us', 1_500, milliseconds, 500),
  ofMillion('p99 ≤ 5 ms', 'p99Us', 5_000, milliseconds),
  ofMillion('bytes a vector all told ≤ 480', 'bytes', 480, bytes),
  ...codesAlone,
  ...against(100_000),
  ...against(million),
  ...fitTargets,
  {
    case: 'streamed',
    text: 'codes alone, streamed in, p50 as stated: bytes against the formula: within 5 %',
    must: 0.05,
    measure(rows) {
      const row = rows.get('streamed', 'ours, 4 bits', { data: 'fitted' });
      const formula = row?.facts?.['formula, bytes a vector'];
      return formula === undefined ? undefined : Math.abs((row?.bytes as number) / formula - 1);
    },
    show: percent,
  },
  {
    case: 'streamed',
    text: '10M streamed in, the most that the process held: ≤ 24 GB',
    must: 24,
    measure: (rows) =>
      rows.get('streamed', 'ours, 4 bits', { n: 10_000_000, data: 'fitted' })?.facts?.['peak GB'],
    show: (value) => `${value.toFixed(1)} GB`,
  },
  {
    case: 'churn',
    text: 'every row replaced 10 times: recall below that of a fresh build: ≤ 1 point',
    must: 0.01,
    measure: (rows) => rows.get('churn', 'ours, ivfpq', { data: 'fitted' })?.facts?.['recall lost'],
    show: percent,
  },
  {
    case: 'churn',
    text: 'the same: bytes against a fresh build: ≤ 1.1x',
    must: 1.1,
    measure: (rows) => rows.get('churn', 'ours, ivfpq', { data: 'fitted' })?.facts?.['bytes against fresh'],
    show: times,
  },
];
