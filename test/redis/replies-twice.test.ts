// Replies that come twice on a connection to Redis: it is replaced, and neither removals nor the process are lost.
import type { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { marks } from '#dist/core/ledger.js';
import { openRedis, type RedisNode } from '#dist/redis/connection.js';
import { redisLedger } from '#dist/redis/ledger.js';
import { codeOf, until } from '../disk/support.js';
import { FaultProxy } from '../faults/proxy.js';
import { noRedis } from '../tiers/support.js';
import { startServer } from './support.js';

const test = suite('replies that come twice');

if (noRedis !== undefined) {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
} else {
  for (const [what, command] of [
    ['a text', (redis: RedisNode) => redis.echo('text')],
    ['nil', (redis: RedisNode) => redis.get('nothing')],
  ] as const) {
    test(`F08 a reply twice that nobody waits for, ${what}: the connection is replaced, nothing else happens`, async () => {
      const server = await startServer();
      const proxy = await FaultProxy.start(server.port);
      const connection = await openRedis({ port: proxy.port });
      proxy.duplicate(1);
      // Whether it is believed depends on which comes first, its promise or the second reply.
      await codeOf(() => connection.call('ask', () => command(connection.client as RedisNode)));
      await until('it is replaced', () => proxy.counts.connections === 2);
      await until(
        'it works',
        async () =>
          (await codeOf(() => connection.call('ping', () => (connection.client as RedisNode).ping()))) ===
          undefined,
      );
      await connection.close();
      await proxy.close();
      await server.stop();
    });
  }

  test('F08 answers due all the time, one of them twice: what others remove is known all the same', async () => {
    const server = await startServer();
    const proxy = await FaultProxy.start(server.port);
    const open = async (port: number) => {
      const connection = await openRedis({ port, commandTimeoutMs: 200 });
      return { connection, ledger: await redisLedger(connection, { pollMs: 20, maxStaleMs: 400 }) };
    };
    const [a, b] = [await open(proxy.port), await open(server.port)];
    // Only while answers are due does a reply too many pass for another's; none of these shows that it is foreign.
    proxy.set({ latencyMs: 20 });
    let isOver = false;
    const asking = until(
      'it is over',
      () => {
        const client = a.connection.client as Redis;
        a.connection.call('get', () => client.get('nothing')).catch(() => {});
        return isOver;
      },
      60_000,
    );
    for (let round = 0; round < 3; round++) {
      await until('all is known', () => a.ledger.isCurrent());
      const { connections } = proxy.counts;
      proxy.duplicate(1);
      await until('it is noticed', () => proxy.counts.connections > connections);
      const key = `k ${round}`;
      const entry = { key, scope: 's', epoch: a.ledger.epoch };
      assert.is(await b.ledger.remove([marks.key(key)]), true);
      await until('it is known', () => !a.ledger.isAlive(entry), 2000);
    }
    isOver = true;
    await asking;
    for (const { ledger, connection } of [a, b]) {
      await ledger.close();
      await connection.close();
    }
    await proxy.close();
    await server.stop();
  });
}

test.run();
