// Slow, cut, garbled and mixed-up replies, and values that are not what was stored: a miss or the right answer, never another.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '#dist/testing/index.js';
import { until } from '../disk/support.js';
import { noRedis } from '../tiers/support.js';
import { closeAll, proxyTo, Server, Subject } from './support.js';

const test = suite('redis on a bad wire');
test.after.each(closeAll);
const ownTimeMs = 1_000;
const seed = 7;

if (noRedis !== undefined) {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
} else {
  /** A server, a proxy, a cache that fills it and one that finds nothing by itself. */
  async function pair(redis: object = {}) {
    const server = await Server.start();
    const proxy = await proxyTo(server);
    const writer = await Subject.open(server.port, { redis: { commandTimeoutMs: 2_000 } });
    const reader = await Subject.open(proxy.port, { redis, cache: { maxEntries: 1 } });
    return { server, proxy, writer, reader };
  }

  test('F04 slower than a hit in memory, faster than its budget: the late answer is the one that is given', async () => {
    const { proxy, writer, reader } = await pair({ commandTimeoutMs: 500 });
    for (let i = 0; i < 20; i++) await writer.ask(`slow ${i}`);
    await writer.cache.idle();
    proxy.set({ latencyMs: 15, jitterMs: 10 });
    for (let i = 0; i < 20; i++) {
      const { tier, value } = await reader.cache.get(`slow ${i}`);
      assert.equal([tier, value], ['redis', `answer to slow ${i}`]);
    }
    assert.equal(reader.states, []);
  });

  for (const [how, begin] of [
    ['latency of the network', (_, proxy) => proxy.set({ latencyMs: 400 })],
    ['CLIENT PAUSE', (server) => void server.admin.call('CLIENT', 'PAUSE', '1500', 'ALL')],
    ['DEBUG SLEEP', (server) => void server.admin.call('DEBUG', 'SLEEP', '1.5')],
  ] as readonly [string, (server: Server, proxy: Awaited<ReturnType<typeof proxyTo>>) => void][]) {
    test(`F04 slower than its budget by ${how}: bounded, given up, used again`, async () => {
      const { server, proxy, reader } = await pair();
      await reader.ask('before');
      begin(server, proxy);
      await reader.becomes('lost');
      proxy.set();
      await reader.becomes('ok');
      assert.ok(reader.slowestMs < ownTimeMs, `${reader.slowestMs} ms`);
      assert.equal(reader.states, ['lost', 'ok']);
    });
  }

  test('F06 one byte at a time, characters cut apart: every value whole', async () => {
    const { proxy, writer, reader } = await pair({ commandTimeoutMs: 2_000 });
    const text = (i: number) => `${i} 鍵 — ключ 🔑`.repeat(20);
    for (let i = 0; i < 10; i++) await writer.cache.set(`text ${i}`, text(i));
    proxy.set({ sliceBytes: 1 });
    for (let i = 0; i < 10; i++) {
      const { tier, value } = await reader.cache.get(`text ${i}`);
      assert.equal([tier, value], ['redis', text(i)]);
    }
  });

  test('F06 a reset in the midst of a reply: a miss or the whole value', async () => {
    const { proxy, writer, reader } = await pair();
    const long = 'x'.repeat(2_000);
    for (let i = 0; i < 12; i++) await writer.cache.set(`long ${i}`, long);
    for (let i = 0; i < 12; i++) {
      await until('the tier is in use', async () => {
        await reader.cache.get(`poll ${performance.now()}`);
        return reader.health.state === 'ok' && proxy.open > 0;
      });
      proxy.set({ resetAfterBytes: 100 + 150 * i });
      const { match, value } = await reader.cache.get(`long ${i}`);
      assert.ok(match === 'none' || value === long, `cut after ${100 + 150 * i} bytes`);
      proxy.set();
    }
  });

  test('F07 garbage instead of replies, or an HTTP server: misses, counted, and no loop at full speed', async () => {
    const http = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(http, 'listening');
    let connections = 0;
    http.on('connection', () => connections++);
    const started = performance.now();
    const toHttp = await Subject.open((http.address() as AddressInfo).port);
    assert.ok(performance.now() - started < 2_000);
    await toHttp.becomes('lost');
    for (let i = 0; i < 50; i++) await toHttp.ask(`of http ${i}`);
    assert.ok(toHttp.slowestMs < ownTimeMs, `${toHttp.slowestMs} ms`);
    assert.ok(connections < 30, `${connections} connections`);
    http.closeAllConnections();
    http.close();

    const { proxy, reader } = await pair();
    await reader.ask('before');
    proxy.set({ garbage: 'this is no reply\r\n' });
    await reader.becomes('lost');
    proxy.set();
    await reader.becomes('ok');
    assert.ok(reader.slowestMs < ownTimeMs, `${reader.slowestMs} ms`);
  });

  test('F08 now and then one reply twice: no question gets the answer to another', async () => {
    const { proxy, writer, reader } = await pair({ commandTimeoutMs: 200 });
    const count = 2_000;
    const random = seededRandom(seed);
    for (let i = 0; i < count; i += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, j) => writer.cache.set(`key ${i + j}`, `value ${i + j}`)),
      );
    }
    let right = 0;
    for (let done = 0; done < count; done += 8) {
      if (done % 160 === 0) proxy.duplicate(1, (reply) => reply.length > 100);
      const asked = Array.from({ length: 8 }, () => Math.floor(random() * count));
      const found = await Promise.all(asked.map((i) => reader.cache.get(`key ${i}`)));
      for (const [j, { match, value }] of found.entries()) {
        if (match === 'none') continue;
        assert.is(value, `value ${asked[j]}`);
        right++;
      }
      if (found.some(({ match }) => match === 'none')) {
        await until(
          'the tier answers',
          async () => (await reader.cache.get(`key ${right % count}`)).match !== 'none',
        );
      }
    }
    const { duplicated, connections } = proxy.counts;
    assert.ok(duplicated >= 10, `${duplicated} duplicated`);
    assert.ok(right > count / 2, `${right} right`);
    console.log(
      `F08 seed ${seed}: ${count} keys, ${duplicated} replies twice, ${right} right, 0 foreign, ${connections} connections`,
    );
  });

  test('F08 a client of the user that mixes up replies reconnects, and its answers are found again', async () => {
    const { proxy, writer } = await pair();
    const client = new Redis({ port: proxy.port });
    const subject = await Subject.open(proxy.port, { redisClient: client, cache: { maxEntries: 1 } });
    const questions = Array.from({ length: 20 }, (_, i) => `shared ${i}`);
    for (const question of questions) await writer.ask(question);
    await writer.cache.idle();
    const { connections } = proxy.counts;
    proxy.duplicate(1, (reply) => reply.length > 100);
    await until('it reconnects', async () => {
      for (const question of questions) {
        const { value } = await subject.cache.get(question);
        assert.ok(value === undefined || value === `answer to ${question}`, `${value}`);
      }
      return proxy.counts.connections > connections;
    });
    await until('all is found', async () => {
      const found = await Promise.all(questions.map((question) => subject.cache.get(question)));
      return found.every(({ match }) => match === 'exact');
    });
    await subject.close();
    assert.is(await client.ping(), 'PONG', 'it is the user who closes it');
    client.disconnect();
  });

  test('F09 a value cut, flipped, of another version, of another key or huge: a counted miss, then written anew', async () => {
    const { server, writer, reader } = await pair({ commandTimeoutMs: 2_000 });
    await writer.cache.set('victim', 'whole');
    await writer.cache.set('other', 'foreign');
    const name = await server.nameOf((await writer.cache.get('victim')).key);
    const foreign = await server.nameOf((await writer.cache.get('other')).key);
    const whole = (await server.admin.getBuffer(name)) as Buffer;
    const flipped = (at: number) => {
      const copy = Buffer.from(whole);
      copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
      return copy;
    };
    const bad: readonly (readonly [string, Buffer])[] = [
      ['cut by one', whole.subarray(0, -1)],
      ['cut in half', whole.subarray(0, whole.length >> 1)],
      ...[0, 3, 4, 8, whole.length >> 1, whole.length - 1].map((at) => [`bit ${at}`, flipped(at)] as const),
      ['one byte more', Buffer.concat([whole, Buffer.from([0])])],
      ["another key's", (await server.admin.getBuffer(foreign)) as Buffer],
    ];
    for (const [what, bytes] of bad) {
      await server.admin.set(name, bytes);
      let corrupt = reader.health.counts.corrupt ?? 0;
      await until(`${what}: counted`, async () => {
        corrupt = reader.health.counts.corrupt ?? 0;
        await server.admin.set(name, bytes);
        const { match, value } = await reader.cache.get('victim');
        assert.is(match, 'none', `${what}: ${JSON.stringify(value)}`);
        return (reader.health.counts.corrupt ?? 0) > corrupt;
      });
    }
    await server.admin.set(name, Buffer.alloc(50 << 20, 0x4c));
    const started = performance.now();
    assert.is((await reader.cache.get('victim')).match, 'none');
    assert.ok(performance.now() - started < 5_000, 'a huge value costs bounded time');
    await server.admin.set(name, whole);
    await until(
      'the whole value is served',
      async () => (await reader.cache.get('victim')).value === 'whole',
      20_000,
    );
  });
}

test.run();
