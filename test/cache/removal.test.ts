// What is removed while a lookup or a generation is under way, and leases when something goes wrong meanwhile.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Lease, Leases } from '#dist/core/lease.js';
import type { Tier } from '#dist/core/tier.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { until } from '../disk/support.js';
import { assemble, deferred, turns } from './support.js';

const test = suite('cache removals under way');
const memory = () => memoryTier({ dimension: mockEmbedder().dimension });

for (const when of ['before', 'after'] as const) {
  test(`who asks after an invalidation is not given what began before it, its labels named ${when}`, async () => {
    const cache = assemble();
    const gate = deferred();
    let generations = 0;
    const before = cache.wrap('q', async ({ addSources }) => {
      if (when === 'before') addSources('a.md');
      await gate.promise;
      if (when === 'after') addSources('a.md');
      return 'old';
    });
    await turns();
    await cache.invalidate({ sources: ['a.md'] });
    const after = Array.from({ length: 20 }, () => cache.wrap('q', () => `new ${++generations}`));
    gate.resolve();
    assert.is(await before, 'old');
    assert.equal(new Set(await Promise.all(after)), new Set(['new 1']), 'generated once for all of them');
    await cache.close();
  });
}

test('who asks after an invalidation of something else joins all the same', async () => {
  const cache = assemble();
  const gate = deferred<string>();
  const before = cache.wrap('q', () => gate.promise, { tags: ['kept'] });
  await turns();
  await cache.invalidate({ tags: ['another'] });
  const after = cache.ask('q', () => 'again');
  gate.resolve('once');
  assert.is(await before, 'once');
  assert.is((await after).value, 'once');
  assert.is((await after).coalesced, true);
  await cache.close();
});

test('a late exact answer that is removed while the search by meaning goes on is a miss', async () => {
  const shared = memory();
  await assemble({ tiers: [shared] }).set('q', 'old');
  const [exact, near] = [deferred(), deferred()];
  let searching = false;
  const { near: _near, touch: _touch, ...faces } = bound(shared);
  const late: Tier = {
    ...faces,
    name: 'late',
    get: async (...call) => {
      await exact.promise;
      return shared.get(...call);
    },
  };
  const last: Tier = {
    ...bound(memory()),
    name: 'last',
    near: async () => {
      searching = true;
      await near.promise;
      return [];
    },
  };
  const cache = assemble({ tiers: [memory(), late, last], guard: { timeoutMs: 60_000 } });
  const asked = cache.get('q');
  await until('the search by meaning goes on', () => searching);
  exact.resolve();
  await turns();
  await cache.delete('q');
  near.resolve();
  assert.is((await asked).match, 'none');
  await cache.close();
});

test('a scope made for another embedder is refused', async () => {
  const cache = assemble();
  const other = assemble({ embedder: mockEmbedder({ dimension: 32 }) });
  const scope = other.scope({ tenant: 'acme' });
  for (const work of [
    () => cache.get('q', { scope }),
    () => cache.set('q', 'v', { scope }),
    () => cache.wrap('q', () => 'v', { scope }),
    () => cache.invalidate({ scope }),
  ]) {
    const code = await work().then(
      () => 'nothing thrown',
      (error) => error.code,
    );
    assert.is(code, 'ERR_LLM_CACHE_ARGUMENT');
  }
  await cache.close();
  await other.close();
});

/** Leases of which one is given, and how often it was released. */
function oneLease(acquired: () => Promise<void> = async () => {}) {
  const seen = { released: 0 };
  const lease: Lease = {
    fence: 'f',
    isHeld: async () => seen.released === 0,
    release: async () => void seen.released++,
  };
  const leases: Leases = {
    acquire: () => acquired().then(() => lease),
    whenFree: async () => {},
    close: async () => {},
  };
  return { leases, seen };
}

test('a lease is given back when a strict tier fails while it is being used', async () => {
  const tier = memory();
  let calls = 0;
  const failing: Tier = {
    ...bound(tier),
    get: (...call) => {
      // The first two look before the lease is asked for.
      if (++calls > 2) throw new Error('broken');
      return tier.get(...call);
    },
  };
  const { leases, seen } = oneLease();
  const cache = assemble({ tiers: [failing], leases, guard: { strict: true } });
  const code = await cache.wrap('q', () => 'v').catch((error) => error.code);
  assert.is(code, 'ERR_LLM_CACHE_TIER');
  await turns();
  assert.ok(seen.released > 0);
  await cache.close();
});

test('a lease is given back when all who waited have gone, though the generation goes on', async () => {
  const { leases, seen } = oneLease();
  const cache = assemble({ leases });
  const abort = new AbortController();
  let generating = false;
  const asked = cache.wrap(
    'q',
    () => {
      generating = true;
      return new Promise<string>(() => {});
    },
    { signal: abort.signal },
  );
  await until('it is generated', () => generating);
  abort.abort(new Error('gone'));
  assert.is(await asked.catch((error) => error.message), 'gone');
  await turns();
  assert.ok(seen.released > 0);
  await cache.close();
});

test('nothing is generated for callers who left while the lease was asked for', async () => {
  const gate = deferred();
  let asked = false;
  let generated = 0;
  const { leases, seen } = oneLease(() => {
    asked = true;
    return gate.promise;
  });
  const cache = assemble({ leases });
  const abort = new AbortController();
  const waiting = cache.wrap('q', () => ++generated, { signal: abort.signal });
  await until('the lease is asked for', () => asked);
  abort.abort(new Error('gone'));
  assert.is(await waiting.catch((error) => error.message), 'gone');
  gate.resolve();
  await turns();
  assert.is(generated, 0);
  assert.ok(seen.released > 0);
  await cache.close();
});

/** A tier's methods as properties, so that some can be replaced. */
function bound(tier: Tier): Tier {
  return {
    name: tier.name,
    get: (...call) => tier.get(...call),
    near: (...call) => tier.near?.(...call) ?? [],
    touch: (key) => tier.touch?.(key),
    set: (...call) => tier.set(...call),
    delete: (...call) => tier.delete(...call),
    clear: (scope) => tier.clear(scope),
    size: () => tier.size(),
    close: () => tier.close(),
  };
}

test.run();
