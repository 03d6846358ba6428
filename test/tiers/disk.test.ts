// The disk tier: sweeping, its bound, reopening, and damaged or foreign records.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Entry } from '#dist/core/entry.js';
import { encodeEntry } from '#dist/disk/codec.js';
import { Environment } from '#dist/disk/environment.js';
import { manualClock } from '#dist/testing/index.js';
import { diskTier } from '#dist/tiers/disk.js';
import { guard } from '#dist/tiers/guard.js';
import { codeOf, temporaryDirectory } from '../disk/support.js';
import { entryOf, scopeOf } from './support.js';

const test = suite('disk tier');
const a = scopeOf('a');
const storedKey = (entry: Entry) => new Uint8Array(Buffer.from(entry.scope + entry.key, 'hex'));

test('entries survive reopening', async () => {
  const directory = temporaryDirectory();
  const environment = new Environment(directory);
  const entries = Array.from({ length: 30 }, (_, i) => entryOf(`q${i}`, a, { value: { i } }));
  await Promise.all(entries.map((entry) => diskTier(environment).set(entry)));
  await environment.close();
  const again = new Environment(directory);
  const tier = diskTier(again);
  for (const entry of entries) assert.equal(await tier.get(entry.key, a), entry);
  assert.is((await tier.size()).entries, 30);
  await again.close();
});

test('what has expired is swept away by later writes, entries and expiry records alike', async () => {
  const environment = new Environment(temporaryDirectory());
  const clock = manualClock();
  const tier = diskTier(environment, { clock });
  for (let i = 0; i < 100; i++)
    await tier.set(entryOf(`old ${i}`, a, { expiresAtMs: clock.wall() + 1000 + i }));
  clock.advance(2000);
  for (let i = 0; i < 20; i++) await tier.set(entryOf(`new ${i}`, a, { expiresAtMs: clock.wall() + 1e9 }));
  assert.is((await tier.size()).entries, 20);
  assert.is(environment.reader('entry-expiries').count(), 20);
  for (let i = 0; i < 20; i++) assert.ok(await tier.get(entryOf(`new ${i}`, a).key, a));
  await environment.close();
});

test('an entry written anew with a later expiry is not swept at the earlier one', async () => {
  const environment = new Environment(temporaryDirectory());
  const clock = manualClock();
  const tier = diskTier(environment, { clock });
  await tier.set(entryOf('q', a, { value: 'old', expiresAtMs: clock.wall() + 1000 }));
  await tier.set(entryOf('q', a, { value: 'new', expiresAtMs: clock.wall() + 1e9 }));
  clock.advance(5000);
  for (let i = 0; i < 5; i++) await tier.set(entryOf(`other ${i}`, a, { expiresAtMs: clock.wall() + 1e9 }));
  assert.is(((await tier.get(entryOf('q', a).key, a)) as Entry).value, 'new');
  await environment.close();
});

test('above its bound those go that expire soonest, and the bound holds', async () => {
  const environment = new Environment(temporaryDirectory());
  const clock = manualClock();
  const maxBytes = 400_000;
  const tier = diskTier(environment, { clock, maxBytes });
  const never = entryOf('never', a, { expiresAtMs: Number.POSITIVE_INFINITY });
  await tier.set(never);
  for (let i = 0; i < 300; i++) {
    await tier.set(entryOf(`q${i}`, a, { value: 'x'.repeat(3000), expiresAtMs: clock.wall() + 1e6 + i }));
    const { bytes } = await tier.size();
    assert.ok(bytes <= maxBytes + 50_000, `${bytes} bytes after ${i} entries`);
  }
  assert.ok(await tier.get(never.key, a), 'what never expires goes last');
  assert.ok(await tier.get(entryOf('q299', a).key, a));
  assert.is(await tier.get(entryOf('q0', a).key, a), undefined);
  await environment.close();
});

test('damaged, truncated and foreign records are counted misses, and may be written over', async () => {
  const environment = new Environment(temporaryDirectory());
  const tier = guard(diskTier(environment));
  const entry = entryOf('q', a);
  const other = entryOf('other', a, { value: 'secret of another' });
  const whole = encodeEntry(entry);
  const flipped = whole.slice();
  flipped[flipped.length - 1] = (flipped.at(-1) as number) ^ 4;
  const records = [flipped, whole.slice(0, -3), encodeEntry(other)];
  for (const [i, value] of records.entries()) {
    await environment.write([
      { kind: 'put', database: 'entries', key: storedKey(entry), value: new Uint8Array(value) },
    ]);
    assert.is(await tier.get(entry.key, a), undefined);
    assert.is(tier.health().counts.corrupt, i + 1);
  }
  assert.is(tier.health().state, 'ok', 'bad records are no reason to give the tier up');
  await tier.set(entry);
  assert.equal(await tier.get(entry.key, a), entry);
  await environment.close();
});

test('after the environment is closed, calls are refused', async () => {
  const environment = new Environment(temporaryDirectory());
  const tier = diskTier(environment);
  await environment.close();
  const entry = entryOf('q', a);
  assert.is(await codeOf(() => tier.get(entry.key, a)), 'ERR_LLM_CACHE_CLOSED');
  assert.is(await codeOf(() => tier.set(entry)), 'ERR_LLM_CACHE_CLOSED');
  assert.is(await codeOf(() => tier.delete(entry.key, a)), 'ERR_LLM_CACHE_CLOSED');
  assert.equal(await tier.size(), { entries: 0, bytes: 0 });
});

test.run();
