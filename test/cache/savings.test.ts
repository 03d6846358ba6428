// What hits save: tokens as answers state them or as counted, money by the price table, time; by result, in all and by scope.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ScopeFields } from '#dist/core/scope.js';
import { Prices } from '#dist/savings/prices.js';
import { mostScopes, Savings } from '#dist/savings/savings.js';
import { readUsage, usageOf } from '#dist/savings/usage.js';
import { manualClock } from '#dist/testing/index.js';
import { codeOf, temporaryDirectory } from '../disk/support.js';
import { assemble, deferred, openMock, turns } from './support.js';

const test = suite('savings');
const nothing = { inputTokens: 0, outputTokens: 0, cost: 0, ms: 0 };
const usage = { inputTokens: 1_000, outputTokens: 500 };
const savings = { prices: ['m=2/10', 'm-mini=0.5/1'], currency: 'EUR' };
const perHit = (1_000 * 2 + 500 * 10) / 1_000_000;

test('the usage of an answer is read in the forms of APIs and frameworks, and of nothing else', () => {
  const forms: readonly unknown[] = [
    { usage: { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 } },
    { usage: { input_tokens: 1_000, output_tokens: 500 } },
    { text: 'x', usage: { inputTokens: 1_000, outputTokens: 500 } },
    { usage: { inputTokens: { total: 1_000, noCache: 1 }, outputTokens: { total: 500 } } },
    { usage: { promptTokens: 1_000, completionTokens: 500 } },
    { content: 'x', usage_metadata: { input_tokens: 1_000, output_tokens: 500 } },
    { type: 'response.completed', response: { usage: { input_tokens: 1_000, output_tokens: 500 } } },
  ];
  for (const form of forms) assert.equal(usageOf(form), usage, JSON.stringify(form));
  assert.equal(usageOf('a text', ['a', ' text', forms[0]]), usage, 'the last parts of a stream');
  assert.equal(usageOf('a text', [forms[0], ...Array(20).fill('x')]), undefined, 'and only the last');
  assert.equal(readUsage({ input_tokens: 3 }), { inputTokens: 3, outputTokens: 0 });
  const none = [undefined, null, 7, 'usage', [], {}, { usage: 5 }, { usage: { input_tokens: '9' } }];
  const bad = [{ usage: { input_tokens: -1 } }, { usage: { input_tokens: Number.NaN } }];
  for (const form of [...none, ...bad]) assert.is(usageOf(form), undefined);
});

test('a model has the price of the longest name that it begins with, or none', () => {
  const prices = new Prices({ m: { input: 1, output: 0 }, 'm-mini': { input: 2, output: 0 } });
  const cost = (model?: string) => prices.cost(model, { inputTokens: 1_000_000, outputTokens: 9 });
  assert.equal(['m', 'm-2031', 'm-mini', 'm-mini-x'].map(cost), [1, 1, 2, 2]);
  assert.equal([cost(), cost('mm'), cost(''), cost('__proto__'), cost('other')], [0, 0, 0, 0, 0]);
  for (const input of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1', undefined])
    assert.throws(() => new Prices({ m: { input, output: 1 } as never }), /prices\.m\.input/);
});

test('a hit tells what it saved, exact or by meaning, here and after a restart; a miss saves nothing', async () => {
  const directory = temporaryDirectory();
  const scope = { tenant: 't', model: 'm-2031' };
  const open = () => openMock({ directory, savings });
  let cache = await open();
  const made = await cache.ask('how do I boil an egg', () => ({ text: 'eight minutes', usage }), { scope });
  assert.equal([made.saved, made.usage], [nothing, usage]);
  const { saved, usage: told } = await cache.ask('how do I boil an egg', () => 0, { scope });
  assert.equal([told, saved.inputTokens, saved.outputTokens, saved.cost], [usage, 1_000, 500, perHit]);
  const reworded = await cache.get('how do I boil an egg please', { scope });
  assert.equal([reworded.match, reworded.saved.cost], ['semantic', perHit]);
  assert.equal((await cache.get('who was the first king', { scope })).saved, nothing);
  const { calls, cost, currency, scopes, otherScopes } = (await cache.stats()).saved;
  assert.equal([calls, cost, currency], [2, 2 * perHit, 'EUR']);
  assert.equal(
    scopes.map((one) => [one.tenant, one.model, one.calls, one.outputTokens]),
    [['t', 'm-2031', 2, 1_000]],
  );
  assert.equal(otherScopes.calls, 0);
  await cache.close();
  cache = await open();
  // In this order: the vector that is found brings its question into memory.
  for (const [question, tier] of [
    ['how do I boil an egg please', 'vector'],
    ['how do I boil an egg', 'memory'],
  ]) {
    const found = await cache.get(question as string, { scope });
    assert.equal([found.usage, found.saved.cost, found.tier], [usage, perHit, tier]);
  }
  await cache.close();
});

test('usage may be reported by whoever generates, plain or as a stream; what is reported is believed first', async () => {
  const cache = await openMock({ savings });
  const scope = { model: 'm' };
  const reported = { prompt_tokens: 7, completion_tokens: 9 };
  await cache.wrap('one plain question', ({ reportUsage }) => {
    reportUsage(reported);
    reportUsage('nonsense');
    return { usage };
  });
  assert.equal((await cache.get('one plain question')).usage, { inputTokens: 7, outputTokens: 9 });
  async function* parts() {
    yield { type: 'text', text: 'x' };
    yield { type: 'finish', usage };
  }
  for await (const _ of await cache.wrapStream('a streamed question', parts, { scope }));
  await cache.idle();
  const again = await cache.wrapStream('a streamed question', parts, { scope });
  assert.equal([again.lookup.usage, again.lookup.saved.cost], [usage, perHit]);
  await again.return();
  await cache.close();
});

test('milliseconds saved are those of the generation less those of the hit, by the clock', async () => {
  const clock = manualClock();
  const cache = assemble({ clock });
  await cache.wrap('q', async () => {
    clock.advance(1_200);
    return 'v';
  });
  const hit = await cache.get('q');
  assert.is(hit.saved.ms, 1_200 - hit.latencyMs);
  assert.is((await cache.stats()).saved.ms, hit.saved.ms);
  await cache.set('of unknown cost', 'v');
  assert.is((await cache.get('of unknown cost')).saved.ms, 0);
  await cache.close();
});

test('callers that share a generation, or a stream, save its tokens', async () => {
  const cache = await openMock({ savings });
  const scope = { model: 'm' };
  const gate = deferred();
  const asked = [0, 1, 2].map(() => cache.ask('q', () => gate.promise.then(() => ({ usage })), { scope }));
  await turns();
  gate.resolve();
  const answers = await Promise.all(asked);
  assert.equal(answers.map(({ saved }) => saved.cost).sort(), [0, perHit, perHit]);
  assert.equal(
    answers.map((answer) => answer.usage),
    [usage, usage, usage],
  );
  assert.is((await cache.stats()).saved.calls, 2);
  const hold = deferred();
  async function* parts() {
    yield { text: 'x' };
    await hold.promise;
    yield { usage };
  }
  const streams = [0, 1].map(async () => {
    for await (const _ of await cache.wrapStream('s', parts, { scope }));
  });
  await turns();
  hold.resolve();
  await Promise.all(streams);
  await cache.idle();
  const { calls, cost } = (await cache.stats()).saved;
  assert.equal([calls, cost], [3, 3 * perHit], 'known at the end of the stream');
  await cache.close();
});

test('with count_tokens texts are counted, with the system prompt; other values without usage are not', async () => {
  const cache = await openMock({ savings: { ...savings, countTokens: true } });
  const scope: ScopeFields = { model: 'm', system: 'Be brief.' };
  await cache.wrap('How do I boil an egg?', () => 'Eight minutes.', { scope });
  const counted = (await cache.get('How do I boil an egg?', { scope })).usage;
  assert.equal(counted, { inputTokens: 3 + 7, outputTokens: 3 });
  await cache.wrap('another thing', () => ({ text: 'an object' }), { scope });
  assert.is((await cache.get('another thing', { scope })).usage, undefined);
  await cache.wrap('a long answer', () => 'word '.repeat(60_000), { scope });
  const long = (await cache.get('a long answer', { scope })).usage?.outputTokens ?? 0;
  assert.ok(Math.abs(long - 60_000) < 600, `${long}`);
  await cache.close();
});

test('sums are kept for a bounded number of scopes, and none ever falls', () => {
  const sums = new Savings();
  const scope = (i: number) => ({ id: `${i}`, fields: { tenant: `${i}` } }) as never;
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < mostScopes + 10; i++) sums.note(scope(i), { usage }, 0);
  const { calls, scopes, otherScopes } = sums.stats();
  assert.equal([calls, scopes.length, otherScopes.calls], [2 * (mostScopes + 10), mostScopes, 20]);
  assert.ok(scopes.every((one) => one.calls === 2));
});

test('a price that is none is refused by the configuration', async () => {
  for (const prices of [['m'], ['m=1'], ['m=1/x'], ['=1/2'], ['m=-1/2'], [7]])
    assert.is(
      await codeOf(() => openMock({ savings: { prices: prices as string[] } })),
      'ERR_LLM_CACHE_CONFIG',
    );
});

test.run();
