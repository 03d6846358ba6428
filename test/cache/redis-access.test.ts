// The access list of docs/stores.md is enough for all that a cache does with Redis, on one server and on a cluster; sentinels over TLS.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openRedis } from '#dist/redis/connection.js';
import { until } from '../disk/support.js';
import {
  makeCertificates,
  missing,
  startCluster,
  startSentinel,
  startServer,
  startTlsServer,
} from '../redis/support.js';
import { noRedis } from '../tiers/support.js';
import { openMock } from './support.js';

const test = suite('access list');
const host = '127.0.0.1';
const docs = readFileSync(new URL('../../docs/stores.md', import.meta.url), 'utf8');
const [, rights = ''] = /^ACL SETUSER llm-cache on >a-long-password (.+)$/m.exec(docs) ?? [];

if (noRedis) {
  console.log(`skipped: ${noRedis}`);
  test.skip('a cache under the access list of the documentation');
} else {
  const alone = async () => {
    const server = await startServer();
    return { servers: [server], stop: server.stop };
  };
  for (const [what, list, start] of [
    ['as documented', rights, alone],
    ['without eval', rights.replace(' +eval', ''), alone],
    ['as documented, on a cluster', rights, startCluster],
  ] as const) {
    test(`a cache under the access list ${what}`, async () => {
      assert.ok(list.includes('+xadd'), 'the documentation has the list');
      const { servers, stop } = await start();
      const admins = await Promise.all(servers.map(({ port }) => openRedis({ port })));
      for (const admin of admins) await admin.client.call('ACL', `SETUSER app on >secret ${list}`.split(' '));
      const ports = servers.map(({ port }) => port);
      const place =
        start === startCluster
          ? { cluster: ports.map((port) => `${host}:${port}`), enabled: true }
          : { host, port: ports[0] };
      const settings = {
        cache: { shared: true },
        redis: { ...place, username: 'app', password: 'secret', lease: true, commandTimeoutMs: 1_000 },
      };
      const one = await openMock(settings);
      const other = await openMock(settings);
      assert.equal((await one.set('q', 'v', { tags: ['t'] })).failed, []);
      assert.is((await other.get('q')).tier, 'redis');
      assert.is(await other.wrap('another', () => 'made'), 'made');
      await other.idle();
      assert.is((await one.get('another')).value, 'made');
      assert.equal(await one.invalidate({ tags: ['t'] }), { shared: true });
      assert.is((await one.get('q')).match, 'none');
      assert.is(await one.delete('another'), true);
      await one.clear();
      const { tiers } = await one.stats();
      assert.is(tiers[1]?.name, 'redis');
      for (const cache of [one, other]) {
        const [, redis] = cache.health().tiers;
        assert.equal(redis?.counts, {}, redis?.lastError);
        assert.is(redis?.state, 'ok');
        assert.is(cache.health().ledger.queued, 0);
        await cache.close();
      }
      for (const admin of admins) {
        const denied = (await admin.client.call('ACL', 'LOG')) as unknown[][];
        const wanted = denied.map((entry) => entry[entry.indexOf('object') + 1]);
        // What is tried and refused is not needed: eval, where it is not granted, and the names of a cluster's connections.
        assert.equal(
          wanted.filter((command) => command !== 'eval' && command !== 'client|setname'),
          [],
        );
        await admin.close();
      }
      await stop();
    });
  }

  const absent = missing('openssl');
  if (absent !== undefined) {
    console.log(`skipped: ${absent}`);
    test.skip('a master found over encrypted sentinels');
  } else {
    test('a master found over encrypted sentinels, with nothing but configuration', async () => {
      const made = makeCertificates();
      const master = await startTlsServer(made, made.cert);
      const sentinel = await startSentinel(master.port, 'guard', made);
      const cache = await openMock({
        redis: {
          sentinels: [`${host}:${sentinel.port}`],
          sentinelName: 'main',
          sentinelUsername: 'default',
          sentinelPassword: 'guard',
          sentinelTls: true,
          tls: { caFile: made.ca },
          commandTimeoutMs: 1_000,
        },
      });
      await until(
        'tier B is written',
        async () => (await cache.set('q', 'v')).stored.includes('redis'),
        10_000,
      );
      await cache.close();
      await Promise.all([master.stop(), sentinel.stop()]);
    });
  }
}

test.run();
