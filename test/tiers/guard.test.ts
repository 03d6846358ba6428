// The guard: slowness and failure become counted misses, a broken tier is left alone and probed by one call at a time.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '#dist/core/clock.js';
import { CapacityError, CodecError, TierError } from '#dist/core/errors.js';
import type { Tier } from '#dist/core/tier.js';
import { failingTier, slowTier } from '#dist/testing/index.js';
import { guard, type TierHealth } from '#dist/tiers/guard.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { codeOf, until } from '../disk/support.js';
import { entryOf, scopeOf } from './support.js';

const test = suite('guard');
const a = scopeOf('a');
const entry = entryOf('q', a);
const hang = { delayMs: Number.POSITIVE_INFINITY, clock: systemClock };
const timed = async (call: () => unknown) => {
  const started = performance.now();
  await call();
  return performance.now() - started;
};

test('a tier that answers at once is answered at once', () => {
  const tier = guard(memoryTier({ dimension: 8 }));
  assert.is(tier.set(entry), true);
  assert.equal(tier.get(entry.key, a), entry);
  assert.is((tier.near?.(entry.vector as Float32Array, a, 1) as unknown[] | undefined)?.length, 1);
  assert.is(tier.health().state, 'ok');
});

for (const synchronously of [true, false]) {
  test(`a tier that fails ${synchronously ? 'at once' : 'later'} misses on reads and throws typed errors on writes`, async () => {
    const tier = guard(
      failingTier(memoryTier({ dimension: 8 }), { synchronously, error: () => new Error('broken') }),
      { failures: 100 },
    );
    assert.is(await tier.get(entry.key, a), undefined);
    assert.equal(await tier.near?.(entry.vector as Float32Array, a, 3), []);
    assert.equal(await tier.size(), { entries: 0, bytes: 0 });
    for (const write of [() => tier.set(entry), () => tier.delete(entry.key, a), () => tier.clear()]) {
      assert.is(await codeOf(write), 'ERR_LLM_CACHE_TIER');
    }
    assert.equal(tier.health().counts, { errors: 3, writeErrors: 3 });
    assert.match(tier.health().lastError ?? '', /broken/);
  });
}

test('whatever a tier throws, a read is a miss', async () => {
  for (const thrown of [undefined, null, 'text', 7, {}, new Error()]) {
    const tier = guard(
      failingTier(memoryTier({ dimension: 8 }), { synchronously: true, error: () => thrown }),
    );
    assert.is(await tier.get(entry.key, a), undefined);
    assert.instance(
      await Promise.resolve()
        .then(() => tier.set(entry))
        .catch((error) => error),
      TierError,
    );
  }
});

test('a tier that hangs costs its time budget, and once it is given up nothing', async () => {
  const tier = guard(slowTier(memoryTier({ dimension: 8 }), hang), {
    timeoutMs: 30,
    failures: 3,
    probeAfterMs: 60_000,
  });
  for (let i = 0; i < 3; i++) {
    const took = await timed(() => tier.get(entry.key, a));
    assert.ok(took >= 25 && took < 500, `${took} ms`);
  }
  assert.equal(tier.health().counts, { timeouts: 3 });
  assert.is(tier.health().state, 'lost');
  for (let i = 0; i < 100; i++) assert.is(await tier.get(entry.key, a), undefined);
  assert.is(tier.health().counts.notAsked, 100);
  assert.is(await codeOf(() => tier.set(entry)), 'ERR_LLM_CACHE_TIER_OPEN');
});

test('a write that hangs fails with its own time-out', async () => {
  const tier = guard(slowTier(memoryTier({ dimension: 8 }), hang), { writeTimeoutMs: 20 });
  assert.is(await codeOf(() => tier.set(entry)), 'ERR_LLM_CACHE_TIER_TIMEOUT');
});

/** A tier whose asynchronous calls work or fail as told, and are counted. */
function switchable() {
  const memory = memoryTier({ dimension: 8 });
  const state = { broken: false, asked: 0, hold: undefined as Promise<void> | undefined };
  const run = async <T>(call: () => T | Promise<T>): Promise<T> => {
    state.asked++;
    await state.hold;
    if (state.broken) throw new Error('broken');
    return call();
  };
  const tier: Tier = {
    ...failingTier(memory, { when: () => false }),
    get: (key, scope) => run(() => memory.get(key, scope)),
    set: (stored) => run(() => memory.set(stored)),
  };
  return { state, tier };
}

test('a broken tier is probed by one call at a time, and is back when a probe succeeds', async () => {
  const { state, tier } = switchable();
  const changes: TierHealth[] = [];
  const guarded = guard(tier, { failures: 3, probeAfterMs: 20, onChange: (health) => changes.push(health) });
  await guarded.set(entry);
  state.broken = true;
  for (let i = 0; i < 3; i++) await guarded.get(entry.key, a);
  assert.is(guarded.health().state, 'lost');
  assert.equal(
    changes.map(({ state }) => state),
    ['lost'],
  );

  // The next probe is held until a hundred others have come and gone.
  let release = () => {};
  state.hold = new Promise((resolve) => {
    release = resolve;
  });
  const before = state.asked;
  const probes: unknown[] = [];
  await until('a probe is let through', () => {
    probes.push(guarded.get(entry.key, a));
    return state.asked > before;
  });
  for (let i = 0; i < 100; i++)
    assert.is(await guarded.get(entry.key, a), undefined, 'nobody waits for the probe');
  assert.is(state.asked, before + 1, 'one probe');
  release();
  state.hold = undefined;
  await Promise.all(probes);
  assert.is(guarded.health().state, 'lost', 'the probe failed');

  state.broken = false;
  await until('the tier is back', async () => (await guarded.get(entry.key, a)) !== undefined);
  assert.is(guarded.health().state, 'ok');
  assert.is(changes.at(-1)?.state, 'ok');
});

test('while a write is the probe, reads do not wait for it', async () => {
  const { state, tier } = switchable();
  const guarded = guard(tier, { failures: 1, probeAfterMs: 10, timeoutMs: 50, writeTimeoutMs: 5000 });
  state.broken = true;
  await guarded.get(entry.key, a);
  state.broken = false;
  let release = () => {};
  state.hold = new Promise((resolve) => {
    release = resolve;
  });
  const before = state.asked;
  const writes: Promise<unknown>[] = [];
  await until('the write is let through', () => {
    writes.push(codeOf(() => guarded.set(entry)));
    return state.asked > before;
  });
  const took = await timed(() => guarded.get(entry.key, a));
  assert.ok(took < 1000, `a read took ${took} ms`);
  release();
  await Promise.all(writes);
});

test('a bad record or a full disk is no reason to give a tier up', async () => {
  for (const error of [new CodecError('bad'), new CapacityError('full')]) {
    const tier = guard(failingTier(memoryTier({ dimension: 8 }), { error: () => error }), { failures: 2 });
    for (let i = 0; i < 10; i++) await tier.get(entry.key, a);
    for (let i = 0; i < 10; i++) assert.is(await codeOf(() => tier.set(entry)), error.code);
    assert.is(tier.health().state, 'ok');
  }
});

test('a strict guard throws on reads, typed', async () => {
  const failing = guard(failingTier(memoryTier({ dimension: 8 })), { strict: true });
  assert.is(await codeOf(() => failing.get(entry.key, a)), 'ERR_LLM_CACHE_TIER');
  const hanging = guard(slowTier(memoryTier({ dimension: 8 }), hang), { strict: true, timeoutMs: 10 });
  assert.is(await codeOf(() => hanging.get(entry.key, a)), 'ERR_LLM_CACHE_TIER_TIMEOUT');
});

test('counting entries may take longer than a read, and does not break the tier', async () => {
  const slow = slowTier(memoryTier({ dimension: 8 }), {
    delayMs: 60,
    clock: systemClock,
    operations: ['size'],
  });
  const tier = guard(slow, { timeoutMs: 10, failures: 1 });
  await tier.set(entry);
  assert.is((await tier.size()).entries, 1);
  assert.is(tier.health().state, 'ok');
});

test('many calls at once bring no warning of a leak', async () => {
  const warnings: string[] = [];
  const hear = (warning: Error) => warnings.push(warning.message);
  process.on('warning', hear);
  const tier = guard(slowTier(memoryTier({ dimension: 8 }), { delayMs: 1, clock: systemClock }), {
    timeoutMs: 5000,
  });
  await Promise.all(Array.from({ length: 100 }, () => tier.get(entry.key, a)));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  assert.equal(warnings, []);
});

test.run();
