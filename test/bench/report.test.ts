// The plots and the reference's tables are made from rows, those that others win included.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { linePlots } from '../../bench/harness/plots.ts';
import { referenceTables } from '../../bench/harness/reference.ts';
import type { Row } from '../../bench/types.ts';

const test = suite('report of the bench');
const base = {
  d: 384,
  runs: 1,
  spreadPct: null,
  p95Us: null,
  p99Us: 9,
  opsPerS: null,
  recall: 0.96,
  bytes: 500,
};
const index = (contender: string, n: number, p50Us: number, more: Partial<Row> = {}): Row => ({
  ...base,
  case: 'index',
  contender,
  n,
  p50Us,
  ...more,
});

test('every contender has a line, with a gap where it was not measured', () => {
  const curve = [
    { setting: 16, recall: 0.9, p50Us: 20 },
    { setting: 32, recall: 0.96, p50Us: 30 },
  ];
  const rows = [
    index('ours, flat', 1_000, 50),
    index('ours, flat', 10_000, 400),
    index('usearch, int8', 10_000, 30, { curve, quantilesUs: [1, 2, 3] }),
    index('hnswlib-node', 10_000, 1, { failed: 'gone' }),
  ];
  const plots = new Map(linePlots(rows).map((plot) => [plot.id, plot]));
  assert.equal([...plots.keys()], ['growth', 'memory', 'recall-10000', 'latency-10000']);
  assert.equal(plots.get('growth')?.xs, [1_000, 10_000]);
  assert.equal(plots.get('growth')?.lines, [
    { name: 'ours, flat', ys: [50, 400] },
    { name: 'usearch, int8', ys: [null, 30] },
  ]);
  assert.equal(plots.get('memory')?.lines[0]?.ys, [5e5, 5e6]);
  assert.equal(plots.get('recall-10000')?.lines[1]?.ys, [20, 30]);
});

test('nothing measured is nothing drawn, and said', () => {
  assert.equal(linePlots([]), []);
  const lines = referenceTables([]).flatMap((table) => table.lines);
  assert.ok(lines.length > 10);
  for (const { measured } of lines) assert.is(measured, 'not measured in this run');
});

test('measured figures stand beside the claims', () => {
  const tier = (embedded: 'with' | 'without', p50Us: number): Row => ({
    ...index('ours', 2_000, p50Us),
    case: 'tier-a-semantic',
    embedded,
  });
  const codes: Row = {
    ...index('ours, product codes', 2_000, 1),
    case: 'compression',
    bytes: 64,
    facts: { 'raw bytes a vector': 6_144, 'compression, codebooks aside': 96 },
  };
  const lines = referenceTables([tier('without', 41), tier('with', 1_060), codes]).flatMap(
    (table) => table.lines,
  );
  const measured = (what: string) => lines.find((line) => line.what.startsWith(what))?.measured;
  assert.is(
    measured('tier A, local HNSW hit'),
    'p50 41 µs, with the embedding 1.06 ms; p99 9.0 µs (2,000 entries)',
  );
  assert.is(measured('raw float32'), '6,144 B a vector: 6.14 GB, 61.4 GB, 614 GB');
  assert.is(measured('float32 to product codes'), '96x');
  assert.is(measured('HNSW, M = 16'), 'not measured in this run');
});

test.run();
