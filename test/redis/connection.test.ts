// The connection as it is run in production: URL, TLS, ACL, Sentinel, Cluster, a client of the user's; refusals, hangs and takeovers.

import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TierError } from '#dist/core/errors.js';
import {
  openRedis,
  type RedisConnection,
  type RedisNode,
  type RedisOptions,
} from '#dist/redis/connection.js';
import { codeOf, temporaryDirectory, until } from '../disk/support.js';
import { freePort, startProxy } from '../tiers/support.js';
import {
  makeCertificates,
  missing,
  startCluster,
  startSentinel,
  startServer,
  startTlsServer,
} from './support.ts';

const test = suite('redis connection');
const absent = missing('redis-server', 'redis-cli', 'openssl');
const host = '127.0.0.1';
const secret = 'hunter2-canary';
const unhurried = { commandTimeoutMs: 2000 };

const ping = (connection: RedisConnection) =>
  connection.call('ping', () => (connection.client as RedisNode).ping());
const failure = async (connection: RedisConnection, command = () => ping(connection)) => {
  try {
    await command();
  } catch (error) {
    return error as TierError;
  }
  throw new Error('nothing failed');
};
/** The kind of the failure, after a check that nothing printable tells the password. */
async function refusal(options: RedisOptions): Promise<TierError> {
  const started = performance.now();
  const connection = await openRedis(options);
  const error = await failure(connection);
  assert.ok(performance.now() - started < 1500, 'it is told fast');
  for (const printed of [inspect(error, { depth: 9 }), inspect(connection, { depth: 9, showHidden: true })]) {
    assert.not.match(printed, secret);
  }
  assert.not.match(JSON.stringify(connection), secret);
  await connection.close();
  return error;
}

test('options that contradict each other are refused, and no password is told', async () => {
  const bad: RedisOptions[] = [
    { url: 'http://localhost' },
    { url: secret },
    { url: `redis://:${secret}@host/x` },
    { url: `redis://:${secret}%@host` },
    { url: 'redis://localhost', host },
    { url: 'redis://localhost', port: 1 },
    { url: 'redis://localhost/1', db: 2 },
    { url: `redis://:${secret}@localhost`, password: secret },
    { url: 'redis://localhost', tls: true },
    { url: 'rediss://localhost', tls: false },
    { url: 'redis://localhost?x=1' },
    { cluster: [] },
    { cluster: [{ host, port: 1 }], host },
    { cluster: [{ host, port: 1 }], db: 1 },
    { cluster: [{ host, port: 1 }], sentinels: [{ host, port: 1 }] },
    { sentinels: [{ host, port: 1 }] },
    { sentinels: [{ host, port: 70_000 }], sentinelName: 'main' },
    { sentinels: [{ host, port: 1 }], sentinelName: 'main', port: 1 },
    { sentinelPassword: secret },
    { username: 'u' },
    { port: 0 },
    { db: -1 },
    { commandTimeoutMs: 0 },
    { socketTimeoutMs: Number.NaN },
    { client: {} as Redis },
    { client: new Redis({ lazyConnect: true }), host },
    { client: new Redis({ lazyConnect: true, keyPrefix: 'x' }) },
  ];
  for (const options of bad) {
    const error = await openRedis(options).catch((caught: unknown) => caught);
    assert.is((error as TierError).code, 'ERR_LLM_CACHE_ARGUMENT', inspect(Object.keys(options)));
    assert.not.match(inspect(error), secret);
  }
});

test('a server that accepts and never answers is tried again at a bounded pace, and each call fails at once', async () => {
  let connections = 0;
  const sockets = new Set<Socket>();
  const hole = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.resume();
  }).listen(0, host);
  await once(hole, 'listening');
  const connection = await openRedis({ port: (hole.address() as AddressInfo).port });
  const started = performance.now();
  await until('it was tried some times', async () => {
    const before = performance.now();
    assert.is(await codeOf(() => ping(connection)), 'ERR_LLM_CACHE_TIER');
    assert.ok(performance.now() - before < 100);
    return connections >= 6;
  });
  assert.ok(performance.now() - started > 800, `six attempts in ${performance.now() - started} ms`);
  await connection.close();
  assert.is(await codeOf(() => ping(connection)), 'ERR_LLM_CACHE_CLOSED');
  for (const socket of sockets) socket.destroy();
  hole.close();
});

if (absent === undefined) withServers();
else {
  console.log(`skipped: ${absent}`);
  test.skip(`servers of our own: skipped: ${absent}`);
}

function withServers(): void {
  test('a url names server, user, password and database', async () => {
    const server = await startServer();
    const admin = new Redis({ port: server.port });
    await admin.call('ACL', 'SETUSER', 'me', 'on', `>p@ss/${secret}`, '~*', '+@all');
    const url = `redis://me:${encodeURIComponent(`p@ss/${secret}`)}@127.0.0.1:${server.port}/3`;
    const connection = await openRedis({ url, ...unhurried });
    await connection.call('set', () => (connection.client as RedisNode).set('k', 'v'));
    await admin.select(3);
    assert.is(await admin.get('k'), 'v');
    assert.not.match(inspect(connection, { depth: 9, showHidden: true }), secret);
    admin.disconnect();
    await connection.close();
    await server.stop();
  });

  test('a wrong password and missing rights are told as such, without the password, and tried again seldom', async () => {
    const server = await startServer(['--requirepass', 'right']);
    const wrong = await refusal({ port: server.port, password: secret });
    assert.equal([wrong.code, wrong.kind], ['ERR_LLM_CACHE_TIER', 'permission']);
    assert.match(wrong.message, 'WRONGPASS');
    assert.is((await refusal({ port: server.port })).kind, 'permission');
    const connection = await openRedis({ port: server.port, username: 'nobody', password: secret });
    let delayMs = 0;
    connection.client.on('reconnecting', (ms: number) => {
      delayMs = ms;
    });
    await until(
      'the next attempt is planned',
      () => delayMs > 0 || connection.client.status === 'reconnecting',
    );
    const admin = new Redis({ port: server.port, password: 'right' });
    const made = async () => /total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1];
    const first = await made();
    const end = performance.now() + 1500;
    await until('time passes', async () => {
      await failure(connection);
      return performance.now() > end;
    });
    assert.is(await made(), first, 'no attempt within 1.5 s');
    await connection.close();
    await admin.call('ACL', 'SETUSER', 'reader', 'on', '>pw', '~mine*', '+get');
    const reader = await openRedis({ port: server.port, username: 'reader', password: 'pw', ...unhurried });
    const redis = reader.client as RedisNode;
    assert.is(
      (await failure(reader, () => reader.call('get', () => redis.get('other')) as never)).kind,
      'permission',
    );
    assert.is(
      (await failure(reader, () => reader.call('set', () => redis.set('mine', '')) as never)).kind,
      'permission',
    );
    assert.is(await reader.call('get', () => redis.get('mine')), null);
    await reader.close();
    admin.disconnect();
    await server.stop();
  });

  test('failures of the server are told by their kind', async () => {
    const server = await startServer();
    const admin = new Redis({ port: server.port });
    const connection = await openRedis({ port: server.port, ...unhurried });
    const redis = connection.client as RedisNode;
    const kindOf = async (call: () => Promise<unknown>) =>
      (await failure(connection, () => connection.call('test', call) as never)).kind;
    await admin.lpush('list', 'x');
    assert.is(await codeOf(() => connection.call('get', () => redis.get('list'))), 'ERR_LLM_CACHE_CODEC');
    await admin.config('SET', 'maxmemory', '1');
    assert.is(await kindOf(() => redis.set('k', 'v')), 'full');
    await admin.config('SET', 'maxmemory', '0');
    await admin.config('SET', 'min-replicas-to-write', '1');
    assert.is(await kindOf(() => redis.set('k', 'v')), 'config');
    await admin.config('SET', 'min-replicas-to-write', '0');
    assert.is(await kindOf(() => redis.call('NOSUCH') as Promise<unknown>), 'config');
    await admin.replicaof('127.0.0.1', '1');
    assert.is(await kindOf(() => redis.set('k', 'v')), 'moved');
    await admin.replicaof('NO', 'ONE');
    await until(
      'it writes again',
      async () => (await codeOf(() => connection.call('set', () => redis.set('k', 'v')))) === undefined,
    );
    admin.disconnect();
    await connection.close();
    await server.stop();
    const gone = await openRedis({ port: server.port });
    assert.is((await failure(gone)).kind, 'connection');
    await gone.close();
  });

  test('a server that cannot save refuses writes, told as its configuration', async () => {
    const directory = temporaryDirectory();
    const server = await startServer(['--dir', directory, '--dbfilename', 'taken.rdb', '--save', '3600 1']);
    // The snapshot cannot take the place of a folder.
    mkdirSync(join(directory, 'taken.rdb', 'full'), { recursive: true });
    const admin = new Redis({ port: server.port });
    await admin.set('k', 'v');
    await admin.bgsave();
    await until('saving has failed', async () =>
      (await admin.info('persistence')).includes('rdb_last_bgsave_status:err'),
    );
    const connection = await openRedis({ port: server.port, ...unhurried });
    const redis = connection.client as RedisNode;
    const error = await failure(connection, () => connection.call('set', () => redis.set('k', 'v')) as never);
    assert.equal([error.kind, error.message.includes('MISCONF')], ['config', true]);
    assert.is(await connection.call('get', () => redis.get('k')), 'v');
    admin.disconnect();
    await connection.close();
    await server.stop();
  });

  test('TLS: a certificate of the authority is taken; one of another, or one that ended, is refused as such', async () => {
    const made = makeCertificates();
    const [good, ended] = [
      await startTlsServer(made, made.cert),
      await startTlsServer(made, made.expiredCert),
    ];
    const ca = readFileSync(made.ca);
    for (const options of [
      { port: good.port, tls: { ca } },
      { url: `rediss://127.0.0.1:${good.port}`, tls: { ca } },
    ]) {
      const connection = await openRedis({ ...options, ...unhurried });
      assert.is(await ping(connection), 'PONG');
      await connection.close();
    }
    const other = await refusal({
      port: good.port,
      tls: { ca: readFileSync(made.otherCa) },
      password: secret,
    });
    assert.is(other.kind, 'config', other.message);
    const expired = await refusal({ port: ended.port, tls: { ca } });
    assert.equal([expired.kind, /expired/i.test(expired.message)], ['config', true], expired.message);
    await Promise.all([good.stop(), ended.stop()]);
  });

  test('a silent path is given up, and used within two seconds once it is open again', async () => {
    const server = await startServer();
    let mute = false;
    const proxy = await startProxy(server.port, (chunk) => (mute ? Buffer.alloc(0) : chunk));
    const connection = await openRedis({ port: proxy.port });
    await until('it stands', async () => (await codeOf(() => ping(connection))) === undefined);
    mute = true;
    assert.is(await codeOf(() => ping(connection)), 'ERR_LLM_CACHE_TIER_TIMEOUT');
    await until('it is given up', () => !connection.isReady);
    mute = false;
    const opened = performance.now();
    await until('it works', async () => (await codeOf(() => ping(connection))) === undefined, 2000);
    server.process.kill('SIGSTOP');
    await until('it is given up', async () => {
      await codeOf(() => ping(connection));
      return !connection.isReady;
    });
    server.process.kill('SIGCONT');
    const resumed = performance.now();
    await until('it works', async () => (await codeOf(() => ping(connection))) === undefined, 2000);
    console.log(
      `back after ${(resumed - opened).toFixed()} ms in all, ${(performance.now() - resumed).toFixed()} ms after SIGCONT`,
    );
    await connection.close();
    await proxy.close();
    await server.stop();
  });

  test('a client of the user is used, never closed, and not waited for longer than asked', async () => {
    const server = await startServer();
    const client = new Redis({ port: server.port });
    await once(client, 'ready');
    const before = client.listenerCount('error');
    const connection = await openRedis({ client });
    assert.is(await ping(connection), 'PONG');
    server.process.kill('SIGSTOP');
    assert.is(await codeOf(() => ping(connection)), 'ERR_LLM_CACHE_TIER_TIMEOUT');
    server.process.kill('SIGCONT');
    connection.replace();
    await connection.close();
    assert.is(client.listenerCount('error'), before);
    assert.is(await client.ping(), 'PONG');
    client.disconnect();
    await server.stop();
  });

  test('Sentinel: the successor of a killed master is found', async () => {
    const master = await startServer();
    const replica = await startServer(['--replicaof', host, String(master.port)]);
    const reader = new Redis({ port: replica.port });
    await until('the replica follows', async () =>
      (await reader.info('replication')).includes('master_link_status:up'),
    );
    const sentinel = await startSentinel(master.port, 'guard');
    const watcher = new Redis({ port: sentinel.port, password: 'guard' });
    await until(
      'the sentinel knows the replica',
      async () => ((await watcher.call('SENTINEL', 'replicas', 'main')) as unknown[]).length > 0,
    );
    const sentinels = [{ host, port: sentinel.port }];
    const wrong = await refusal({ sentinels, sentinelName: 'main', sentinelPassword: secret });
    assert.is(wrong.kind, 'permission', wrong.message);
    const connection = await openRedis({
      sentinels,
      sentinelName: 'main',
      sentinelPassword: 'guard',
      ...unhurried,
    });
    const set = () => connection.call('set', () => (connection.client as RedisNode).set('k', 'v'));
    await until('it writes', async () => (await codeOf(set)) === undefined);
    await master.stop();
    const killed = performance.now();
    await until('the successor is written to', async () => (await codeOf(set)) === undefined, 20_000);
    assert.is(await reader.get('k'), 'v');
    console.log(
      `sentinel: writes again ${(performance.now() - killed).toFixed()} ms after the master was killed`,
    );
    for (const each of [reader, watcher]) each.disconnect();
    await connection.close();
    await Promise.all([replica.stop(), sentinel.stop()]);
  });

  test('Cluster: the keys of other nodes are served while one is gone, and its own when it is back', async () => {
    const cluster = await startCluster();
    const nodes = cluster.servers.map(({ port }) => ({ host, port }));
    const connection = await openRedis({ cluster: nodes, ...unhurried });
    assert.is(connection.masters.length, 3);
    const redis = connection.client as RedisNode;
    const works = async (key: string) =>
      (await codeOf(() => connection.call('get', () => redis.get(key)))) === undefined;
    const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
    for (const key of keys) assert.ok(await works(key));
    connection.replace();
    await until(
      'a given-up connection is made anew',
      async () => (await Promise.all(keys.map(works))).every(Boolean),
      2000,
    );
    const [last] = cluster.servers.slice(-1);
    last?.process.kill('SIGSTOP');
    const started = performance.now();
    const outcomes = await Promise.all(keys.map(works));
    assert.ok(outcomes.includes(true) && outcomes.includes(false), 'one of three is gone');
    assert.ok(performance.now() - started < 3000, 'and costs its time-out');
    last?.process.kill('SIGCONT');
    await until('all are served', async () => (await Promise.all(keys.map(works))).every(Boolean));
    await connection.close();
    await cluster.stop();
    const gone = await openRedis({ cluster: nodes });
    const error = await failure(gone);
    assert.is(error.kind, 'connection', error.message);
    await gone.close();
  });
}

test('a port where nobody listens costs nothing and says so', async () => {
  const error = await refusal({ port: await freePort(), password: secret });
  assert.is(error.kind, 'connection');
  assert.match(error.message, 'ECONNREFUSED');
});

test.run();
