// The crossover that `auto` reads is worked out from rows, and written only when it was measured.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossoverLines, crossoverSource, meetingOf } from '../../bench/cases/crossover.ts';
import type { Recorded } from '../../bench/harness/readme.ts';
import type { Row } from '../../bench/types.ts';
import { read } from '../arch/sources.ts';

const test = suite('crossover of the bench');
const header = {
  M: 16,
  efConstruction: 200,
  efSearch: 50,
  k: 10,
  cores: 2,
  kernel: 'avx512',
} as Recorded['header'];

/** Rows of both engines from [n, flat, ivfpq]. */
function rowsOf(...points: readonly [n: number, flatUs: number, ivfpqUs: number][]): Row[] {
  const base = { case: 'crossover', data: 'clustered', d: 384, runs: 1, spreadPct: null } as const;
  const figures = { p95Us: null, p99Us: null, opsPerS: null, bytes: null };
  return points.flatMap(([n, flat, ivfpq]) => [
    { ...base, ...figures, contender: 'flat', n, p50Us: flat, recall: 1 },
    { ...base, ...figures, contender: 'ivfpq', n, p50Us: ivfpq, recall: n === 100_000 ? 0.957 : 0.989 },
  ]);
}

test('the lines meet where a straight line says', () => {
  const rows = rowsOf([10_000, 40, 100], [50_000, 167, 267], [100_000, 595, 282]);
  const meeting = meetingOf(rows);
  assert.equal([meeting?.n, meeting?.measured], [62_000, true]);
  assert.match(crossoverLines(rows).join('\n'), /between 50000 and 100000 rows, on a straight line at 62000/);
});

test('the source in the package has the form that is written', () => {
  const rows = rowsOf([50_000, 167, 267], [100_000, 595, 282]);
  const words = (text: string | undefined) => text?.replace(/\d[\d,._]*/g, '#');
  assert.is(words(crossoverSource(rows, header)), words(read('src/engines/crossovers.ts')));
});

test('nothing is written that was not measured', () => {
  const never = rowsOf([1_000, 5, 50], [10_000, 40, 100], [50_000, 167, 267]);
  assert.is(meetingOf(never)?.measured, false);
  assert.match(crossoverLines(never).join('\n'), /beyond 50000 rows/);
  assert.is(crossoverSource(never, header), undefined);
  assert.is(crossoverSource(rowsOf([10_000, 100, 40], [50_000, 400, 100]), header), undefined);
  assert.is(crossoverSource(rowsOf([10_000, 40, 100]), header), undefined);
  assert.equal(crossoverLines([]), []);
});

test.run();
