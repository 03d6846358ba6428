// The verifier of the package: it decides where an error rate is asked for and the embedder is its own, and nowhere else.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explainPair, openCache } from '#dist/index.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('shipped verifier');
const none = { file: null, env: {} };
const asked = 'How long should I boil a soft egg?';
const stored = 'How long do I boil a soft egg?';

test('an error rate is promised from the first question, calibrated', async () => {
  const decision = await explainPair(asked, stored, { ...none, decide: { maxErrorRate: 0.15 } });
  assert.is(decision.basis, 'verifier');
  assert.is(decision.policy.promise, 'calibrated');
  assert.ok(decision.accepted && (decision.pSame ?? 0) >= (decision.required ?? 1));
  const strict = await explainPair(asked, stored, { ...none, decide: { maxErrorRate: 0.0001 } });
  assert.is(strict.policy.promise, 'out of reach');
  assert.not(strict.accepted);
});

test('a question that a rule refuses stays refused', async () => {
  const decision = await explainPair('Is the meeting before lunch?', 'Is the meeting after lunch?', {
    ...none,
    decide: { maxErrorRate: 0.25 },
  });
  assert.not(decision.accepted);
  assert.ok(decision.rules.length > 0);
});

test('without an error rate the cosine decides, and for another embedder nothing is known', async () => {
  const plain = await explainPair(asked, stored, none);
  assert.is(plain.basis, 'similarity');
  const other = await explainPair(asked, stored, {
    ...none,
    embedding: { useMock: true },
    decide: { maxErrorRate: 0.15 },
  });
  assert.is(other.policy.promise, 'uncalibrated');
  assert.is(other.pSame, undefined);
});

test('the pair model is asked where there is doubt, unless it is switched off', async () => {
  // P(same) of the verifier lies inside the band of doubt.
  const [doubtful, held] = ['Does swimming help with back problems?', 'Is swimming good for your back?'];
  for (const pairModel of [true, false]) {
    const cache = await openCache({
      ...none,
      cache: { directory: temporaryDirectory() },
      decide: { maxErrorRate: 0.15, pairModel, pairTimeoutMs: 60_000 },
    });
    try {
      await cache.set(held as string, 'mostly yes');
      const { decision } = await cache.get(doubtful as string);
      assert.is(decision.basis, pairModel ? 'pair model' : 'verifier');
      assert.is(decision.pairLogit !== undefined, pairModel);
    } finally {
      await cache.close();
    }
  }
});

test.run();
