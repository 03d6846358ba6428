// Case `crossover`: from which size on inverted lists beat the exact scan; imported by cases/all.ts, its conclusion by run.ts.

import type { Header } from '../harness/header.js';
import { share } from '../harness/table.js';
import type { DataSet, Job, Row } from '../types.js';
import type { CaseDefinition, JobDefaults } from './all.js';

const dimension = 384;
const leastRecall = 0.95;
const usualSizes = { quick: [1_000, 10_000], full: [1_000, 10_000, 50_000, 100_000] };

function jobs(defaults: JobDefaults, n: number, data: DataSet): Job[] {
  const base = { ...defaults, case: 'crossover', n, d: dimension, data, quietSetup: true } as const;
  return [
    { ...base, contender: 'flat', subject: 'flat-ours' },
    { ...base, contender: 'ivfpq', subject: 'ivfpq-ours' },
  ];
}

/** Both engines over ever more vectors; once over such as no index serves well. */
export const crossover: CaseDefinition = {
  cases: ['crossover'],
  groups(defaults, { sizes = usualSizes[defaults.quick ? 'quick' : 'full'] }) {
    const clustered = [...sizes].sort((a, b) => a - b).map((n) => jobs(defaults, n, 'clustered'));
    return [...clustered, jobs(defaults, Math.min(10_000, ...sizes.slice(-1)), 'gaussian')];
  },
};

/** Both engines at one size. */
interface Point {
  readonly n: number;
  readonly flat: Row;
  readonly ivfpq: Row;
  /** p50 of the scan less that of the lists, in microseconds. */
  readonly gainUs: number;
}

/** Where two straight lines meet. */
export interface Meeting {
  /** Rows, to the nearest thousand; undefined where the lines do not meet. */
  readonly n: number | undefined;
  /** It lies between these two sizes; beyond the second when `measured` is false. */
  readonly between: readonly [Point, Point];
  readonly measured: boolean;
}

/** Where the lists overtake the scan; undefined when the case was not run at two sizes. */
export function meetingOf(rows: readonly Row[]): Meeting | undefined {
  const of = (contender: string, n?: number) =>
    rows.filter(
      (row) =>
        row.case === 'crossover' &&
        row.data === 'clustered' &&
        row.contender === contender &&
        typeof row.p50Us === 'number' &&
        (n === undefined || row.n === n),
    );
  const points: Point[] = [];
  for (const flat of of('flat')) {
    const n = flat.n as number;
    const ivfpq = of('ivfpq', n)[0];
    if (ivfpq !== undefined)
      points.push({ n, flat, ivfpq, gainUs: (flat.p50Us as number) - (ivfpq.p50Us as number) });
  }
  const above = points.findIndex(({ gainUs }) => gainUs > 0);
  // Beyond the sizes measured, the line through the last two is drawn on.
  const end = above < 0 ? points.length - 1 : Math.max(above, 1);
  const [a, b] = [points[end - 1], points[end]];
  if (a === undefined || b === undefined) return undefined;
  const n = a.n - (a.gainUs * (b.n - a.n)) / (b.gainUs - a.gainUs);
  // Before it finds nearly all, an engine does not pay however fast it is.
  const good = points.find(({ ivfpq }) => (ivfpq.recall ?? 0) >= leastRecall);
  const meets = Number.isFinite(n) && n >= 0 && good !== undefined;
  return {
    n: meets ? Math.max(good.n, Math.round(n / 1000) * 1000) : undefined,
    between: [a, b],
    measured: meets && above > 0,
  };
}

/** The same as lines of text; none when the case was not run at two sizes. */
export function crossoverLines(rows: readonly Row[]): string[] {
  const meeting = meetingOf(rows);
  if (meeting === undefined) return [];
  const [a, b] = meeting.between;
  const where = b.gainUs > 0 ? `between ${a.n} and ${b.n} rows` : `beyond ${b.n} rows`;
  if (meeting.n === undefined) return ['', `crossover: none ${where}`];
  const text = `p50 of ivfpq falls below that of flat ${where}, on a straight line at ${meeting.n}`;
  return ['', `crossover, clustered, d=${dimension}: ${text}`];
}

/** `src/engines/crossovers.ts` with what a run found; undefined when the lines did not meet among the sizes measured. */
export function crossoverSource(rows: readonly Row[], header: Header): string | undefined {
  const meeting = meetingOf(rows);
  if (meeting?.n === undefined || !meeting.measured) return undefined;
  const micros = (row: Row) => `p50 ${Math.round(row.p50Us as number)} µs`;
  const told = meeting.between.map(
    ({ n, flat, ivfpq }) =>
      ` * n = ${n.toLocaleString('en-US')}: flat ${micros(flat)}; ivfpq ${micros(ivfpq)}, recall ${share(ivfpq.recall)}`,
  );
  const { k, cores, kernel } = header;
  return `// Where one engine overtakes another. Written by \`npm run bench -- crossover\`, which measures it; not by hand. Imported by auto.ts.

/**
 * Rows at which a search of \`ivfpq\` costs what one of \`flat\` does, on a straight line between the sizes measured, or from which its
 * recall is ${leastRecall}, whichever is more.
 * clustered vectors, d = ${dimension}, k = ${k}, defaults of the engine, ${cores} cores, ${kernel}
${told.join('\n')}
 */
export const listsCrossover = ${meeting.n.toLocaleString('en-US').replaceAll(',', '_')};
`;
}
