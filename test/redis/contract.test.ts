// The Redis tier keeps the contract however it is set up: sealed, sliding, in a cluster, with few rights.
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type TestRunner, tierContract } from '#dist/testing/index.js';
import { type RedisTierOptions, redisTier, redisTierCommands } from '#dist/tiers/redis.js';
import { missing, startCluster, startServer } from './support.ts';

const test = suite('redis tier contract');
const absent = missing('redis-server', 'redis-cli');

if (absent === undefined) {
  const server = await startServer();
  const cluster = await startCluster();
  test.after(async () => {
    await Promise.all([server.stop(), cluster.stop()]);
  });
  const admin = new Redis({ port: server.port });
  const rights = redisTierCommands.map((command) => `+${command}`);
  for (const [user, commands] of [
    ['full', rights],
    ['plain', rights.filter((command) => command !== '+eval')],
  ] as const) {
    await admin.call('ACL', 'SETUSER', user, 'on', '>secret', '~contract*', ...commands);
  }
  admin.disconnect();

  const keys = [{ id: 'one', secret: 'ab'.repeat(32) }];
  const { port } = server;
  const kinds: Record<string, RedisTierOptions> = {
    plain: { port },
    'hmac-sha256': { port, seal: { mode: 'hmac-sha256', keys } },
    'aes-256-gcm': { port, seal: { mode: 'aes-256-gcm', keys } },
    sliding: { port, sliding: true },
    'few rights': { port, username: 'full', password: 'secret' },
    'no scripts': { port, username: 'plain', password: 'secret' },
    cluster: { cluster: cluster.servers.map((each) => ({ host: '127.0.0.1', port: each.port })) },
  };
  let number = 0;
  for (const [kind, options] of Object.entries(kinds)) {
    const named: TestRunner = (name, body) => test(`${kind}: ${name}`, body);
    tierContract(
      named,
      async ({ clock }) => ({
        tier: await redisTier({
          ...options,
          keyPrefix: `contract-${number++}`,
          clock,
          commandTimeoutMs: 5000,
          connectTimeoutMs: 5000,
        }),
      }),
      assert,
    );
  }
} else {
  console.log(`skipped: ${absent}`);
  test.skip(`servers of our own: skipped: ${absent}`);
}

test.run();
