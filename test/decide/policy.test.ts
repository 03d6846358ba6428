// What a policy takes and what it refuses.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidArgumentError } from '#dist/core/errors.js';
import { defaultMinSimilarity, policy, ruleNames } from '#dist/decide/policy.js';

const test = suite('decide: policy');

test('the default asks for much similarity and uses every rule', () => {
  assert.equal(policy(), { minSimilarity: defaultMinSimilarity, rules: ruleNames });
  assert.ok(defaultMinSimilarity >= 0.9 && defaultMinSimilarity < 0.95);
  assert.equal(policy({ minSimilarity: undefined, rules: undefined }), policy());
});

test('rules are kept once each and in the order of ruleNames', () => {
  assert.equal(policy({ rules: ['names', 'numbers', 'names'] }).rules, ['numbers', 'names']);
  assert.equal(policy({ rules: [] }).rules, []);
  assert.equal(policy({ rules: 'none' }).rules, []);
  assert.equal(policy({ rules: 'all' }).rules, ruleNames);
});

test('both ends of the range are thresholds', () => {
  assert.is(policy({ minSimilarity: -1 }).minSimilarity, -1);
  assert.is(policy({ minSimilarity: 1 }).minSimilarity, 1);
});

test('a threshold outside the range or of another type is refused', () => {
  for (const minSimilarity of [
    1.0000001,
    -1.0000001,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '0.9',
    null,
    1n,
  ]) {
    const isRefused = (error: Error) =>
      error instanceof InvalidArgumentError && /minSimilarity/.test(error.message);
    assert.throws(() => policy({ minSimilarity: minSimilarity as number }), isRefused);
  }
});

test('unknown rules are refused with the list of the known ones', () => {
  for (const rules of [['number'], 'some', 7, null, ['constructor']]) {
    const isRefused = (error: Error) =>
      error instanceof InvalidArgumentError &&
      error.code === 'ERR_LLM_CACHE_ARGUMENT' &&
      /rules/.test(error.message);
    assert.throws(() => policy({ rules: rules as never }), isRefused);
  }
  assert.throws(() => policy({ rules: ['number' as never] }), /numbers, negation/);
});

test('options that are no object are refused', () => {
  for (const options of [null, 0.9, 'all']) {
    assert.throws(
      () => policy(options as never),
      (error: Error) => error instanceof InvalidArgumentError,
    );
  }
});

test('a policy cannot be changed afterwards', () => {
  const made = policy({ rules: ['numbers'] });
  assert.throws(() => (made.rules as string[]).push('names'));
  assert.throws(() => (policy().rules as string[]).pop());
  assert.throws(() => {
    (made as { minSimilarity: number }).minSimilarity = 0;
  });
});

test.run();
