// The budget against worlds with a known error rate: it tightens, it loosens, it does not swing, and it survives a restart.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sigmoid } from '#dist/decide/calibration.js';
import { Budget, leastSteps, mostSteps, stepEveryMs } from '#dist/learning/budget.js';
import { type ManualClock, manualClock } from '#dist/testing/index.js';
import { seededRandom } from '#dist/testing/random.js';

const test = suite('learning: error budget');
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);

/** Checks hits that are wrong with the given probability, one a second. */
async function live(budget: Budget, clock: ManualClock, checks: number, wrongAt: (steps: number) => number) {
  const random = seededRandom(seed);
  for (let i = 0; i < checks; i++) {
    budget.served();
    budget.checked(random() < wrongAt(budget.state.steps), undefined);
    if (i % 10 === 9) await clock.advance(10_000);
  }
}

test('more wrong than promised makes stricter until the promise is kept, and then it stays there', async () => {
  const clock = manualClock();
  const budget = new Budget({ maxErrorRate: 0.05, clock });
  // Half as often wrong with every second step.
  await live(budget, clock, 4_000, (steps) => 0.2 * 0.5 ** (steps / 2));
  const { steps } = budget.estimate();
  assert.ok(steps >= 3, `${steps} steps`);
  assert.ok(0.2 * 0.5 ** (steps / 2) < 0.07, `${steps} steps`);
});

test('always wrong makes as strict as it gets, never wrong as loose as it gets, and no further', async () => {
  const clock = manualClock();
  const budget = new Budget({ maxErrorRate: 0.05, clock });
  await live(budget, clock, 3_000, () => 1);
  assert.is(budget.estimate().steps, mostSteps);
  await live(budget, clock, 6_000, () => 0);
  assert.is(budget.estimate().steps, leastSteps);
});

test('a rate just under the promise changes nothing: there is no room to loosen', async () => {
  const clock = manualClock();
  const budget = new Budget({ maxErrorRate: 0.3, clock });
  for (let i = 0; i < 4_000; i++) {
    budget.checked((i * 37) % 100 < 28, undefined);
    if (i % 20 === 19) await clock.advance(20_000);
  }
  assert.ok(Math.abs(budget.estimate().steps) <= 1, `${budget.estimate().steps}`);
});

test('there is at most one step a minute', () => {
  const clock = manualClock();
  const budget = new Budget({ maxErrorRate: 0.01, clock });
  for (let i = 0; i < 1_000; i++) budget.checked(true, undefined);
  assert.is(budget.estimate().steps, 1);
  assert.ok(stepEveryMs >= 1_000);
});

test('reports of wrong hits tighten once they alone exceed the promise, and never loosen', async () => {
  const clock = manualClock();
  const budget = new Budget({ maxErrorRate: 0.02, clock });
  for (let i = 0; i < 300; i++) budget.served();
  for (let i = 0; i < 30; i++) budget.told(true, undefined);
  assert.is(budget.estimate().steps, 1);
  const calm = new Budget({ maxErrorRate: 0.02, clock });
  for (let i = 0; i < 300; i++) {
    calm.served();
    calm.told(false, undefined);
    await clock.advance(stepEveryMs);
  }
  assert.is(calm.estimate().steps, 0);
});

test('without a promise it only measures, and the interval holds the truth', async () => {
  const clock = manualClock();
  const budget = new Budget({ maxErrorRate: undefined, clock });
  await live(budget, clock, 1_000, () => 0.1);
  const { rate, low, high, checked, steps } = budget.estimate();
  assert.is(steps, 0);
  assert.ok(low < 0.13 && high > 0.07 && low <= rate && rate <= high, `${low} ${rate} ${high}`);
  assert.ok(checked > 990 && checked <= 1_000);
});

test('verdicts move the calibration towards what they say', () => {
  const clock = manualClock();
  const budget = new Budget({ maxErrorRate: undefined, clock });
  const random = seededRandom(seed);
  // P(same) is given too high by one logit.
  let sum = 0;
  for (let i = 0; i < 6_000; i++) {
    const logit = 4 * random();
    budget.checked(random() >= sigmoid(logit - 1), sigmoid(logit - budget.shift));
    if (i >= 1_000) sum += budget.shift;
  }
  // A step of a tenth keeps it moving about the truth, so its mean is asked.
  assert.ok(Math.abs(sum / 5_000 - 1) < 0.3, `${sum / 5_000}`);
});

test('what is kept continues where it was, and ages', async () => {
  const clock = manualClock();
  const budget = new Budget({ maxErrorRate: 0.05, clock });
  await live(budget, clock, 500, () => 0.5);
  const again = new Budget({ maxErrorRate: 0.05, clock, state: structuredClone(budget.state) });
  assert.equal(again.estimate(), budget.estimate());
  await clock.advance(7 * 24 * 3_600_000);
  assert.ok(again.estimate().checked < 0.51 * budget.state.checked || budget.state.checked < 260);
  assert.is(again.estimate().steps, budget.estimate().steps);
});

test.run();
