// The engine that chooses: the conformance suite, and the crossing.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Entry } from '#dist/core/entry.js';
import { autoEngine } from '#dist/engines/auto.js';
import { randomUnitVector, seededRandom, tierContract } from '#dist/testing/index.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { codeOf } from '../disk/support.ts';
import { entryOf, scopeOf } from '../tiers/support.ts';
import { checkAnswer, engineConformance, printedSeed } from './conformance.ts';
import { WithVectors } from './with-vectors.ts';

const seed = printedSeed();
const test = suite('auto engine');

engineConformance(test, async (dimension) => {
  // The test of bytes counts those of exact rows.
  const engine = autoEngine(dimension, { crossover: dimension === 64 ? 5_000 : 60, nprobe: 8 });
  return { engine: new WithVectors(engine), settle: () => engine.settled() };
});

test('a partition goes into lists at the crossover, the others untouched', async () => {
  const random = seededRandom(seed);
  const engine = autoEngine(16, { crossover: 400 });
  const beside = new WithVectors(engine);
  const rows = new Map<number, { partition: number; vector: Float32Array }>();
  const put = (id: number, partition: number) => {
    const vector = randomUnitVector(16, random);
    beside.set(id, partition, vector);
    rows.set(id, { partition, vector });
  };
  const check = () => {
    for (const partition of [0, 1]) {
      const query = randomUnitVector(16, random);
      for (const k of [1, 10, 1000])
        checkAnswer(beside.search(query, partition, k), query, rows, partition, k);
    }
  };
  for (let id = 0; id < 399; id++) put(id, 0);
  for (let id = 1000; id < 1300; id++) put(id, 1);
  await engine.settled();
  assert.is(engine.rowsInLists, 0);
  put(399, 0);
  check();
  await engine.settled();
  assert.is(engine.rowsInLists, 400);
  check();
  for (let id = 0; id < 400; id++) {
    engine.remove(id);
    rows.delete(id);
  }
  check();
  assert.is(engine.rowsInLists, 0);
  assert.is(engine.size, 300);
  await engine.close();
});

tierContract(
  (name, body) => test(`memory tier on it: ${name}`, body),
  ({ clock, dimension }) => ({
    tier: memoryTier({ dimension, clock, engine: autoEngine(dimension, { crossover: 32 }) }),
  }),
  assert,
);

test('a memory tier that evicts all the time finds each entry it holds, and closes its engine', async () => {
  const engine = autoEngine(8, { crossover: 100 });
  // Least recently used first, so that the test knows which are held.
  const tier = memoryTier({ dimension: 8, maxEntries: 300, eviction: 'lru', engine });
  const scope = scopeOf('a');
  const random = seededRandom(seed);
  const held: Entry[] = [];
  for (let number = 0; number < 3000; number++) {
    const entry = entryOf(`question ${number}`, scope, { vector: randomUnitVector(8, random) });
    assert.is(tier.set(entry), true);
    held.push(entry);
    if (held.length > 300) held.shift();
    if (number % 25 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (number % 400 === 399) await engine.settled();
  }
  await engine.settled();
  assert.ok(engine.rowsInLists > 100);
  assert.is(engine.size, 300);
  let found = 0;
  for (const { key, vector } of held) {
    const near = (await tier.near?.(vector as Float32Array, scope, 1)) ?? [];
    if (near[0]?.entry.key === key) found++;
  }
  assert.ok(found >= 299, `${found} of 300`);
  await tier.close();
  assert.is(engine.size, 0);
  assert.is(await codeOf(() => memoryTier({ dimension: 9, engine })), 'ERR_LLM_CACHE_DIMENSION');
});

test.run();
