// Leases over a Redis of our own: one process at a time generates, one that dies or sleeps is replaced, and what it brings late is refused.
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Lease, Leases } from '#dist/core/lease.js';
import { openRedis, type RedisConnection } from '#dist/redis/connection.js';
import { leaseName, redisLeases } from '#dist/redis/lease.js';
import { redisTier } from '#dist/tiers/redis.js';
import { type Child, startChild, until } from '../disk/support.js';
import { entryOf, freePort, noRedis, type RedisServer, scopeOf, startRedis } from '../tiers/support.js';

const test = suite('redis leases');
const scope = scopeOf('a');
const { key } = entryOf('q', scope);
const name = leaseName('llm-cache', key);
const never = new AbortController().signal;

async function acquire(leases: Leases): Promise<Lease> {
  const lease = await leases.acquire(key, scope);
  assert.ok(typeof lease === 'object', `the lease is ${lease}`);
  return lease;
}

test('without a server nobody can tell, and nobody waits', async () => {
  const connection = await openRedis({ port: await freePort() });
  const leases = redisLeases(connection);
  assert.is(await leases.acquire(key, scope), undefined);
  await leases.whenFree(key, scope, never);
  await leases.close();
  await connection.close();
});

if (noRedis === undefined) withServer(await startRedis());
else {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
}

function withServer(server: RedisServer): void {
  const { port } = server;
  const raw = new Redis({ port });
  let connection: RedisConnection;
  test.before(async () => {
    connection = await openRedis({ port, commandTimeoutMs: 500 });
  });
  test.after(async () => {
    await connection.close();
    raw.disconnect();
    await server.stop();
  });
  test.before.each(async () => {
    await raw.flushall();
  });

  test('one holds it, the rest find it taken, and its release lets the next one on', async () => {
    const [a, b] = [redisLeases(connection), redisLeases(connection)];
    const lease = await acquire(a);
    assert.is(await b.acquire(key, scope), 'taken');
    assert.is(await lease.isHeld(), true);
    let free = false;
    const waiting = b.whenFree(key, scope, never).then(() => {
      free = true;
    });
    await raw.ping();
    assert.is(free, false);
    await lease.release();
    assert.is(await lease.isHeld(), false);
    await waiting;
    const next = await acquire(b);
    assert.is.not(next.fence, lease.fence);
    await lease.release();
    assert.is(await raw.get(name), next.fence, 'only its own');
    await b.close();
    assert.is(await raw.exists(name), 0);
    await a.close();
  });

  test('a living holder renews it; one that lost it knows, and neither renews nor frees what is now another’s', async () => {
    const leases = redisLeases(connection, { leaseMs: 150 });
    const lease = await acquire(leases);
    const end = performance.now() + 500;
    await until('three lease times are over', async () => {
      assert.is(await raw.get(name), lease.fence);
      return performance.now() > end;
    });
    await raw.set(name, 'another', 'PX', 100);
    assert.is(await lease.isHeld(), false);
    await until('it is not renewed', async () => (await raw.exists(name)) === 0, 1000);
    await lease.release();
    await leases.close();
  });

  test('an aborted wait rejects at once with the reason, and a wait is bounded', async () => {
    const leases = redisLeases(connection, { leaseMs: 100 });
    await raw.set(name, 'another');
    const abort = new AbortController();
    const reason = new Error('enough');
    const waiting = leases.whenFree(key, scope, abort.signal);
    const started = performance.now();
    abort.abort(reason);
    assert.is(await waiting.catch((error) => error), reason);
    assert.is(await leases.whenFree(key, scope, abort.signal).catch((error) => error), reason);
    assert.ok(performance.now() - started < 100);
    await leases.whenFree(key, scope, never);
    assert.ok(performance.now() - started < 2000);
    await leases.close();
  });

  test('without the right to run scripts it compares first', async () => {
    await raw.acl('SETUSER', 'plain', 'on', '>secret', '~*', '+@all', '-eval', '-evalsha');
    const plain = await openRedis({ port, username: 'plain', password: 'secret', commandTimeoutMs: 500 });
    const leases = redisLeases(plain, { leaseMs: 150 });
    const lease = await acquire(leases);
    const end = performance.now() + 400;
    await until('it was renewed', async () => {
      assert.is(await raw.get(name), lease.fence);
      return performance.now() > end;
    });
    await lease.release();
    assert.is(await raw.exists(name), 0);
    const other = await acquire(leases);
    await raw.set(name, 'another');
    await other.release();
    assert.is(await raw.get(name), 'another');
    await leases.close();
    await plain.close();
  });

  test('a tier refuses what comes with a fence that is not the current one', async () => {
    const tier = await redisTier({ connection });
    const leases = redisLeases(connection);
    const old = await acquire(leases);
    await raw.del(name);
    const current = await acquire(leases);
    const entry = entryOf('q', scope);
    assert.is(await tier.set({ ...entry, value: 'late' }, { fence: old.fence }), false);
    assert.is(await tier.get(key, scope), undefined);
    assert.is(await tier.set({ ...entry, value: 'new' }, { fence: current.fence }), true);
    assert.is((await tier.get(key, scope))?.value, 'new');
    await leases.close();
    await tier.close();
  });

  const start = async (who: string, originMs: number): Promise<Child> => {
    const child = startChild('redis/fixtures/asks.mjs', [String(port), who, String(originMs)]);
    assert.is(await child.line(), 'ready', child.stderr());
    return child;
  };
  const end = async (child: Child) => {
    child.send('end');
    assert.is(await child.ended, 0, child.stderr());
  };

  test('four processes that ask the same at once call the origin once', async () => {
    const children = await Promise.all(['1', '2', '3', '4'].map((who) => start(who, 400)));
    for (const question of ['what is it', 'and what is that', 'a third one']) {
      for (const child of children) child.send(question);
      const lines = await Promise.all(
        children.map(async (child) => {
          const first = await child.line();
          return first === 'origin' ? [first, await child.line()] : [first];
        }),
      );
      assert.is(lines.flat().filter((line) => line === 'origin').length, 1, JSON.stringify(lines));
      assert.is(new Set(lines.map((each) => each.at(-1))).size, 1, JSON.stringify(lines));
    }
    await Promise.all(children.map(end));
  });

  test('when the holder is killed another one goes on within the lease time', async () => {
    const [holder, other] = [await start('holder', 60_000), await start('other', 10)];
    holder.send('q');
    assert.is(await holder.line(), 'origin');
    other.send('q');
    holder.process.kill('SIGKILL');
    const started = performance.now();
    assert.is(await other.line(), 'origin');
    assert.is(await other.line(), 'answer by other');
    // The lease, the longest pause between two looks, and a machine with other work.
    assert.ok(performance.now() - started < 600 + 200 + 1000, `${performance.now() - started} ms`);
    await end(other);
  });

  test('what a holder that slept beyond its lease brings late is not stored', async () => {
    const [sleeper, other] = [await start('sleeper', 50), await start('other', 10)];
    sleeper.send('q');
    assert.is(await sleeper.line(), 'origin');
    sleeper.process.kill('SIGSTOP');
    other.send('q');
    assert.is(await other.line(), 'origin');
    assert.is(await other.line(), 'answer by other');
    sleeper.process.kill('SIGCONT');
    assert.is(await sleeper.line(), 'answer by sleeper', 'its caller is answered all the same');
    for (const child of [other, sleeper, await start('third', 10)]) {
      child.send('q');
      assert.is(await child.line(), 'answer by other');
      await end(child);
    }
  });
}

test.run();
