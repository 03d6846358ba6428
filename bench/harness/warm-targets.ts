// Targets of hit rates and of warming; imported by targets.ts.
import type { Row } from '../types.js';
import type { Rows, Target } from './targets.js';

const points = (value: number) => `${value.toFixed(1)} points`;

/** By how many points ours hits more than the other on the worst of some traces. */
function margin(rows: Rows, begins: readonly string[]): number | undefined {
  const [ours, lru, plain] = ['ours', 'ours, lru', 'lru-cache'].map(
    (name) => rows.get('hit-rate', name)?.facts,
  );
  if (ours === undefined || lru === undefined || plain === undefined) return undefined;
  const names = Object.keys(ours).filter((name) => begins.some((begin) => name.startsWith(begin)));
  return Math.min(
    ...names.map((name) => (ours[name] as number) - Math.max(lru[name] as number, plain[name] as number)),
  );
}

const untilSteady = (row: Row | undefined) => row?.facts?.['requests until steady'];

/** What tier A must keep, and how soon. */
export const warmTargets: readonly Target[] = [
  {
    case: 'hit-rate',
    text: 'hit rate above that of LRU, Zipf, loop and turned ranks, the worst trace: ≥ 0 points',
    must: 0,
    atLeast: true,
    measure: (rows) => margin(rows, ['zipf', 'loop', 'turn']),
    show: points,
  },
  {
    case: 'hit-rate',
    text: 'the same with scans: ≥ 4 points',
    must: 4,
    atLeast: true,
    measure: (rows) => margin(rows, ['scan']),
    show: points,
  },
  {
    case: 'hit-rate',
    text: 'the same while favourites change: ≥ 2 points',
    must: 2,
    atLeast: true,
    measure: (rows) => margin(rows, ['shift']),
    show: points,
  },
  {
    case: 'warm-restart',
    text: 'requests after a restart until tier A hits as before, cold against warmed: ≥ 5x',
    must: 5,
    atLeast: true,
    measure(rows) {
      const [warmed, cold] = ['ours, warmed', 'ours, cold'].map((name) =>
        untilSteady(rows.get('warm-restart', name)),
      );
      return warmed === undefined || cold === undefined ? undefined : cold / warmed;
    },
    show: (value) => `${value.toFixed(1)}x`,
  },
];
