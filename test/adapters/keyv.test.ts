// Keyv both ways: Keyv's own test suite on our tiers, our tier contract on Keyv, and the libraries that stand on it.
import keyvTestSuite from '@keyv/test-suite';
import { Cacheable } from 'cacheable';
import { Keyv } from 'keyv';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KeyvStore, keyvTier } from '#dist/adapters/keyv.js';
import { Scope } from '#dist/core/scope.js';
import { Environment } from '#dist/disk/environment.js';
import { openExactTiers } from '#dist/open-exact.js';
import { manualClock, tierContract } from '#dist/testing/index.js';
import { diskTier } from '#dist/tiers/disk.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { openMock } from '../cache/support.js';
import { temporaryDirectory } from '../disk/support.js';
import { keyvRunner } from './keyv-runner.js';

const test = suite('keyv adapter');
const memory = () => memoryTier({ dimension: 1 });

const environment = new Environment(temporaryDirectory());
const shared = [memory(), diskTier(environment)];
test.after(() => environment.close());

// Its tests leave values behind for each other, so every store stands on the same tiers.
keyvTestSuite(
  keyvRunner(test, 'memory and disk') as never,
  Keyv as never,
  () => new KeyvStore({ tiers: shared }),
);
const one = [memory()];
keyvTestSuite(keyvRunner(test, 'memory') as never, Keyv as never, () => new KeyvStore({ tiers: one }));

tierContract(
  (name, body) => test(`a Keyv as a tier: ${name}`, body),
  ({ clock }) => ({ tier: keyvTier(new Keyv(), { clock }) }),
  assert,
);
tierContract(
  (name, body) => test(`a Keyv over our disk as a tier: ${name}`, body),
  ({ clock }) => {
    const ground = new Environment(temporaryDirectory());
    // No batches here: the other way to read.
    const keyv = new Keyv({ store: new KeyvStore({ tiers: [diskTier(ground, { clock })], clock }) });
    const store = {
      get: (key: string) => keyv.get(key),
      set: (key: string, value: string, ttlMs?: number) => {
        held.set(key, value);
        return keyv.set(key, value, ttlMs);
      },
      delete: (key: string) => {
        held.delete(key);
        return keyv.delete(key);
      },
      clear: () => {
        held.clear();
        return keyv.clear();
      },
      async *iterator() {
        for (const key of held.keys()) {
          const value = await keyv.get(key);
          if (value !== undefined) yield [key, value];
        }
      },
    };
    const held = new Map<string, string>();
    return { tier: keyvTier(store, { clock }), release: () => ground.close() };
  },
  assert,
);

test('a namespace is cleared alone, and keys that differ in case or white space are different', async () => {
  const tiers = [memory()];
  const a = new Keyv({ store: new KeyvStore({ tiers }), namespace: 'a' });
  const b = new Keyv({ store: new KeyvStore({ tiers }), namespace: 'b' });
  await Promise.all([a.set('k', 1), a.set('K', 2), a.set(' k', 3), b.set('k', 4)]);
  assert.equal(await a.getMany(['k', 'K', ' k']), [1, 2, 3]);
  await a.clear();
  assert.is(await a.get('k'), undefined);
  assert.is(await b.get('k'), 4);
});

test('what a process stored on disk, the next one finds, until it expires', async () => {
  const directory = temporaryDirectory();
  const clock = manualClock();
  for (const expected of [undefined, 'v'] as const) {
    const ground = new Environment(directory);
    const store = new KeyvStore({
      tiers: [memoryTier({ dimension: 1, clock }), diskTier(ground, { clock })],
      clock,
    });
    assert.is(await store.get('k'), expected);
    await store.set('k', 'v', 1_000);
    if (expected !== undefined) {
      clock.advance(999);
      assert.is(await store.get('k'), 'v');
      clock.advance(2);
      assert.is(await store.has('k'), false);
    }
    await store.disconnect();
    await ground.close();
  }
});

test('cacheable takes it as its second layer', async () => {
  const tiers = [memory()];
  const before = new Cacheable({ secondary: new Keyv({ store: new KeyvStore({ tiers }) }) });
  await before.set('k', { deep: [1] });
  const after = new Cacheable({ secondary: new Keyv({ store: new KeyvStore({ tiers }) }) });
  assert.equal(await after.get('k'), { deep: [1] });
});

test('a failing tier is told to those who listen, else it rejects; what is no store is refused', async () => {
  const broken = { ...memory(), name: 'broken', get: () => Promise.reject(new Error('gone')) } as never;
  const silent = new KeyvStore({ tiers: [broken] });
  await silent.get('k').then(
    () => assert.unreachable(),
    (error) => assert.is(error.message, 'gone'),
  );
  const heard: unknown[] = [];
  const loud = new KeyvStore({ tiers: [broken] }).on('error', (error) => heard.push(error));
  assert.is(await loud.get('k'), undefined);
  assert.is((heard[0] as Error).message, 'gone');
  for (const wrong of [() => new KeyvStore({ tiers: [] }), () => keyvTier({} as never)]) {
    assert.throws(wrong, (error: { code: string }) => error.code === 'ERR_LLM_CACHE_ARGUMENT');
  }
});

test('an entry of another scope, or one that was tampered with, is never handed out', async () => {
  const map = new Map<string, string>();
  const tier = keyvTier({
    get: (key) => map.get(key),
    set: (key, value) => map.set(key, value),
    delete: (key) => map.delete(key),
    clear: () => map.clear(),
  });
  const [a, b] = [new Scope({ tenant: 'a' }, 'e'), new Scope({ tenant: 'b' }, 'e')];
  const key = 'ab'.repeat(32);
  const entry = {
    key,
    scope: a.id,
    embedder: a.embedder,
    question: 'q',
    value: 'v',
    createdAtMs: 0,
    expiresAtMs: Number.POSITIVE_INFINITY,
    epoch: 0,
  };
  await tier.set(entry);
  const [[place, text]] = [...map] as [[string, string]];
  map.set(place.replace(a.id, b.id), text);
  const refused = async (scope: Scope) => {
    const answer = await Promise.resolve(tier.get(key, scope)).catch((error) => error);
    assert.ok(answer === undefined || answer instanceof Error);
  };
  await refused(b);
  for (let at = 1; at < text.length - 2; at += 7) {
    map.set(place, text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1));
    await refused(a);
  }
});

test('the exact tiers of the configuration serve Keyv, and a Keyv serves a cache as tier B', async () => {
  const directory = temporaryDirectory();
  const exact = await openExactTiers({ cache: { directory } });
  const keyv = new Keyv({ store: new KeyvStore(exact) });
  await keyv.set('k', 'v');
  await exact.close();
  const again = await openExactTiers({ cache: { directory } });
  assert.is(await new Keyv({ store: new KeyvStore(again) }).get('k'), 'v');
  await again.close();

  const remote = new Keyv();
  for (const expected of ['none', 'exact']) {
    const cache = await openMock({ sharedTier: keyvTier(remote), cache: { shared: true } });
    const found = await cache.get('a question');
    assert.is(found.match, expected);
    if (found.match === 'exact') assert.equal([found.value, found.tier], ['an answer', 'keyv']);
    await cache.set('a question', 'an answer');
    await cache.close();
  }
});

test.run();
