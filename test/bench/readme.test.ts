// The figures of README.md are those of the recorded run, and of nothing else.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { duration, type Recorded, readmeParts, withParts } from '../../bench/harness/readme.ts';
import { read } from '../arch/sources.ts';

const test = suite('figures of README.md');
const recorded = () => JSON.parse(read('bench/results/readme.json')) as Recorded;

test('README.md says what bench/results/readme.json says', () => {
  const text = read('README.md');
  assert.is(withParts(text, readmeParts(recorded())), text);
});

test('another figure in the results is another text', () => {
  const { header, rows } = recorded();
  const slower = rows.map((row) =>
    row.case === 'tier-a-exact' ? { ...row, p50Us: 10 * (row.p50Us as number) } : row,
  );
  const [before, after] = [readmeParts({ header, rows }), readmeParts({ header, rows: slower })];
  assert.is.not(after.exact, before.exact);
  assert.is.not(after.tiers, before.tiers);
  assert.is(after.semantic, before.semantic);
});

test('a row that failed or is missing shows no figure', () => {
  const { header, rows } = recorded();
  const failed = rows.map((row) => (row.contender === 'bentocache' ? { ...row, failed: 'gone' } : row));
  assert.match(readmeParts({ header, rows: failed }).tiers as string, /bentocache –/);
  assert.is(readmeParts({ header, rows: [] }).exact, '–');
});

test('a marker that is missing or doubled is refused', () => {
  const once = '<!-- bench:x -->old<!-- /bench:x -->';
  assert.is(withParts(`a ${once} b`, { x: 'new' }), 'a <!-- bench:x -->new<!-- /bench:x --> b');
  for (const text of ['', once + once, '<!-- bench:x -->old'])
    assert.throws(() => withParts(text, { x: 'new' }), /not there once/);
});

test('durations have two or three digits', () => {
  assert.equal([1.46, 41.2, 99.9, 106, 1_060, 10_900, 2_100_000, null].map(duration), [
    '1.5 µs',
    '41 µs',
    '100 µs',
    '0.11 ms',
    '1.1 ms',
    '11 ms',
    '2.1 s',
    '–',
  ]);
});

test.run();
