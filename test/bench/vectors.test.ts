// Sets of vectors in files: the true neighbours are those of brute force, and fitted rows are what their arguments say.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Fit, fittedRows, shippedFit } from '../../bench/data/fitted.ts';
import { openSet, writeSet } from '../../bench/data/vector-set.ts';
import { recallOf } from '../../bench/data/vectors.ts';

const test = suite('vector sets of the bench');
const directory = mkdtempSync(join(tmpdir(), 'llm-cache-test-'));
const [n, questions, seed] = [10_500, 12, 7];

test.after(() => rmSync(directory, { recursive: true, force: true }));

test('rows are of unit length, the same for the same seed, and part by part', () => {
  const [one, again, other] = [seed, seed, seed + 1].map((s) => fittedRows(n, questions, s)) as [
    ReturnType<typeof fittedRows>,
    ReturnType<typeof fittedRows>,
    ReturnType<typeof fittedRows>,
  ];
  assert.is(one.parts, 2);
  const second = one.part(1);
  assert.is(second.rows.length, 500 * one.d);
  assert.equal(again.part(1).rows, second.rows);
  assert.not.equal(other.part(1).rows, second.rows);
  for (let row = 0; row < 500; row++) {
    const length = Math.hypot(...second.rows.subarray(row * one.d, (row + 1) * one.d));
    assert.ok(Math.abs(length - 1) < 1e-5, `row ${row} has length ${length}`);
  }
  const held = [0, 1].map((part) => one.part(part).questions.length);
  assert.equal(held, [one.questionsIn(0), one.questionsIn(1)]);
  assert.is((held[0] as number) + (held[1] as number), questions);
});

test('a set read back is what was written, with the neighbours of brute force', () => {
  const source = fittedRows(n, questions, seed);
  const file = join(directory, 'kept');
  writeSet(file, source);
  const set = openSet(file);
  assert.equal([set.n, set.d, set.queries.length], [n, source.d, questions]);
  const rows = set.rows();
  assert.equal(rows.subarray(0, 10_000 * set.d), source.part(0).rows);
  const nearest = (i: number) => {
    const query = set.queries[i] as Float32Array;
    const products = Array.from({ length: n }, (_, row) => {
      let sum = 0;
      for (let at = 0; at < set.d; at++) sum += (query[at] as number) * (rows[row * set.d + at] as number);
      return { row, sum };
    });
    return products
      .sort((a, b) => b.sum - a.sum)
      .slice(0, 10)
      .map(({ row }) => row);
  };
  assert.is(set.recall(nearest), 1);
  assert.is(
    set.recall((i) => nearest(i).slice(0, 5)),
    0.5,
  );
  assert.is(
    set.recall(() => []),
    0,
  );
  const half = (i: number) => [...nearest(i).slice(0, 7), 1, 2, 3];
  const oracle = set.queries.reduce((sum, query, i) => sum + recallOf(half(i), query, rows, 10), 0);
  assert.ok(Math.abs(set.recall(half) - oracle / questions) < 1e-9);
  // Without the rows, questions and neighbours are the same.
  const bare = join(directory, 'bare');
  writeSet(bare, source, false);
  assert.equal(openSet(bare).queries, set.queries);
});

test('wordings are what makes near neighbours', () => {
  const fit = shippedFit();
  const nearestTo = (chance: number) => {
    const wordings = { ...fit.wordings, chance };
    const changed: Fit = { ...fit, matters: { ...fit.matters, size: 40 }, wordings };
    const { rows } = fittedRows(2_000, 0, seed, changed).part(0);
    const d = fit.spectrum.length;
    let sum = 0;
    for (let a = 0; a < 50; a++) {
      let most = -1;
      for (let b = 0; b < 2_000; b++) {
        if (a === b) continue;
        let product = 0;
        for (let i = 0; i < d; i++) product += (rows[a * d + i] as number) * (rows[b * d + i] as number);
        most = Math.max(most, product);
      }
      sum += most;
    }
    return sum / 50;
  };
  assert.ok(nearestTo(0.9) > nearestTo(0) + 0.05);
});

test.run();
