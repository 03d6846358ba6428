// The guard: slowness and failure become counted misses, a broken tier is left alone and probed by one call at a time.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '#dist/core/clock.js';
import { CapacityError, CodecError, TierError, type TierFault } from '#dist/core/errors.js';
import type { Tier } from '#dist/core/tier.js';
import { failingTier, manualClock, slowTier } from '#dist/testing/index.js';
import { type GuardOptions, guard, type TierHealth } from '#dist/tiers/guard.js';
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
  assert.equal(tier.health().counts, { timeouts: 3, opened: 1 });
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

/** A guard on a clock of the test's own, that has just given its tier up. */
async function lostTier(options: GuardOptions = {}) {
  const clock = manualClock();
  const { state, tier } = switchable();
  const changes: TierHealth[] = [];
  const onChange = (health: TierHealth) => changes.push(health);
  const guarded = guard(tier, { clock, failures: 1, onChange, ...options });
  await guarded.set(entry);
  state.broken = true;
  await guarded.get(entry.key, a);
  assert.is(guarded.health().state, 'lost');
  const read = () => guarded.get(entry.key, a);
  return { clock, state, guarded, changes, read };
}

test('probes come at most a second apart, none before its time, and each half-open lets through one', async () => {
  const { clock, state, guarded, changes, read } = await lostTier();
  const gaps: number[] = [];
  let last = 0;
  for (let ms = 1; ms <= 30_000; ms++) {
    clock.advance(1);
    const before = state.asked;
    await Promise.all([read(), read(), read()]);
    assert.ok(state.asked - before <= 1, 'one probe');
    if (state.asked === before) continue;
    gaps.push(ms - last);
    last = ms;
  }
  assert.ok((gaps[0] as number) >= 125 && (gaps[0] as number) <= 251, `the first after ${gaps[0]} ms`);
  for (const gap of gaps.slice(3)) assert.ok(gap >= 500 && gap <= 1_001, `${gap} ms`);
  assert.ok(new Set(gaps).size > 3, 'at random');
  assert.is(guarded.health().counts.probes, gaps.length);
  assert.is(changes.length, 1, 'lost once, however many probes fail');
  state.broken = false;
  clock.advance(1_001);
  assert.ok(await read());
  assert.equal(
    changes.map(({ state, sinceMs }) => [state, sinceMs !== undefined]),
    [
      ['lost', true],
      ['ok', true],
    ],
  );
  assert.match(changes[0]?.lastError ?? '', /tier memory, get: broken/);
});

test('a wall clock that is put back does not keep a tier lost', async () => {
  const { clock, state, read } = await lostTier();
  state.broken = false;
  clock.jump(-86_400_000);
  clock.advance(251);
  assert.ok(await read());
});

test('what began before the tier was given up says nothing about the probe', async () => {
  const clock = manualClock();
  const { state, tier } = switchable();
  const guarded = guard(tier, { clock, failures: 1, probeAfterMs: 10 });
  await guarded.set(entry);
  // A write that is under way when a read opens the breaker, and fails while the probe is.
  let failWrite = () => {};
  state.hold = new Promise((_, reject) => {
    failWrite = () => reject(new Error('late'));
  });
  const write = codeOf(() => guarded.set(entry));
  state.hold = undefined;
  state.broken = true;
  await guarded.get(entry.key, a);
  state.broken = false;
  clock.advance(11);
  let release = () => {};
  state.hold = new Promise((resolve) => {
    release = resolve;
  });
  const probe = guarded.get(entry.key, a);
  failWrite();
  assert.is(await write, 'ERR_LLM_CACHE_TIER');
  clock.advance(40);
  assert.is(await guarded.get(entry.key, a), undefined);
  assert.is(guarded.health().counts.probes, 1, 'the late failure lets no second probe through');
  release();
  assert.ok(await probe);
  assert.is(guarded.health().state, 'ok', 'the probe decides');
});

test('a write that is the probe may take no longer than a probe', async () => {
  const { clock, state, guarded } = await lostTier({ writeTimeoutMs: 60_000 });
  clock.advance(251);
  state.hold = new Promise(() => {});
  const write = codeOf(() => guarded.set(entry));
  clock.advance(1_001);
  assert.is(await write, 'ERR_LLM_CACHE_TIER_TIMEOUT');
});

test('a listener that throws fails nobody, and is heard of', async () => {
  const warnings: string[] = [];
  const hear = (warning: Error) => warnings.push(warning.message);
  process.on('warning', hear);
  const tier = guard(failingTier(memoryTier({ dimension: 8 })), {
    failures: 1,
    onChange: () => {
      throw new Error('listener');
    },
  });
  assert.is(await tier.get(entry.key, a), undefined);
  await until('the warning', () => warnings.length > 0);
  process.off('warning', hear);
  assert.equal(warnings, ['listener']);
});

test('a bad record or a full disk is no reason to give a tier up', async () => {
  for (const error of [new CodecError('bad'), new CapacityError('full')]) {
    const tier = guard(failingTier(memoryTier({ dimension: 8 }), { error: () => error }), { failures: 2 });
    for (let i = 0; i < 10; i++) await tier.get(entry.key, a);
    for (let i = 0; i < 10; i++) assert.is(await codeOf(() => tier.set(entry)), error.code);
    assert.is(tier.health().state, 'ok');
  }
});

test('a server that refuses writes goes on being read; each kind of failure has a count of its own', async () => {
  let kind: TierFault = 'moved';
  const tier = guard(
    failingTier(memoryTier({ dimension: 8 }), {
      operations: ['set', 'delete'],
      error: (operation) => new TierError('redis', operation, 'refused', { kind }),
    }),
    { failures: 2 },
  );
  for (kind of ['permission', 'config', 'busy', 'moved', 'full'] as const) {
    for (let i = 0; i < 3; i++) assert.is(await codeOf(() => tier.set(entry)), 'ERR_LLM_CACHE_TIER');
    assert.is(await tier.get(entry.key, a), undefined);
  }
  const { state, counts } = tier.health();
  assert.is(state, 'ok');
  assert.equal(counts, { permission: 3, config: 3, busy: 3, moved: 3, full: 3, writeErrors: 15 });
  kind = 'connection';
  for (let i = 0; i < 2; i++) await codeOf(() => tier.set(entry));
  assert.is(tier.health().state, 'lost');
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
