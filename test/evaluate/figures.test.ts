// Figures of ranked pairs, against the plain ones, and their intervals.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { areaUnderCurve, precisions, recallAt } from '#dist/decide/metrics.js';
import { figuresOf, type Ranked, reachablePoints, weighted } from '#dist/evaluate/figures.js';

const test = suite('evaluate: figures');
const ranked = fc.array(
  fc.record({
    score: fc.integer({ min: 0, max: 9 }).map((n) => n / 9),
    same: fc.boolean(),
    isWithinReach: fc.integer({ max: 4, min: 0 }).map((n) => n > 0),
  }),
  { minLength: 1, maxLength: 40 },
);
const inOrder = (pairs: readonly Ranked[]) =>
  [...pairs].sort((a, b) => Number(b.isWithinReach) - Number(a.isWithinReach) || b.score - a.score);
const near = (a: number, b: number) => (Number.isNaN(a) ? Number.isNaN(b) : Math.abs(a - b) < 1e-12);

test('counted so many times is the same as written so many times', () => {
  fc.assert(
    fc.property(
      ranked,
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 40, maxLength: 40 }),
      (pairs, counts) => {
        const sorted = inOrder(pairs);
        const written = sorted.flatMap((pair, at) => new Array<Ranked>(counts[at] as number).fill(pair));
        const { auc, recalls } = weighted(sorted, counts);
        const area = areaUnderCurve(
          written.map(({ score, same, isWithinReach }) => ({ score: score + (isWithinReach ? 2 : 0), same })),
        );
        assert.ok(near(auc, area), `${auc} ${area}`);
        const points = reachablePoints(written);
        for (const [at, precision] of precisions.entries())
          assert.ok(near(recalls[at] as number, recallAt(points, Number(precision))));
      },
    ),
  );
});

test('the figures lie in their intervals, and the same seed gives the same ones', () => {
  const pairs = Array.from({ length: 400 }, (_, i): Ranked => {
    const score = (i * 0.618) % 1;
    return { score, same: (score + ((i * 0.414) % 1)) / 2 > 0.5, isWithinReach: i % 10 > 0 };
  });
  const [one, two] = [figuresOf(pairs, 200, 7), figuresOf(pairs, 200, 7)];
  assert.equal(one, two);
  const [low, high] = one.aucInterval as readonly [number, number];
  assert.ok(low < (one.auc as number) && (one.auc as number) < high, `${low} ${one.auc} ${high}`);
  // 0.08 is four standard errors of an area near 0.8 of 400 pairs.
  assert.ok(high - low < 0.16, `${low} ${high}`);
  for (const name of precisions) {
    const [least, most] = one.recallIntervals[name] as readonly [number, number];
    assert.ok(least <= most && most <= 1);
  }
  assert.ok(one.greatestRecall < 1, 'what is out of reach is never accepted');
  assert.not.equal(figuresOf(pairs, 200, 8).aucInterval, one.aucInterval);
});

test('pairs of one kind have no area', () => {
  const { auc, aucInterval, recallAtPrecision } = figuresOf(
    [{ score: 1, same: true, isWithinReach: true }],
    10,
  );
  assert.is(auc, null);
  assert.is(aucInterval, null);
  assert.is(recallAtPrecision['0.98'], 1);
});

test.run();
