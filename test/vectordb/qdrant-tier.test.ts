// Tier C on the Qdrant database: the contract of tiers, nothing of another scope, and a server that comes and goes.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Scope } from '#dist/core/scope.js';
import { type TestRunner, tierContract } from '#dist/testing/index.js';
import { guard } from '#dist/tiers/guard.js';
import { vectorTier } from '#dist/tiers/vector.js';
import { openQdrantDatabase } from '#dist/vectordb/qdrant.js';
import { codeOf } from '../disk/support.ts';
import { anywhere, documentOf, ground, onDouble } from '../qdrant/support.ts';
import { entryOf } from '../tiers/support.ts';

const test = suite('tier C on qdrant');
console.log(`runs against ${ground}`);

const named: TestRunner = (name, body) => test(`contract: ${name}`, body);
tierContract(
  named,
  async ({ clock, dimension }) => {
    const { options, release } = await anywhere();
    // Requests take real time, whatever the clock of the suite says.
    const database = await openQdrantDatabase({ ...options, dimension });
    return { tier: vectorTier(database, { clock }), release };
  },
  assert,
);

test('an entry is served to its scope alone, also by a server that ignores filters', async () => {
  const [a, b] = [new Scope({ tenant: 'a' }, 'e'), new Scope({ tenant: 'b' }, 'e')];
  const entry = entryOf('q', a);
  const vector = entry.vector as Float32Array;
  const { double, database, end } = await onDouble({ dimension: vector.length });
  const tier = guard(vectorTier(database), { timeoutMs: 5_000, strict: true });
  await tier.set(entry);
  const everything = { limit: 100, with_payload: true, with_vector: true };
  const rows = double.collections.get('c')?.scroll(everything).points as Record<string, unknown>[];
  double.bend = (route, result) => {
    if (route === 'POST points/query') return { points: rows.map((row) => ({ ...row, score: 1 })) };
    return route === 'POST points' ? rows : result;
  };
  assert.equal(await tier.get(entry.key, b), undefined);
  assert.equal(await tier.near?.(vector, b, 5), []);
  assert.equal(await tier.get(entry.key, a), entry);
  assert.is((await tier.near?.(vector, a, 5))?.length, 1);
  await end();
});

test('a server in trouble is a counted miss, and serves again afterwards', async () => {
  const scope = new Scope({}, 'e');
  const entry = entryOf('q', scope);
  const { double, database, end } = await onDouble({ dimension: entry.vector?.length as number });
  const tier = guard(vectorTier(database), { timeoutMs: 5_000, failures: 1_000 });
  await tier.set(entry);
  double.fault = (_request, response) => {
    response.writeHead(503).end();
    return true;
  };
  assert.is(await tier.get(entry.key, scope), undefined);
  assert.is(await codeOf(() => tier.set(entry)), 'ERR_LLM_CACHE_TIER');
  assert.is(tier.health().counts.errors, 1);
  double.fault = undefined;
  assert.equal(await tier.get(entry.key, scope), entry);
  await end();
});

test('writes that wait for a silent server are bounded in number', async () => {
  const { double, database, end } = await onDouble({ timeoutMs: 500 });
  double.fault = () => true;
  const writes = Array.from({ length: 1_024 }, (_, i) =>
    codeOf(() => database.upsert([documentOf(`d${i}`)])),
  );
  assert.is(await codeOf(() => database.upsert([documentOf('one more')])), 'ERR_LLM_CACHE_BUSY');
  assert.equal(new Set(await Promise.all(writes)), new Set(['ERR_LLM_CACHE_TIER_TIMEOUT']));
  await end();
});

test.run();
