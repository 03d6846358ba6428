// A cache that keeps popular answers warm: by rounds on the clock, over restarts, never past a removal.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GenerateContext } from '#dist/cache-types.js';
import type { Entry } from '#dist/core/entry.js';
import { type ManualClock, manualClock, mockEmbedder } from '#dist/testing/index.js';
import { memoryTier } from '#dist/tiers/memory.js';
import type { PopularQuestion } from '#dist/warm/popularity.js';
import type { WarmReport } from '#dist/warm/warmer.js';
import { assemble, openMock, turns } from '../cache/support.js';
import { codeOf, temporaryDirectory, until } from '../disk/support.js';

const test = suite('warming');
const hour = 3_600_000;

async function world({
  directory = temporaryDirectory(),
  clock = manualClock(),
  ttlSeconds = 3600,
  warming = {},
  regenerate = true,
}: {
  directory?: string;
  clock?: ManualClock;
  ttlSeconds?: number;
  warming?: object;
  regenerate?: boolean;
} = {}) {
  const asked: PopularQuestion[] = [];
  const contexts: GenerateContext[] = [];
  const cache = await openMock({
    directory,
    clock,
    cache: { ttlSeconds, minSimilarity: 1 },
    warming,
    ...(regenerate
      ? {
          regenerate: (question: PopularQuestion, context: GenerateContext) => {
            asked.push(question);
            contexts.push(context);
            return `anew ${question.question}`;
          },
        }
      : {}),
  });
  return { cache, clock, directory, asked, contexts };
}

const counts = ({ questions, held, extended, regenerated, gone, failed }: WarmReport = {} as WarmReport) => ({
  questions,
  held,
  extended,
  regenerated,
  gone,
  failed,
});
const none = { questions: 0, held: 0, extended: 0, regenerated: 0, gone: 0, failed: 0 };

test('what is asked often enough is popular; a paraphrase counts for the question that answered it', async () => {
  const { cache } = await world();
  for (let i = 0; i < 5; i++) await cache.wrap('often', () => 'a', { scope: { tenant: 't' } });
  await cache.wrap('once', () => 'b');
  const [first, second] = await cache.popular(10);
  assert.equal([first?.question, first?.count, first?.scope], ['often', 5, { tenant: 't' }]);
  assert.equal([second?.question, second?.count], ['once', 1]);
  assert.equal(counts(await cache.warm()), { ...none, questions: 1, extended: 1 });
  await cache.close();
});

test('a popular answer lives longer, with its identity; one with a shorter life of its own does not', async () => {
  const { cache, clock, asked } = await world({ warming: { extendedTtlSeconds: 7200 }, regenerate: false });
  for (let i = 0; i < 3; i++) {
    await cache.wrap('usual', () => 'a', { tags: ['t'] });
    await cache.wrap('short', () => 'b', { ttlMs: hour / 2 });
  }
  const created = (await cache.get('usual')).createdAtMs;
  assert.equal(counts(await cache.warm()), { ...none, questions: 2, extended: 1, held: 1 });
  clock.advance(1.5 * hour);
  const usual = await cache.get('usual');
  assert.equal([usual.value, usual.createdAtMs], ['a', created]);
  assert.is((await cache.get('short')).match, 'none');
  clock.advance(0.5 * hour);
  assert.is((await cache.get('usual')).match, 'none', 'the longer life ends too');
  assert.is(asked.length, 0);
  await cache.close();
});

test('what was removed is neither extended nor brought back, by tag, by key or by clearing', async () => {
  const { cache } = await world({ regenerate: false });
  for (let i = 0; i < 3; i++) {
    await cache.wrap('tagged', () => 'a', { tags: ['t'] });
    await cache.wrap('deleted', () => 'b');
  }
  await cache.idle();
  await cache.invalidate({ tags: ['t'] });
  await cache.delete('deleted');
  assert.equal(counts(await cache.warm()), { ...none, questions: 1, gone: 1 });
  for (const question of ['tagged', 'deleted']) assert.is((await cache.get(question)).match, 'none');
  await cache.clear();
  assert.equal(await cache.popular(), []);
  await cache.close();
});

test('what is gone or near its end is generated anew, with its labels, scope and context', async () => {
  const { cache, clock, asked, contexts } = await world({
    ttlSeconds: 600,
    warming: { extendedTtlSeconds: 60, intervalSeconds: 300 },
  });
  for (let i = 0; i < 3; i++) await cache.wrap('q', () => 'old', { tags: ['t'], scope: { model: 'm' } });
  assert.equal(counts(await cache.warm()), { ...none, questions: 1, held: 1 });
  for (let i = 0; i < 9; i++) await cache.get('q', { scope: { model: 'm' } });
  // Rounds come up to a tenth later.
  clock.advance(331_000);
  // The clock has begun a round of its own; this one comes after it.
  assert.equal(counts(await cache.warm()), { ...none, questions: 1, held: 1 });
  assert.equal(
    asked.map(({ question, scope }) => [question, scope]),
    [['q', { model: 'm' }]],
  );
  assert.ok(contexts[0]?.signal instanceof AbortSignal);
  assert.is((await cache.get('q', { scope: { model: 'm' } })).value, 'anew q');
  await cache.invalidate({ tags: ['t'] });
  assert.is((await cache.get('q', { scope: { model: 'm' } })).match, 'none', 'the tag was carried over');
  clock.advance(1000);
  await cache.warm();
  assert.is((await cache.get('q', { scope: { model: 'm' } })).value, 'anew q', 'gone, so it came back');
  await cache.close();
});

test('rounds come by the clock, age the counts, and a generation that fails is tried again', async () => {
  const { cache, clock, asked } = await world({
    ttlSeconds: 10,
    warming: { intervalSeconds: 100, decay: 0.5 },
  });
  let failing = true;
  cache.startWarming({
    regenerate: () => {
      if (failing) throw new Error('no model');
      return 'b';
    },
  });
  for (let i = 0; i < 40; i++) await cache.wrap('q', () => 'a');
  const before = (await cache.popular())[0]?.count as number;
  clock.advance(130_000);
  await until('a round has aged the counts', async () => {
    await turns();
    return ((await cache.popular())[0]?.count as number) < before;
  });
  assert.is((await cache.get('q')).match, 'none');
  failing = false;
  assert.is((await cache.warm())?.regenerated, 1);
  assert.is((await cache.get('q')).value, 'b');
  assert.is(asked.length, 0, 'the hook was replaced');
  await cache.close();
});

test('an aborted round ends with the reason; close ends one under way and does not wait for its generation for ever', async () => {
  const { cache } = await world();
  cache.startWarming({
    regenerate: (_question, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  for (let i = 0; i < 3; i++) await cache.get('never answered');
  const stop = new AbortController();
  const round = cache.warm({ signal: stop.signal });
  await turns();
  stop.abort(new Error('enough'));
  await round.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'enough'),
  );
  const other = codeOf(() => cache.warm());
  await turns();
  await cache.close();
  assert.ok([undefined, 'ERR_LLM_CACHE_CLOSED'].includes(await other));
  assert.is(await codeOf(() => cache.warm()), 'ERR_LLM_CACHE_CLOSED');
});

test('a restart knows what was popular and brings it into memory before it is asked for', async () => {
  const clock = manualClock();
  const first = await world({ clock });
  for (let round = 0; round < 4; round++)
    for (let i = 0; i < 30; i++) await first.cache.wrap(`q${i}`, () => `a${i}`, { scope: { tenant: 't' } });
  await first.cache.close();
  const { directory } = first;
  const second = await world({ clock, directory });
  await second.cache.warm({ topN: 1 });
  await second.cache.idle();
  const [memory] = (await second.cache.stats()).tiers;
  assert.is(memory?.entries, 30);
  for (let i = 0; i < 30; i++) {
    const found = await second.cache.get(`q${i}`, { scope: { tenant: 't' } });
    assert.equal([found.tier, found.value], ['memory', `a${i}`]);
  }
  const [popular] = await second.cache.popular(1);
  assert.equal(popular?.scope, { tenant: 't' });
  assert.ok(Math.abs((popular?.count as number) - (4 * 0.95 + 1)) < 1e-9, `${popular?.count}`);
  await second.cache.close();
  // Counts of two lives are one sum, and what is cleared is not remembered.
  const third = await world({ clock, directory });
  await third.cache.warm({ topN: 1 });
  await third.cache.clear();
  await third.cache.close();
  const fourth = await world({ clock, directory });
  await fourth.cache.warm();
  assert.equal(await fourth.cache.popular(), []);
  await fourth.cache.close();
});

test('two processes of a directory do not run a round at once', async () => {
  const clock = manualClock();
  const one = await world({ clock });
  const two = await world({ clock, directory: one.directory });
  for (let i = 0; i < 3; i++) for (const { cache } of [one, two]) await cache.get('unanswered');
  let finish: (() => void) | undefined;
  one.cache.startWarming({
    regenerate: () =>
      new Promise((resolve) => {
        finish = () => resolve('x');
      }),
  });
  const round = one.cache.warm();
  await until('it generates', () => finish !== undefined);
  const other = await two.cache.warm();
  assert.equal([other?.elsewhere, other?.gone, two.asked.length], [true, 1, 0]);
  finish?.();
  assert.is((await round)?.regenerated, 1);
  assert.is((await two.cache.warm())?.elsewhere, false);
  await one.cache.close();
  await two.cache.close();
});

test('an answer carries what its generation took, so that memory keeps the dear ones', async () => {
  const clock = manualClock();
  const tier = memoryTier({ dimension: mockEmbedder().dimension, maxEntries: 20, clock });
  const cache = assemble({ tiers: [tier], clock, semantic: () => false });
  const ask = (question: string, tookMs: number) =>
    cache.wrap(question, () => {
      clock.advance(tookMs);
      return 'a';
    });
  const { key } = await cache.get('dear 0');
  await ask('dear 0', 3000);
  await cache.idle();
  assert.is(((await tier.get(key, cache.scope({}))) as Entry).costMs, 3000);
  // Each is asked once; what is cheap comes last and in far greater number.
  for (let i = 1; i < 10; i++) await ask(`dear ${i}`, 3000);
  for (let i = 0; i < 200; i++) await ask(`cheap ${i}`, 1);
  const left = await Promise.all(Array.from({ length: 10 }, (_, i) => cache.get(`dear ${i}`)));
  assert.ok(left.filter(({ match }) => match === 'exact').length >= 9);
  await cache.close();
});

test('switched off, nothing is counted; bad options are refused', async () => {
  const { cache } = await world({ warming: { enabled: false } });
  for (let i = 0; i < 5; i++) await cache.wrap('q', () => 'a');
  assert.equal(await cache.popular(), []);
  assert.is(await cache.warm(), undefined);
  await cache.close();
  const other = await world();
  for (const call of [
    () => other.cache.popular(0),
    () => other.cache.warm({ topN: 1.5 }),
    () => other.cache.warm({ top: 1 } as object),
  ])
    assert.is(await codeOf(call), 'ERR_LLM_CACHE_ARGUMENT');
  await other.cache.close();
});

test.run();
