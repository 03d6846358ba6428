// How P(same) decides: the band of doubt, the pair model inside it, its failures, and what service has taught.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PairModel } from '#dist/core/pair-model.js';
import { isPromise } from '#dist/core/tier.js';
import { type Asked, decide, type Verdict } from '#dist/decide/decide.js';
import { featureNames } from '#dist/decide/pair-features.js';
import type { PairStage, Policy } from '#dist/decide/policy.js';
import type { Verifier } from '#dist/decide/verifier.js';
import { manualClock } from '#dist/testing/index.js';
import { candidate } from './candidate.js';

const test = suite('decide: P(same)');
const vector = Float32Array.of(1, 0);
const asked: Asked = { text: 'How do I reset my password?', vector, key: 'a'.repeat(64) };

/** P(same) is the cosine; with a logit of the pair model above 0 it is 0.97, else 0.03. */
const verifier: Verifier = {
  embedder: 'e'.repeat(64),
  fingerprint: 'f'.repeat(64),
  probability: ({ cosine }) => cosine,
  withLogit: (_pair, logit) => (logit > 0 ? 0.97 : 0.03),
};

const stored = (question: string, similarity: number) => {
  const { entry } = candidate(question, similarity);
  return { entry: { ...entry, key: question.padEnd(64, '.').slice(0, 64), vector }, similarity };
};

const base: Policy = { minSimilarity: 0.6, rules: [], minProbability: { alone: 0.9, paired: 0.8 }, verifier };

function stage(score: PairModel['score'], clock = manualClock(), more: Partial<PairStage> = {}): PairStage {
  const model: PairModel = { name: 'judge', fingerprint: '0'.repeat(64), score, close: async () => {} };
  return { model, band: [0.3, 0.95], minSimilarity: 0.6, most: 2, timeoutMs: 100, clock, ...more };
}

const atOnce = (verdict: Verdict | Promise<Verdict>): Verdict => {
  assert.not.ok(isPromise(verdict));
  return verdict as Verdict;
};

test('without a pair model the threshold on P(same) decides, inclusive, and the decision tells all', () => {
  const near = stored('How can I change my password?', 0.9);
  const { accepted, decision } = atOnce(decide(asked, [near], base));
  assert.is(accepted, near);
  assert.is(decision.basis, 'verifier');
  assert.is(decision.pSame, 0.9);
  assert.is(decision.required, 0.9);
  assert.is(decision.candidate?.question, near.entry.question);
  assert.equal(Object.keys(decision.features), [...featureNames]);
  // They are named when they are read, which no way of writing a decision may miss.
  assert.equal(JSON.parse(JSON.stringify(decision)).features, { ...decision.features });
  assert.equal(structuredClone({ ...decision }).features, { ...decision.features });
  assert.is(atOnce(decide(asked, [stored('other', 0.89)], base)).decision.accepted, false);
});

test('the most probable candidate is taken, not the nearest', () => {
  const odd: Verifier = { ...verifier, probability: ({ cosine }) => (cosine > 0.8 ? 0.1 : 0.93) };
  const list = [stored('nearest', 0.85), stored('most probable', 0.7)];
  assert.is(atOnce(decide(asked, list, { ...base, verifier: odd })).accepted, list[1]);
});

test('the pair model is asked only inside the band, and nothing is awaited outside of it', async () => {
  const pairs: string[] = [];
  const policy = { ...base, pairs: stage(async (_a, b) => 5 + 0 * pairs.push(b)) };
  assert.is(
    atOnce(decide(asked, [stored('sure', 0.99), stored('doubt', 0.7)], policy)).decision.accepted,
    true,
  );
  assert.equal(pairs, []);
  const { decision, accepted } = await decide(asked, [stored('doubt', 0.7)], policy);
  assert.equal(pairs, ['doubt']);
  assert.is(decision.basis, 'pair model');
  assert.is(decision.pairLogit, 5);
  assert.is(decision.pSame, 0.97);
  assert.is(accepted?.entry.question, 'doubt');
  const refusing = { ...policy, pairs: stage(async () => -5) };
  assert.is((await decide(asked, [stored('doubt', 0.94)], refusing)).accepted, undefined);
});

test('at most so many candidates are asked about, in two tiers together', async () => {
  const pairs: string[] = [];
  const policy = { ...base, pairs: stage(async (_a, b) => -5 + 0 * pairs.push(b)) };
  const query = { ...asked, logits: new Map<string, number | undefined>() };
  const list = [stored('a', 0.9), stored('b', 0.85), stored('c', 0.8)];
  await decide(query, list, policy);
  await decide(query, list, policy);
  assert.equal(pairs.sort(), ['a', 'b']);
});

test('a pair model that fails, is late, or gives no number is decided without, and told', async () => {
  const clock = manualClock();
  const never = () => new Promise<number>(() => {});
  const failures: unknown[] = [];
  const onAsked = (error: unknown) => void failures.push(error);
  for (const score of [() => Promise.reject(new Error('down')), async () => Number.NaN, never]) {
    const policy = { ...base, pairs: stage(score, clock, { onAsked }) };
    // What suffices without a pair model is served, what needs one is not.
    const served = decide(asked, [stored('good', 0.92)], policy);
    const refused = decide(asked, [stored('doubtful', 0.85)], policy);
    await clock.advance(100);
    assert.is((await served).decision.accepted, true);
    assert.is((await served).decision.basis, 'verifier');
    assert.is((await refused).decision.accepted, false);
  }
  assert.is(failures.length, 6);
  assert.ok(failures.every((error) => error instanceof Error));
});

test('an abort ends the wait for the pair model', async () => {
  const abort = new AbortController();
  const policy = { ...base, pairs: stage(() => new Promise(() => {})) };
  const deciding = decide({ ...asked, signal: abort.signal }, [stored('doubt', 0.7)], policy);
  abort.abort();
  assert.is((await deciding).decision.accepted, false);
});

test('a probability that is none is no knowledge, and a question without a vector is not served by one', () => {
  for (const value of [Number.NaN, 2, -1]) {
    const broken = { ...base, verifier: { ...verifier, probability: () => value } };
    assert.is(atOnce(decide(asked, [stored('near', 0.99)], broken)).accepted, undefined);
  }
  assert.is(atOnce(decide(asked.text, [stored('near', 0.99)], base)).accepted, undefined);
});

test('what service taught refuses the pair, and asks for more in its neighbourhood', () => {
  const near = stored('near', 0.93);
  const experience = {
    refuses: (_asked: string, key: string) => key === near.entry.key,
    shift: 0,
    caution: () => () => 0,
  };
  const refused = atOnce(decide(asked, [near, stored('next', 0.92)], { ...base, experience }));
  assert.is(refused.refused?.rule, 'feedback');
  assert.is(refused.accepted?.entry.question, 'next');
  const careful = { ...experience, refuses: () => false, caution: () => () => 2 };
  assert.is(atOnce(decide(asked, [near], { ...base, experience: careful })).accepted, undefined);
  const strict = { ...experience, refuses: () => false, shift: 1 };
  assert.is(atOnce(decide(asked, [near], { ...base, experience: strict })).accepted, undefined);
  // Where the cosine decides, the same makes that stricter, and nothing makes it looser.
  const cosine: Policy = { minSimilarity: 0.9, rules: [], experience: strict };
  assert.is(atOnce(decide(asked, [stored('x', 0.91)], cosine)).accepted, undefined);
  const loose: Policy = { ...cosine, experience: { ...strict, shift: -1 } };
  assert.is(atOnce(decide(asked, [stored('x', 0.89)], loose)).accepted, undefined);
});

test.run();
