// Every tier keeps the one contract.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Environment } from '#dist/disk/environment.js';
import { failingTier, slowTier, type TestRunner, tierContract } from '#dist/testing/index.js';
import { diskTier } from '#dist/tiers/disk.js';
import { guard } from '#dist/tiers/guard.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { redisTier } from '#dist/tiers/redis.js';
import { vectorTier } from '#dist/tiers/vector.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { temporaryDirectory } from '../disk/support.js';
import { noRedis, startRedis } from './support.js';

const test = suite('tier contract');
const named =
  (tier: string): TestRunner =>
  (name, body) =>
    test(`${tier}: ${name}`, body);

tierContract(named('memory'), (ground) => ({ tier: memoryTier(ground) }), assert);
tierContract(named('guarded memory'), (ground) => ({ tier: guard(memoryTier(ground)) }), assert);

tierContract(
  named('disk'),
  ({ clock }) => {
    const environment = new Environment(temporaryDirectory());
    return { tier: diskTier(environment, { clock }), release: () => environment.close() };
  },
  assert,
);

const vector = async ({
  clock,
  dimension,
}: {
  clock: Parameters<typeof slowTier>[1]['clock'];
  dimension: number;
}) => {
  const environment = new Environment(temporaryDirectory());
  const database = await openEmbeddedDatabase(environment, { name: 'answers', dimension, clock });
  return { tier: vectorTier(database, { clock }), release: () => environment.close() };
};
tierContract(named('vector'), vector, assert);
tierContract(
  named('vector behind wrappers that never fire'),
  async (ground) => {
    const { tier, release } = await vector(ground);
    const never = { when: () => false };
    return {
      tier: slowTier(failingTier(tier, never), { ...never, delayMs: 1, clock: ground.clock }),
      release,
    };
  },
  assert,
);

if (noRedis === undefined) {
  const server = await startRedis();
  let number = 0;
  tierContract(
    named('redis'),
    async ({ clock }) => ({
      tier: await redisTier({
        port: server.port,
        keyPrefix: `contract-${number++}`,
        clock,
        commandTimeoutMs: 5000,
      }),
    }),
    assert,
  );
  test.after(() => server.stop());
} else {
  test.skip(`redis: skipped: ${noRedis}`);
  console.log(`skipped: ${noRedis}`);
}

test.run();
