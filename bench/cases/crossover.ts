// Case `crossover`: from which size on a graph beats the exact scan; imported by cases/all.ts, its conclusion by run.ts.
import type { DataSet, Job, Row } from '../types.js';
import type { CaseDefinition, JobDefaults } from './all.js';

const dimension = 384;
// A graph of 100,000 rows takes minutes to build: by --sizes only.
const usualSizes = { quick: [1_000, 10_000], full: [1_000, 10_000, 50_000] };

function jobs(defaults: JobDefaults, n: number, data: DataSet): Job[] {
  const base = { ...defaults, case: 'crossover', n, d: dimension, data, quietSetup: true } as const;
  return [
    { ...base, contender: 'flat', subject: 'flat-ours' },
    { ...base, contender: 'hnsw', subject: 'hnsw-ours' },
  ];
}

/** Both engines over ever more vectors; once over such as no graph serves well. */
export const crossover: CaseDefinition = {
  cases: ['crossover'],
  groups(defaults, { sizes = usualSizes[defaults.quick ? 'quick' : 'full'] }) {
    const clustered = [...sizes].sort((a, b) => a - b).map((n) => jobs(defaults, n, 'clustered'));
    return [...clustered, jobs(defaults, Math.min(10_000, ...sizes.slice(-1)), 'gaussian')];
  },
};

interface Point {
  readonly n: number;
  /** p50 of the scan less that of the graph, in microseconds. */
  readonly gainUs: number;
}

/** Where the graph overtakes the scan, as a line of text; nothing when the case was not run at two sizes. */
export function crossoverLines(rows: readonly Row[]): string[] {
  const p50 = (contender: string, n: number | null) =>
    rows.find(
      (row) =>
        row.case === 'crossover' && row.data === 'clustered' && row.contender === contender && row.n === n,
    )?.p50Us;
  const points: Point[] = [];
  for (const { case: name, data, contender, n } of rows) {
    if (name !== 'crossover' || data !== 'clustered' || contender !== 'flat' || n === null) continue;
    const [flat, hnsw] = [p50('flat', n), p50('hnsw', n)];
    if (typeof flat === 'number' && typeof hnsw === 'number') points.push({ n, gainUs: flat - hnsw });
  }
  const above = points.findIndex(({ gainUs }) => gainUs > 0);
  // Beyond the sizes measured, the line through the last two is drawn on.
  const end = above < 0 ? points.length - 1 : Math.max(above, 1);
  const [a, b] = [points[end - 1], points[end]];
  if (a === undefined || b === undefined) return [];
  const n = a.n - (a.gainUs * (b.n - a.n)) / (b.gainUs - a.gainUs);
  const rounded = Math.round(n / 1000) * 1000;
  const where = above < 0 ? `beyond ${b.n} rows` : `between ${a.n} and ${b.n} rows`;
  if (!Number.isFinite(n) || n < 0) return ['', `crossover: none ${where}`];
  const text = `p50 of hnsw falls below that of flat ${where}, on a straight line at ${rounded}`;
  return ['', `crossover, clustered, d=${dimension}: ${text}`];
}
