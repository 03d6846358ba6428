// The Redis tier against a server that is absent, dies, hangs, talks nonsense or holds foreign bytes: misses, never a wrong answer.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Entry } from '#dist/core/entry.js';
import { encodeEntry } from '#dist/disk/codec.js';
import { guard } from '#dist/tiers/guard.js';
import { redisTier } from '#dist/tiers/redis.js';
import { codeOf, until } from '../disk/support.js';
import { entryOf, freePort, noRedis, type RedisServer, scopeOf, startProxy, startRedis } from './support.js';

const test = suite('redis tier');
const a = scopeOf('a');
const b = scopeOf('b');
const nameOf = (entry: Entry, prefix = 'llm-cache') => `${prefix}:${entry.scope}:{${entry.key}}`;

test('a server that is absent costs a fast miss, counted, and the process may end', async () => {
  const started = performance.now();
  const tier = guard(await redisTier({ port: await freePort() }), { failures: 1000 });
  for (let i = 0; i < 20; i++) assert.is(await tier.get(entryOf('q', a).key, a), undefined);
  assert.is(tier.health().counts.errors, 20);
  assert.is(await codeOf(() => tier.set(entryOf('q', a))), 'ERR_LLM_CACHE_TIER');
  assert.ok(performance.now() - started < 1500, `${performance.now() - started} ms`);
  await tier.close();
  await tier.close();
});

test('a server that speaks another protocol costs misses', async () => {
  const http = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const tier = guard(await redisTier({ port: (http.address() as AddressInfo).port }));
  for (let i = 0; i < 5; i++) assert.is(await tier.get(entryOf('q', a).key, a), undefined);
  await tier.close();
  http.closeAllConnections();
  http.close();
});

test('prefixes that could mean more than themselves are refused', async () => {
  for (const keyPrefix of ['*', 'a*', 'a?', '[a-z]', 'a b', '', 'a\r\nFLUSHALL', 'é', 'x'.repeat(101)]) {
    assert.is(await codeOf(() => redisTier({ keyPrefix })), 'ERR_LLM_CACHE_ARGUMENT', keyPrefix);
  }
  assert.is(await codeOf(() => redisTier({ ttlMs: 0 })), 'ERR_LLM_CACHE_ARGUMENT');
  assert.is(await codeOf(() => redisTier({ ttlMs: Number.NaN })), 'ERR_LLM_CACHE_ARGUMENT');
});

if (noRedis === undefined) withServer(await startRedis());
else {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
}

function withServer(server: RedisServer): void {
  const { port } = server;
  const raw = new Redis({ port });
  test.after(async () => {
    raw.disconnect();
    await server.stop();
  });
  test.before.each(async () => {
    await raw.flushall();
  });

  test('the first call of a new tier finds the connection standing', async () => {
    const entry = entryOf('q', a);
    const writer = await redisTier({ port });
    await writer.set(entry);
    const reader = await redisTier({ port });
    assert.equal(await reader.get(entry.key, a), entry);
    await Promise.all([writer.close(), reader.close()]);
  });

  test("a key expires in Redis with its entry, at most after the tier's own limit", async () => {
    const tier = await redisTier({ port, ttlMs: 60_000 });
    const short = entryOf('short', a, { expiresAtMs: Date.now() + 5000 });
    const long = entryOf('long', a, { expiresAtMs: Number.POSITIVE_INFINITY });
    await tier.set(short);
    await tier.set(long);
    const [shortLeft, longLeft] = [await raw.pttl(nameOf(short)), await raw.pttl(nameOf(long))];
    assert.ok(shortLeft > 3000 && shortLeft <= 5000, `${shortLeft}`);
    assert.ok(longLeft > 52_000 && longLeft <= 60_000, `${longLeft}`);
    await tier.set(entryOf('fraction', a, { expiresAtMs: Date.now() + 1000.25 }));
    await tier.close();
  });

  test('foreign bytes, damage, and an entry of another key or scope are counted misses; nothing foreign is served', async () => {
    const tier = guard(await redisTier({ port, commandTimeoutMs: 2000 }), { timeoutMs: 2000 });
    const entry = entryOf('q', a);
    const whole = Buffer.from(encodeEntry(entry));
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(110) ^ 1, 110);
    const bad: (Buffer | string)[] = [
      'not an entry',
      'x',
      whole.subarray(0, whole.length - 1),
      flipped,
      Buffer.from(encodeEntry(entryOf('other', a, { value: 'foreign' }))),
      Buffer.from(encodeEntry(entryOf('q', b, { value: 'foreign' }))),
      Buffer.alloc(5 << 20, 0x4c),
    ];
    for (const [i, bytes] of bad.entries()) {
      await raw.set(nameOf(entry), bytes);
      await until('the tier is connected', async () => {
        const counts = tier.health().counts;
        assert.is(await tier.get(entry.key, a), undefined, `case ${i}`);
        return (tier.health().counts.corrupt ?? 0) > (counts.corrupt ?? 0);
      });
    }
    await until('it is written over', async () => (await codeOf(() => tier.set(entry))) === undefined);
    assert.equal(await tier.get(entry.key, a), entry);
    await tier.close();
  });

  test('a key of another type is a counted miss that does not break the tier, and may be written over', async () => {
    const tier = guard(await redisTier({ port, commandTimeoutMs: 2000 }), { failures: 2, timeoutMs: 2000 });
    const entry = entryOf('q', a);
    await raw.lpush(nameOf(entry), 'x');
    for (let i = 0; i < 5; i++) assert.is(await tier.get(entry.key, a), undefined);
    assert.is(tier.health().counts.corrupt, 5);
    assert.is(tier.health().state, 'ok');
    await tier.set(entry);
    assert.equal(await tier.get(entry.key, a), entry);
    await tier.close();
  });

  test('clear removes the keys of its prefix and scope and no other key', async () => {
    const tier = await redisTier({ port, keyPrefix: 'app', commandTimeoutMs: 2000 });
    const longer = await redisTier({ port, keyPrefix: 'app:eu', commandTimeoutMs: 2000 });
    const others = ['app', 'app:', 'app:x:y', 'apples:1:2', 'other', `xapp:${a.id}:${'0'.repeat(64)}`];
    for (const key of others) await raw.set(key, 'mine');
    const kept = entryOf('q', a);
    await longer.set(kept);
    for (let i = 0; i < 50; i++) {
      await tier.set(entryOf(`q${i}`, a));
      await tier.set(entryOf(`q${i}`, b));
    }
    assert.is((await tier.size()).entries, 100);
    await tier.clear(a);
    assert.is((await tier.size()).entries, 50);
    assert.ok(await tier.get(entryOf('q7', b).key, b));
    await tier.clear();
    assert.is((await tier.size()).entries, 0);
    assert.equal(
      (await raw.mget(...others)).filter((value) => value !== 'mine'),
      [],
    );
    assert.equal(await longer.get(kept.key, a), kept);
    await Promise.all([tier.close(), longer.close()]);
  });

  test('a client of the user is used and never closed', async () => {
    const tier = await redisTier({ client: raw });
    await tier.set(entryOf('q', a));
    assert.ok(await tier.get(entryOf('q', a).key, a));
    await tier.close();
    assert.is(await raw.ping(), 'PONG');
  });

  test('a server that now and then answers twice never makes a foreign value be served', async () => {
    // Now and then the first frame of a chunk is sent twice: each reply after it belongs to the command before.
    let chunks = 0;
    const proxy = await startProxy(port, (chunk) => {
      const [head, length] = /^\$(\d+)\r\n/.exec(chunk.toString('latin1')) ?? [];
      if (head === undefined || ++chunks % 10 !== 0) return chunk;
      return Buffer.concat([chunk.subarray(0, head.length + Number(length) + 2), chunk]);
    });
    const writer = await redisTier({ port, commandTimeoutMs: 5000 });
    const tier = guard(await redisTier({ port: proxy.port, commandTimeoutMs: 500 }), {
      timeoutMs: 500,
      failures: 1e9,
    });
    const entries = Array.from({ length: 600 }, (_, i) =>
      entryOf(`q${i}`, i % 2 === 0 ? a : b, { value: `value ${i}` }),
    );
    await Promise.all(entries.map((entry) => writer.set(entry)));
    let right = 0;
    let foreign = 0;
    for (let begin = 0; begin < entries.length; begin += 8) {
      const some = entries.slice(begin, begin + 8);
      const found = await Promise.all(some.map((entry) => tier.get(entry.key, entry.scope === a.id ? a : b)));
      for (const [i, entry] of some.entries()) {
        if (found[i]?.value === entry.value) right++;
        else if (found[i] !== undefined) foreign++;
      }
      // The connection was dropped: go on when it stands again, so that the next replies are mixed up too.
      if (found.includes(undefined)) {
        const first = entries[0] as Entry;
        await until('the connection stands', async () => (await tier.get(first.key, a)) !== undefined);
      }
    }
    assert.is(foreign, 0);
    // A foreign value shows it, or a reply too many before any value is believed.
    const { corrupt = 0, connection = 0 } = tier.health().counts;
    assert.ok(corrupt + connection > 0, 'replies were mixed up');
    assert.ok(right > 50, `${right} right`);
    console.log(
      `600 keys through a doubling proxy: ${right} right, 0 foreign, ${JSON.stringify(tier.health().counts)}`,
    );
    await Promise.all([tier.close(), writer.close(), proxy.close()]);
  });

  test('a server that is stopped is given up within its budget, and taken up again when it goes on', async () => {
    const own = await startRedis();
    const tier = guard(await redisTier({ port: own.port }), { probeAfterMs: 20 });
    const entry = entryOf('q', a);
    await tier.set(entry);
    own.process.kill('SIGSTOP');
    await until('it is given up', async () => {
      const started = performance.now();
      assert.is(await tier.get(entry.key, a), undefined);
      assert.ok(performance.now() - started < 500, 'a read costs its budget at most');
      return tier.health().state === 'lost';
    });
    own.process.kill('SIGCONT');
    await until('it is back', async () => (await tier.get(entry.key, a)) !== undefined);
    assert.is(tier.health().state, 'ok');
    await tier.close();
    await own.stop();
  });

  test('a server that is killed costs misses, and its successor is found', async () => {
    const own = await startRedis();
    const tier = guard(await redisTier({ port: own.port }), { probeAfterMs: 20 });
    const entry = entryOf('q', a);
    await tier.set(entry);
    const load = Array.from({ length: 20 }, () => tier.get(entry.key, a));
    await own.stop('SIGKILL');
    for (const found of await Promise.all(load))
      assert.ok(found === undefined || found.value === entry.value);
    for (let i = 0; i < 20; i++) assert.is(await tier.get(entry.key, a), undefined);
    const successor = await startRedis(own.port);
    await until('a write succeeds', async () => (await codeOf(() => tier.set(entry))) === undefined);
    await until('a read succeeds', async () => (await tier.get(entry.key, a)) !== undefined);
    await tier.close();
    await successor.stop();
  });

  test('a server without memory left refuses the write with a typed error and goes on reading', async () => {
    const own = await startRedis();
    const admin = new Redis({ port: own.port });
    const tier = guard(await redisTier({ port: own.port, commandTimeoutMs: 2000 }), { timeoutMs: 2000 });
    const entry = entryOf('q', a);
    await tier.set(entry);
    await admin.config('SET', 'maxmemory', '1');
    assert.is(await codeOf(() => tier.set(entryOf('more', a))), 'ERR_LLM_CACHE_TIER');
    assert.equal(await tier.get(entry.key, a), entry);
    admin.disconnect();
    await tier.close();
    await own.stop();
  });
}

test.run();
