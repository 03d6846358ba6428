// The memory tier keeps its bounds at every step and stays what a map with brute force would be.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Entry } from '#dist/core/entry.js';
import { cosine, manualClock, randomUnitVector, seededRandom } from '#dist/testing/index.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { codeOf } from '../disk/support.js';
import { entryOf, scopeOf } from './support.js';

const test = suite('memory tier');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);
const scopes = ['a', 'b', 'c', 'd', 'e'].map((tenant) => scopeOf(tenant));
const [a] = scopes as [ReturnType<typeof scopeOf>];

test('unusable bounds are refused', async () => {
  for (const bad of [
    { maxEntries: 0 },
    { maxEntries: 1.5 },
    { maxBytes: 0 },
    { maxBytes: Number.NaN },
    { dimension: 0 },
  ]) {
    assert.is(
      await codeOf(() => memoryTier({ dimension: 8, ...bad })),
      'ERR_LLM_CACHE_ARGUMENT',
      JSON.stringify(bad),
    );
  }
});

test('a random life of ten times its capacity: bounds hold at every step, contents are those of a model', async () => {
  const random = seededRandom(seed);
  const clock = manualClock();
  const maxEntries = 40;
  const maxBytes = 40_000;
  const tier = memoryTier({ dimension: 8, maxEntries, maxBytes, clock });
  // The model: least recently used first.
  const held = new Map<string, Entry>();
  const live = (entry: Entry | undefined) => (entry && entry.expiresAtMs > clock.wall() ? entry : undefined);
  const use = (entry: Entry) => {
    held.delete(entry.key);
    held.set(entry.key, entry);
  };
  for (let step = 0; step < 4000; step++) {
    const scope = scopes[Math.floor(random() * scopes.length)] as typeof a;
    const name = `q${Math.floor(random() * 100)}`;
    const what = random();
    if (what < 0.5) {
      const entry = entryOf(name, scope, {
        vector: randomUnitVector(8, random),
        value: 'x'.repeat(Math.floor(random() * 3000)),
        createdAtMs: clock.wall(),
        expiresAtMs: clock.wall() + (random() < 0.1 ? 50 : 1e9),
      });
      const { vector, ...bare } = entry;
      await tier.set(random() < 0.1 ? bare : entry);
    } else if (what < 0.75) {
      const { key } = entryOf(name, scope);
      const found = (await tier.get(key, scope)) as Entry | undefined;
      if (found) {
        assert.is(found.scope, scope.id);
        assert.is(found.question, name);
        use(found);
      }
    } else if (what < 0.85) await tier.delete(entryOf(name, scope).key, scope);
    else if (what < 0.86) await tier.clear(scope);
    else if (what < 0.95) clock.advance(5);
    const { entries, bytes } = await tier.size();
    assert.ok(entries <= maxEntries, `${entries} entries at step ${step}`);
    assert.ok(bytes <= maxBytes, `${bytes} bytes at step ${step}`);
    if (step % 10 !== 0) continue;
    // Whatever `get` finds is what `near` ranks, exactly as brute force does.
    const wanted = randomUnitVector(8, random);
    const all: Entry[] = [];
    for (let i = 0; i < 100; i++) {
      const entry = live((await tier.get(entryOf(`q${i}`, scope).key, scope)) as Entry | undefined);
      if (entry?.vector) all.push(entry);
    }
    const expected = all
      .map((entry) => ({ key: entry.key, similarity: cosine(wanted, entry.vector as Float32Array) }))
      .sort((x, y) => y.similarity - x.similarity)
      .slice(0, 7);
    const found = (await tier.near?.(wanted, scope, 7)) ?? [];
    assert.equal(
      found.map(({ entry }) => entry.key),
      expected.map(({ key }) => key),
      `step ${step}`,
    );
  }
  await tier.clear();
  assert.equal(await tier.size(), { entries: 0, bytes: 0 });
});

test('with lru the least recently used entry goes first; get and touch are uses, near is not', async () => {
  const tier = memoryTier({ dimension: 8, maxEntries: 3, eviction: 'lru' });
  const [one, two, three, four, five] = ['1', '2', '3', '4', '5'].map((name) => entryOf(name, a)) as Entry[];
  for (const entry of [one, two, three]) await tier.set(entry as Entry);
  await tier.get((one as Entry).key, a);
  await tier.near?.(two?.vector as Float32Array, a, 3);
  await tier.set(four as Entry);
  assert.is(await tier.get((two as Entry).key, a), undefined);
  tier.touch?.((three as Entry).key);
  await tier.set(five as Entry);
  assert.is(await tier.get((one as Entry).key, a), undefined);
  assert.is(((await tier.get((three as Entry).key, a)) as Entry).question, '3');
});

test('an entry larger than the bound is not kept, and what it replaces is gone', async () => {
  const tier = memoryTier({ dimension: 8, maxBytes: 5000 });
  await tier.set(entryOf('q', a, { value: 'old' }));
  await tier.set(entryOf('q', a, { value: 'x'.repeat(10_000) }));
  assert.is(await tier.get(entryOf('q', a).key, a), undefined);
  assert.equal(await tier.near?.(entryOf('q', a).vector as Float32Array, a, 5), []);
  assert.equal(await tier.size(), { entries: 0, bytes: 0 });
});

test('plain trees are handed out frozen and as one, other values as copies', async () => {
  const tier = memoryTier({ dimension: 8 });
  const plain = entryOf('plain', a, { value: { list: [{ deep: 1 }] } });
  await tier.set(plain);
  const read = async (key: string) => ((await tier.get(key, a)) as Entry).value;
  const first = (await read(plain.key)) as { list: { deep: number }[] };
  assert.ok(Object.isFrozen(first) && Object.isFrozen(first.list) && Object.isFrozen(first.list[0]));
  assert.is(await read(plain.key), first);
  const map = entryOf('map', a, { value: { map: new Map([['k', 1]]) } });
  await tier.set(map);
  const copy = (await read(map.key)) as { map: Map<string, number> };
  copy.map.set('k', 2);
  assert.equal(await read(map.key), { map: new Map([['k', 1]]) });
  const [near] = (await tier.near?.(map.vector as Float32Array, a, 1)) ?? [];
  assert.equal(near?.entry.value, { map: new Map([['k', 1]]) });
});

test('a value that cannot be copied is refused and leaves no row behind', async () => {
  const tier = memoryTier({ dimension: 8, maxEntries: 4 });
  const bad = { value: { later: Promise.resolve(1) } };
  for (let i = 0; i < 20; i++) {
    const entry = entryOf(`bad ${i}`, a, bad);
    assert.ok(await codeOf(() => tier.set(entry)));
    assert.equal(await tier.near?.(entry.vector as Float32Array, a, 5), []);
  }
});

test('vectors that are none are refused and leave the tier as it was', async () => {
  const tier = memoryTier({ dimension: 8 });
  const kept = entryOf('kept', a);
  await tier.set(kept);
  const detached = new Float32Array(8).fill(Math.sqrt(1 / 8));
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const filled = (x: number) => new Float32Array(8).fill(x);
  const bad = [
    filled(Number.NaN),
    filled(Number.POSITIVE_INFINITY),
    filled(0),
    filled(1e38),
    new Float32Array(7),
    detached,
  ];
  for (const [i, vector] of bad.entries()) {
    assert.match(
      String(await codeOf(() => tier.set(entryOf('bad', a, { vector })))),
      /ERR_LLM_CACHE_(ARGUMENT|DIMENSION)/,
      `set, case ${i}`,
    );
    assert.match(
      String(await codeOf(() => tier.near?.(vector, a, 1))),
      /ERR_LLM_CACHE_(ARGUMENT|DIMENSION)/,
      `near, case ${i}`,
    );
  }
  assert.is((await tier.size()).entries, 1);
  const view = new Float32Array(20);
  view.set(kept.vector as Float32Array, 5);
  const [self] = (await tier.near?.(view.subarray(5, 13), a, 1)) ?? [];
  assert.ok((self?.similarity ?? 0) > 0.999, 'a view into a larger array is as good');
  await codeOf(() => tier.near?.(kept.vector as Float32Array, a, 0)).then((code) =>
    assert.is(code, 'ERR_LLM_CACHE_ARGUMENT'),
  );
});

test('a jump of the wall clock neither revives nor kills what has time left', async () => {
  const clock = manualClock();
  const tier = memoryTier({ dimension: 8, clock });
  const entry = entryOf('q', a, { expiresAtMs: clock.wall() + 1000 });
  await tier.set(entry);
  clock.jump(-1e6);
  clock.advance(999);
  assert.ok(await tier.get(entry.key, a));
  clock.advance(1);
  assert.is(await tier.get(entry.key, a), undefined);
});

test.run();
