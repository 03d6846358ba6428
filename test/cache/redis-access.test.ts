// The access list of docs/stores.md is enough for all that a cache does with Redis, and not one right more than its tests need.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openRedis } from '#dist/redis/connection.js';
import { noRedis, startRedis } from '../tiers/support.js';
import { openMock } from './support.js';

const test = suite('access list');
const docs = readFileSync(new URL('../../docs/stores.md', import.meta.url), 'utf8');
const [, rights = ''] = /^ACL SETUSER llm-cache on >a-long-password (.+)$/m.exec(docs) ?? [];

if (noRedis) {
  console.log(`skipped: ${noRedis}`);
  test.skip('a cache under the access list of the documentation');
} else {
  for (const [what, list] of [
    ['as documented', rights],
    ['without eval', rights.replace(' +eval', '')],
  ] as const) {
    test(`a cache under the access list ${what}`, async () => {
      assert.ok(list.includes('+xadd'), 'the documentation has the list');
      const server = await startRedis();
      const admin = await openRedis({ port: server.port });
      const words = `SETUSER app on >secret ${list}`.split(' ');
      await admin.client.call('ACL', words);
      const settings = {
        redis: { host: '127.0.0.1', port: server.port, username: 'app', password: 'secret', lease: true },
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
      const denied = await admin.client.call('ACL', 'LOG');
      const wanted = (denied as unknown[][]).map((entry) => entry[entry.indexOf('object') + 1]);
      // What is tried and refused is not needed: eval, where it is not granted.
      assert.equal(
        wanted.filter((command) => command !== 'eval'),
        [],
      );
      await admin.close();
      await server.stop();
    });
  }
}

test.run();
