// What only the Redis tier does: batches, fences, jitter, sliding lives, hit counts, limits, and the removal of what cannot be read.
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Entry } from '#dist/core/entry.js';
import { encodeEntry } from '#dist/disk/codec.js';
import { manualClock } from '#dist/testing/index.js';
import { type RedisTierOptions, redisTier } from '#dist/tiers/redis.js';
import { codeOf, until } from '../disk/support.js';
import { entryOf, scopeOf } from '../tiers/support.js';
import { missing, type Server, startServer } from './support.ts';

const test = suite('redis tier features');
const a = scopeOf('a');
const nameOf = (entry: Entry) => `llm-cache:${entry.scope}:{${entry.key}}`;
const absent = missing('redis-server');

test('an option that is not known is refused', async () => {
  const mistyped = { port: 1, keyprefix: 'of-another-tenant' } as object;
  assert.is(await redisTier(mistyped).catch((error) => error.code), 'ERR_LLM_CACHE_ARGUMENT');
});

test('numbers that mean nothing are refused', async () => {
  for (const options of [
    { ttlJitter: -0.1 },
    { ttlJitter: 1.1 },
    { maxEntryBytes: 0 },
    { maxEntryBytes: 1.5 },
  ]) {
    assert.is(await codeOf(() => redisTier(options)), 'ERR_LLM_CACHE_ARGUMENT');
  }
});

if (absent === undefined) withServer(await startServer());
else {
  console.log(`skipped: ${absent}`);
  test.skip(`a server of our own: skipped: ${absent}`);
}

function withServer(server: Server): void {
  const { port } = server;
  const raw = new Redis({ port });
  const open = (options: RedisTierOptions = {}) => redisTier({ port, commandTimeoutMs: 5000, ...options });
  test.after(async () => {
    raw.disconnect();
    await server.stop();
  });
  test.before.each(async () => {
    await raw.flushall();
  });

  test('entries stored together leave spread over the last tenth of their time, never later than asked', async () => {
    const tier = await open({ ttlMs: 100_000 });
    const entries = Array.from({ length: 200 }, (_, i) => entryOf(`q${i}`, a));
    await tier.setMany(entries);
    const left = await Promise.all(entries.map((entry) => raw.pttl(nameOf(entry))));
    assert.ok(Math.max(...left) <= 100_000, `${Math.max(...left)}`);
    assert.ok(Math.min(...left) > 85_000, `${Math.min(...left)}`);
    assert.ok(Math.max(...left) - Math.min(...left) > 5_000, 'they are spread');
    const exact = await open({ ttlMs: 100_000, ttlJitter: 0, keyPrefix: 'exact' });
    await exact.set(entries[0] as Entry);
    const ttl = await raw.pttl(nameOf(entries[0] as Entry).replace('llm-cache', 'exact'));
    assert.ok(ttl > 98_000 && ttl <= 100_000, `${ttl}`);
    await Promise.all([tier.close(), exact.close()]);
  });

  test('a read prolongs the life of a key when asked for, up to the expiry of the entry', async () => {
    const sliding = await open({ ttlMs: 60_000, ttlJitter: 0, sliding: true });
    const still = await open({ ttlMs: 60_000, ttlJitter: 0 });
    const entry = entryOf('long', a);
    const short = entryOf('short', a, { expiresAtMs: Date.now() + 20_000 });
    await sliding.setMany([entry, short]);
    for (const each of [entry, short]) await raw.pexpire(nameOf(each), 5_000);
    await still.get(entry.key, a);
    assert.ok((await raw.pttl(nameOf(entry))) <= 5_000, 'an absolute life is not prolonged');
    await sliding.getMany([entry.key, short.key], a);
    await until('the life is prolonged', async () => (await raw.pttl(nameOf(entry))) > 50_000);
    await until('the short one too', async () => (await raw.pttl(nameOf(short))) > 15_000);
    assert.ok((await raw.pttl(nameOf(short))) <= 20_000, 'not beyond its expiry');
    await Promise.all([sliding.close(), still.close()]);
  });

  test('many are stored and found at once, each with its own outcome', async () => {
    const tier = await open();
    const entries = Array.from({ length: 600 }, (_, i) => entryOf(`q${i}`, a));
    const bad = entryOf('bad', a, { value: () => {} });
    const stored = await tier.setMany([...entries, bad]);
    assert.is(stored.filter((each) => each.status === 'fulfilled' && each.value).length, 600);
    assert.is(stored.at(-1)?.status, 'rejected');
    await raw.set(nameOf(entries[1] as Entry), 'damage');
    await raw.del(nameOf(entries[2] as Entry));
    const found = await tier.getMany(
      entries.map(({ key }) => key),
      a,
    );
    assert.equal(found[0], { status: 'fulfilled', value: entries[0] });
    assert.is(found[1]?.status, 'rejected');
    assert.equal(found[2], { status: 'fulfilled', value: undefined });
    for (const [i, each] of found.slice(3).entries()) {
      assert.equal(each, { status: 'fulfilled', value: entries[i + 3] });
    }
    await tier.close();
  });

  test('a fenced write succeeds only while the lease says the fence, with scripts and without', async () => {
    await raw.call('ACL', 'SETUSER', 'noscript', 'on', '>pw', '~*', '+@all', '-eval');
    for (const login of [{}, { username: 'noscript', password: 'pw' }]) {
      const tier = await open(login);
      const entry = entryOf('q', a);
      const lease = `llm-cache:lease:{${entry.key}}`;
      await raw.flushall();
      assert.is(await tier.set(entry, { fence: 'mine' }), false, 'no lease');
      await raw.set(lease, 'theirs');
      assert.is(await tier.set(entry, { fence: 'mine' }), false, 'the lease of another');
      assert.is(await tier.get(entry.key, a), undefined);
      await raw.set(lease, 'mine');
      assert.is(await tier.set(entry, { fence: 'mine' }), true);
      assert.equal(await tier.get(entry.key, a), entry);
      assert.ok((await raw.pttl(nameOf(entry))) > 0, 'it expires');
      const other = { ...entry, value: 'later' };
      assert.is(await tier.set(other, { fence: 'mine', onlyIfAbsent: true }), true);
      assert.equal(await tier.get(entry.key, a), entry);
      await tier.close();
    }
  });

  test('an entry over the limit is neither stored nor taken in', async () => {
    const tier = await open({ maxEntryBytes: 10_000 });
    const large = entryOf('large', a, { value: 'x'.repeat(10_000) });
    assert.is(await tier.set(large), false);
    assert.is(await raw.exists(nameOf(large)), 0);
    await raw.set(nameOf(large), Buffer.from(encodeEntry(large)));
    assert.is(await codeOf(() => tier.get(large.key, a)), 'ERR_LLM_CACHE_CODEC');
    await until('it is removed', async () => (await raw.exists(nameOf(large))) === 0);
    await tier.close();
  });

  test('what cannot be read is removed; what was written meanwhile, of another type or another key stays', async () => {
    const tier = await open();
    const entry = entryOf('q', a);
    await raw.set(nameOf(entry), 'damage');
    assert.is(await codeOf(() => tier.get(entry.key, a)), 'ERR_LLM_CACHE_CODEC');
    await until('damage is removed', async () => (await raw.exists(nameOf(entry))) === 0);
    // The read finds damage; before its removal arrives the entry is written whole.
    for (let i = 0; i < 50; i++) {
      await raw.set(nameOf(entry), 'damage');
      const reading = codeOf(() => tier.get(entry.key, a));
      const whole = Buffer.from(encodeEntry(entry));
      const writing = reading.then(() => raw.set(nameOf(entry), whole));
      await writing;
      await raw.ping();
    }
    assert.equal(await tier.get(entry.key, a), entry);
    await raw.del(nameOf(entry));
    await raw.lpush(nameOf(entry), 'x');
    assert.is(await codeOf(() => tier.get(entry.key, a)), 'ERR_LLM_CACHE_CODEC');
    assert.is(await tier.delete(entryOf('other', a).key, a), false);
    assert.is(await raw.type(nameOf(entry)), 'list');
    await tier.close();
  });

  test('an entry that lies under the name of another costs one connection, and goes', async () => {
    const tier = await open();
    const entry = entryOf('q', a);
    await raw.set(nameOf(entry), Buffer.from(encodeEntry(entryOf('other', a))));
    assert.is(await codeOf(() => tier.get(entry.key, a)), 'ERR_LLM_CACHE_CODEC');
    await until('it is removed', async () => {
      await codeOf(() => tier.get(entryOf('third', a).key, a));
      return (await raw.exists(nameOf(entry))) === 0;
    });
    await tier.close();
  });

  test('a forged, a moved and an unsealed value are misses where values are sealed, and a sealed one where they are not', async () => {
    const keys = [{ id: 'k', secret: '11'.repeat(32) }];
    const [entry, other] = [entryOf('q', a), entryOf('other', a)];
    const plain = await open();
    for (const mode of ['hmac-sha256', 'aes-256-gcm'] as const) {
      const tier = await open({ seal: { mode, keys } });
      const forger = await open({ seal: { mode, keys: [{ id: 'k', secret: '22'.repeat(32) }] } });
      await plain.set(entry);
      assert.is(await codeOf(() => tier.get(entry.key, a)), 'ERR_LLM_CACHE_CODEC', 'unsealed');
      await forger.set(entry);
      assert.is(await codeOf(() => tier.get(entry.key, a)), 'ERR_LLM_CACHE_CODEC', 'forged');
      await tier.set(entry);
      assert.equal(await tier.get(entry.key, a), entry);
      assert.is(await codeOf(() => plain.get(entry.key, a)), 'ERR_LLM_CACHE_CODEC', 'sealed');
      await tier.set(entry);
      await raw.copy(nameOf(entry), nameOf(other), 'REPLACE');
      assert.is(await codeOf(() => tier.get(other.key, a)), 'ERR_LLM_CACHE_CODEC', 'moved');
      await raw.flushall();
      await Promise.all([tier.close(), forger.close()]);
    }
    await plain.close();
  });

  test('what is found most often is known to every process after five seconds or at the end', async () => {
    const clock = manualClock();
    const tier = await open({ clock });
    const expiresAtMs = clock.wall() + 1e6;
    const entries = ['one', 'two', 'three'].map((text) => entryOf(text, a, { expiresAtMs }));
    await tier.setMany(entries);
    for (const [i, { key }] of entries.entries()) for (let n = 0; n <= i; n++) await tier.get(key, a);
    assert.is(await raw.exists('llm-cache:hits'), 0, 'not told yet');
    clock.advance(5_000);
    await tier.get((entries[2] as Entry).key, a);
    await until('hits are told', async () => (await raw.zcard('llm-cache:hits')) === 3);
    await tier.get((entries[2] as Entry).key, a);
    await tier.close();
    const other = await open();
    await raw.zadd('llm-cache:hits', 100, 'nonsense');
    const popular = await other.popular(3);
    assert.equal(
      popular,
      [entries[2], entries[1]].map((entry, i) => ({ key: entry?.key, scope: a.id, hits: 5 - 3 * i })),
    );
    assert.is(await codeOf(() => other.popular(0)), 'ERR_LLM_CACHE_ARGUMENT');
    await other.clear();
    assert.equal(await other.popular(3), []);
    await other.close();
  });
}

test.run();
