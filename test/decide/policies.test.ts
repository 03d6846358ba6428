// Which policy holds: by scope, by category, and as a call wants it, which may tighten and never loosen.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { policyFor } from '#dist/decide/acceptance.js';
import { onePolicy, Policies, type PoliciesOptions } from '#dist/decide/policies.js';
import { policy, ruleNames } from '#dist/decide/policy.js';

const test = suite('decide: policies');
const means = { rules: ruleNames };
const isRefused = ({ code }: { code?: string }) => code === 'ERR_LLM_CACHE_ARGUMENT';
const make = (more: Partial<PoliciesOptions>) =>
  new Policies({ base: policyFor({ minSimilarity: 0.9 }, means), means, ...more });

test('a category has its own threshold, time to live and storage; the first that matches holds', () => {
  const policies = make({
    categories: [
      { name: 'prices', pattern: '\\bprice', accept: { minSimilarity: 0.97 }, ttlSeconds: 60 },
      { name: 'private', pattern: 'my account', store: false },
      { name: 'never reached', pattern: 'price', accept: { minSimilarity: 0.1 } },
    ],
  });
  const prices = policies.for('What is the PRICE of tea?', {});
  assert.is(prices.policy.minSimilarity, 0.97);
  assert.is(prices.policy.category, 'prices');
  assert.is(prices.ttlMs, 60_000);
  assert.is(policies.for('Show my account', {}).store, false);
  const plain = policies.for('How do I brew tea?', {});
  assert.is(plain.policy, policies.base);
  assert.is(plain.ttlMs, undefined);
  assert.is(plain.store, true);
});

test("a scope's policy replaces the cache's, and tightens a category's", () => {
  const policies = make({
    scopes: [{ scope: { tenant: 'bank' }, accept: { minSimilarity: 0.95 } }],
    categories: [
      { name: 'loose', pattern: 'weather', accept: { minSimilarity: 0.7 } },
      { name: 'strict', pattern: 'dose', accept: { minSimilarity: 0.99 } },
    ],
  });
  const at = (question: string, tenant?: string) => policies.for(question, { tenant }).policy.minSimilarity;
  assert.is(at('x', 'bank'), 0.95);
  assert.is(at('x', 'shop'), 0.9);
  assert.is(at('weather'), 0.7);
  assert.is(at('weather', 'bank'), 0.95);
  assert.is(at('dose', 'bank'), 0.99);
});

test('a call may tighten and never loosen', () => {
  const policies = make({});
  assert.is(policies.for('x', {}, { minSimilarity: 0.95 }).policy.minSimilarity, 0.95);
  assert.is(policies.for('x', {}, { minSimilarity: 0.9 }).policy.minSimilarity, 0.9);
  assert.throws(() => policies.for('x', {}, { minSimilarity: 0.89 }), isRefused);
  const promised = make({ base: policyFor({ maxErrorRate: 0.05 }, means) });
  assert.is(promised.for('x', {}, { maxErrorRate: 0.01 }).policy.maxErrorRate, 0.01);
  assert.throws(() => promised.for('x', {}, { maxErrorRate: 0.06 }), isRefused);
  for (const wrong of [
    {},
    null,
    5,
    { minSimilarity: 0.9, maxErrorRate: 0.1 },
    { maxErrorRate: 0 },
    { minSimilarity: Number.NaN },
  ])
    assert.throws(() => policies.for('x', {}, wrong as never), isRefused);
});

test('any number of wishes of callers takes bounded memory, and gives what is asked for', () => {
  const policies = onePolicy(policy({ minSimilarity: 0.5 }));
  for (let i = 0; i < 2_000; i++) {
    const minSimilarity = 0.5 + i / 5_000;
    assert.is(policies.for('x', {}, { minSimilarity }).policy.minSimilarity, minSimilarity);
  }
});

test('a pattern or a wish that cannot be read is refused when the policies are made', () => {
  assert.throws(() => make({ categories: [{ name: 'x', pattern: '(' }] }), isRefused);
  assert.throws(() => make({ categories: [{ name: 'x', pattern: 'x', accept: {} as never }] }), isRefused);
  assert.throws(() => make({ scopes: [{ scope: {}, accept: { minSimilarity: 3 } }] }), isRefused);
});

test.run();
