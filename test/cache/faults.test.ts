// A broken embedder or tier costs hits and time within a budget, never an answer.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '#dist/core/clock.js';
import { BusyError } from '#dist/core/errors.js';
import { functionEmbedder } from '#dist/embed/function.js';
import { failingTier, manualClock, mockEmbedder, slowTier } from '#dist/testing/index.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { codeOf } from '../disk/support.js';
import { assemble, deferred, openMock, turns } from './support.js';

const test = suite('cache faults');
const dimension = 384;
const memory = (clock = systemClock) => memoryTier({ dimension, clock });
const named = (name: string, tier = memory()) => ({ ...failingTier(tier, { when: () => false }), name });

for (const [what, embed] of [
  ['fails', () => Promise.reject(new Error('no memory'))],
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['is busy', () => Promise.reject(new BusyError('the embedder', 8))],
  ['gives nonsense', () => [1, 2, 3]],
  ['gives NaN', () => new Array(dimension).fill(Number.NaN)],
] as [string, () => number[]][]) {
  test(`an embedder that ${what} is counted; questions are answered, and exactly the next time`, async () => {
    const cache = await openMock({ embedder: functionEmbedder({ name: 'bad', dimension, embed }) });
    assert.is(await cache.wrap('q', () => 'answer'), 'answer');
    await cache.idle();
    assert.is(await cache.wrap('q', () => assert.unreachable()), 'answer');
    const { embedErrors, tiers } = await cache.stats();
    assert.is(embedErrors, 1);
    assert.equal(
      tiers.map(({ entries }) => entries),
      [1, 1, 0],
    );
    assert.equal((await cache.set('set', 'v')).stored, ['memory', 'disk']);
    assert.is((await cache.get('set')).value, 'v');
    await cache.close();
  });
}

test('an embedder that hangs is given up after its time, and the question goes to the origin', async () => {
  const clock = manualClock();
  const embedder = functionEmbedder({ name: 'hanging', dimension, embed: () => new Promise(() => {}) });
  const cache = assemble({ embedder, clock, embedTimeoutMs: 5000 });
  const asked = cache.wrap('q', () => 'answer');
  await turns();
  clock.advance(5000);
  assert.is(await asked, 'answer');
  assert.is((await cache.stats()).embedErrors, 1);
  assert.is(clock.timers, 0, 'no timer is left');
});

for (const [what, breakIt] of [
  ['fail', (name: string) => failingTier(named(name))],
  ['fail at once', (name: string) => failingTier(named(name), { synchronously: true })],
  [
    'hang',
    (name: string) => slowTier(named(name), { delayMs: Number.POSITIVE_INFINITY, clock: systemClock }),
  ],
] as const) {
  test(`when all tiers ${what}, the answer is right, in time, and generated once for all callers`, async () => {
    const cache = assemble({
      tiers: ['one', 'two', 'three'].map(breakIt),
      guard: { timeoutMs: 30, writeTimeoutMs: 50 },
    });
    let calls = 0;
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => cache.wrap('q', () => `answer ${++calls}`)),
    );
    assert.ok(performance.now() - started < 1000, `${performance.now() - started} ms`);
    assert.is(calls, 1);
    assert.ok(answers.every((answer) => answer === 'answer 1'));
    await cache.idle();
    const stats = await cache.stats();
    assert.is(stats.storeErrors, 3);
    assert.ok(
      ['TIER', 'TIER_OPEN', 'TIER_TIMEOUT'].includes(
        String(await codeOf(() => cache.delete('q'))).replace('ERR_LLM_CACHE_', ''),
      ),
    );
    await cache.close();
  });
}

test('a tier that is broken does not keep the others from answering', async () => {
  for (const broken of [0, 1, 2]) {
    const tiers = ['one', 'two', 'three'].map((name, i) =>
      i === broken ? failingTier(named(name)) : named(name),
    );
    const cache = assemble({ tiers });
    const { stored, failed } = await cache.set('how do I undo the last commit', 'v');
    assert.is(stored.length, 2);
    assert.equal(failed, [['one', 'two', 'three'][broken]]);
    assert.is((await cache.get('how do I undo the last commit')).match, 'exact');
    assert.is((await cache.get('how do I undo the last commit please')).match, 'semantic');
    await cache.close();
  }
});

for (const semantic of [true, false]) {
  test(`a shared tier that answers after its head start is still heard before the origin${semantic ? '' : ', without an embedder too'}`, async () => {
    const shared = named('shared');
    const slow = slowTier(shared, { delayMs: 15, clock: systemClock, operations: ['get'] });
    const writer = assemble({ tiers: [shared] });
    await writer.set('q', 'shared answer');
    const cache = assemble({ tiers: [{ ...named('first') }, slow], semantic: () => semantic });
    const { near: _, ...exactOnly } = slow;
    const withoutNear = assemble({ tiers: [named('first'), exactOnly], semantic: () => semantic });
    for (const each of [cache, withoutNear]) {
      const answer = await each.ask('q', () => 'generated');
      assert.is(answer.value, 'shared answer');
      assert.is.not(answer.match, 'none');
      await each.idle();
      assert.is((await each.get('q')).tier, 'first', 'it was promoted');
    }
  });
}

test('a late answer after a removal is not brought back', async () => {
  const gate = deferred();
  const shared = named('shared');
  const first = named('first');
  await assemble({ tiers: [shared] }).set('q', 'old');
  const late = {
    ...shared,
    get: async (...call: Parameters<typeof shared.get>) => {
      const held = await shared.get(...call);
      await gate.promise;
      return held;
    },
  };
  const cache = assemble({ tiers: [first, late], semantic: () => false, guard: { timeoutMs: 5000 } });
  const asked = cache.get('q');
  await turns();
  await cache.delete('q');
  gate.resolve();
  await asked;
  await cache.idle();
  assert.is((await assemble({ tiers: [first] }).get('q')).match, 'none');
});

test('what a lookup promotes while its removal is under way is gone when the removal is done', async () => {
  const gate = deferred();
  const first = named('first');
  const shared = named('shared');
  const slow = {
    ...shared,
    async delete(...call: Parameters<typeof shared.delete>) {
      await gate.promise;
      return shared.delete(...call);
    },
    async clear(...call: Parameters<typeof shared.clear>) {
      await gate.promise;
      return shared.clear(...call);
    },
  };
  await assemble({ tiers: [shared] }).set('q', 'old');
  const cache = assemble({ tiers: [first, slow] });
  const deleting = cache.delete('q');
  await cache.get('q');
  await cache.idle();
  gate.resolve();
  assert.is(await deleting, true);
  assert.is((await cache.get('q')).match, 'none');
});

test('a promotion never overwrites what was stored meanwhile', async () => {
  const shared = named('shared');
  const first = named('first');
  await assemble({ tiers: [shared] }).set('q', 'old');
  const gate = deferred();
  let gets = 0;
  const late = {
    ...shared,
    get: async (...call: Parameters<typeof shared.get>) => {
      const held = await shared.get(...call);
      if (gets++ === 0) await gate.promise;
      return held;
    },
  };
  const cache = assemble({ tiers: [first, late], semantic: () => false, guard: { timeoutMs: 5000 } });
  const asked = cache.get('q');
  await turns();
  await cache.set('q', 'new');
  gate.resolve();
  await asked;
  await cache.idle();
  assert.is((await cache.get('q')).value, 'new');
});

test('in strict mode a failing tier fails the call, and nothing is left unhandled', async () => {
  const cache = assemble({ tiers: [named('one'), failingTier(named('two'))], guard: { strict: true } });
  assert.is(await codeOf(() => cache.get('q')), 'ERR_LLM_CACHE_TIER');
  await cache.close();
  // The late tier fails after a later one has answered.
  const clock = systemClock;
  const failing = slowTier(failingTier(named('two')), { delayMs: 20, clock });
  const third = named('three');
  await assemble({ tiers: [third] }).set('q', 'v');
  const late = assemble({ tiers: [named('one'), failing, third], guard: { strict: true } });
  assert.is((await late.get('q')).value, 'v');
  await new Promise((resolve) => setTimeout(resolve, 40));
});

test('a part that cannot be closed does not keep the others open', async () => {
  const closed: string[] = [];
  const tier = (name: string, fails: boolean) => ({
    ...named(name),
    async close() {
      closed.push(name);
      if (fails) throw new Error('cannot');
    },
  });
  const embedder = mockEmbedder();
  const cache = assemble({ tiers: [tier('one', true), tier('two', false)], embedder });
  assert.match(await cache.close().catch((error) => error.message), 'cannot');
  assert.equal(closed, ['one', 'two']);
  assert.is(await codeOf(() => embedder.embed('q')), 'ERR_LLM_CACHE_CLOSED');
});

test('losing and regaining a tier is told once each', async () => {
  const state = { broken: true };
  const tier = failingTier(named('shared'), { when: () => state.broken });
  const events: string[] = [];
  const cache = assemble({
    tiers: [named('first'), tier],
    guard: { failures: 2, probeAfterMs: 10, onChange: (health) => events.push(health.state) },
  });
  for (let i = 0; i < 10; i++) await cache.get(`q${i}`);
  assert.equal(events, ['lost']);
  state.broken = false;
  const end = performance.now() + 5000;
  while (events.length < 2 && performance.now() < end) await cache.get(`again ${performance.now()}`);
  assert.equal(events, ['lost', 'ok']);
});

test.run();
