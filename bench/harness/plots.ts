// What the plots of the index cases show, as points; imported by html.ts and tests.
import { quantileShares, type Row } from '../types.js';

/** Lines over one x axis; a value is null where a line has no point. */
export interface LinePlot {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  /** What numbers of the axes stand for. */
  readonly x: 'count' | 'share' | 'percent';
  readonly y: 'microseconds' | 'bytes';
  readonly xs: readonly number[];
  readonly lines: readonly { readonly name: string; readonly ys: (number | null)[] }[];
}

type Points = readonly (readonly [x: number, y: number])[];
type Described = Pick<LinePlot, 'id' | 'title' | 'subtitle' | 'x' | 'y'>;

/** Brings lines with x values of their own onto one axis; undefined when there is nothing to see. */
function plotOf(described: Described, named: readonly (readonly [string, Points])[]): LinePlot | undefined {
  const xs = [...new Set(named.flatMap(([, points]) => points.map(([x]) => x)))].sort((a, b) => a - b);
  if (xs.length < 2) return undefined;
  const lines = named.map(([name, points]) => {
    const at = new Map(points);
    return { name, ys: xs.map((x) => at.get(x) ?? null) };
  });
  return { ...described, xs, lines };
}

/** Recall against latency, memory and latency against n, and distributions of latency, of the case `index`. */
export function linePlots(rows: readonly Row[]): LinePlot[] {
  const measured = rows.filter((row) => row.case === 'index' && row.failed === undefined);
  const names = [...new Set(measured.map(({ contender }) => contender))];
  const byName = (points: (row: Row) => Points) =>
    names.map((name): [string, Points] => [
      name,
      measured.filter((row) => row.contender === name).flatMap(points),
    ]);
  const overN = (figure: 'p50Us' | 'bytes', times: (n: number) => number) =>
    byName(({ n, ...row }) => {
      const value = row[figure];
      return n === null || value === null ? [] : [[n, value * times(n)]];
    });
  const sizes = [...new Set(measured.map(({ n }) => n as number))].sort((a, b) => a - b);
  const atSize = sizes.flatMap((n) => {
    const rowsOf = measured.filter((row) => row.n === n);
    const text = n.toLocaleString('en-US');
    return [
      plotOf(
        {
          id: `recall-${n}`,
          title: `Recall against latency, ${text} vectors`,
          subtitle: 'p50 in µs, logarithmic, over recall@10: lower right is better',
          x: 'share',
          y: 'microseconds',
        },
        rowsOf.map((row) => [row.contender, (row.curve ?? []).map(({ recall, p50Us }) => [recall, p50Us])]),
      ),
      plotOf(
        {
          id: `latency-${n}`,
          title: `Distribution of latency, ${text} vectors`,
          subtitle: 'µs, logarithmic, that a percentage of the searches takes at most',
          x: 'percent',
          y: 'microseconds',
        },
        rowsOf.map((row) => [
          row.contender,
          (row.quantilesUs ?? []).map((us, i) => [quantileShares[i] as number, us]),
        ]),
      ),
    ];
  });
  const growth = plotOf(
    {
      id: 'growth',
      title: 'Growth of the cost of a search',
      subtitle: 'p50 in µs over the number of vectors, both logarithmic, at the recall on the row',
      x: 'count',
      y: 'microseconds',
    },
    overN('p50Us', () => 1),
  );
  const memory = plotOf(
    {
      id: 'memory',
      title: 'Memory',
      subtitle: 'bytes held over the number of vectors, both logarithmic',
      x: 'count',
      y: 'bytes',
    },
    overN('bytes', (n) => n),
  );
  return [growth, memory, ...atSize].filter((plot) => plot !== undefined);
}
