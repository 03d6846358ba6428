// Figures of scored pairs, against counting every pair and every threshold.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  areaUnderCurve,
  precisionRecall,
  precisions,
  recallAt,
  recallAtPrecision,
  type Scored,
} from '#dist/decide/metrics.js';

const test = suite('metrics');
// Few different scores, so that many tie.
const pairs = fc.array(
  fc.record({ score: fc.integer({ min: 0, max: 9 }).map((n) => n / 9), same: fc.boolean() }),
  { minLength: 1, maxLength: 40 },
);

function countedArea(all: readonly Scored[]): number {
  let [won, met] = [0, 0];
  for (const a of all.filter((pair) => pair.same))
    for (const b of all.filter((pair) => !pair.same)) {
      met++;
      won += a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0;
    }
  return won / met;
}

test('the area is the share of orders that are right', () => {
  fc.assert(
    fc.property(pairs, (all) => {
      const [area, counted] = [areaUnderCurve(all), countedArea(all)];
      assert.ok(Number.isNaN(counted) ? Number.isNaN(area) : Math.abs(area - counted) < 1e-12);
    }),
  );
});

test('each point tells what its threshold accepts, and every threshold has one', () => {
  fc.assert(
    fc.property(pairs, (all) => {
      const points = precisionRecall(all);
      assert.equal(
        points.map(({ threshold }) => threshold),
        [...new Set(all.map(({ score }) => score))].sort((a, b) => b - a),
      );
      const same = all.filter((pair) => pair.same).length;
      for (const { threshold, accepted, precision, recall, hitRatio } of points) {
        const taken = all.filter(({ score }) => score >= threshold);
        const right = taken.filter((pair) => pair.same).length;
        assert.is(accepted, taken.length);
        assert.is(precision, right / taken.length);
        assert.is(recall, same === 0 ? 0 : right / same);
        assert.is(hitRatio, taken.length / all.length);
      }
    }),
  );
});

test('what a rule refuses is never accepted', () => {
  const points = precisionRecall([
    { score: 0.5, same: true },
    { score: Number.NEGATIVE_INFINITY, same: true },
  ]);
  assert.is(points.length, 1);
  assert.is(recallAt(points, 0), 0.5);
});

test('recall at a precision is the best that reaches it, also behind a dip', () => {
  const labels = [false, true, true, true, true, true, true, true, true, true];
  const points = precisionRecall(labels.map((same, i) => ({ score: 1 - i / 10, same })));
  assert.is(recallAt(points, 0.9), 1);
  assert.is(recallAt(points, 0.91), 0);
  assert.equal(Object.keys(recallAtPrecision(points)), [...precisions]);
});

test.run();
