// The engine that chooses: the conformance suite, and the crossing in both directions.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Entry } from '#dist/core/entry.js';
import { autoEngine } from '#dist/engines/auto.js';
import { randomUnitVector, seededRandom, tierContract } from '#dist/testing/index.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { codeOf } from '../disk/support.ts';
import { entryOf, scopeOf } from '../tiers/support.ts';
import { checkAnswer, engineConformance, printedSeed } from './conformance.ts';

const seed = printedSeed();
const test = suite('auto engine');

engineConformance(test, async (dimension) => {
  const engine = autoEngine(dimension, { crossover: 60 });
  return { engine, settle: () => engine.settled() };
});

test('a partition gets a graph above the crossover and loses it below half of it, the others untouched', async () => {
  const random = seededRandom(seed);
  const engine = autoEngine(16, { crossover: 400 });
  const rows = new Map<number, { partition: number; vector: Float32Array }>();
  const put = (id: number, partition: number) => {
    const vector = randomUnitVector(16, random);
    engine.set(id, partition, vector);
    rows.set(id, { partition, vector });
  };
  const check = () => {
    for (const partition of [0, 1]) {
      const query = randomUnitVector(16, random);
      for (const k of [1, 10, 1000])
        checkAnswer(engine.search(query, partition, k), query, rows, partition, k);
    }
  };
  for (let id = 0; id < 399; id++) put(id, 0);
  for (let id = 1000; id < 1300; id++) put(id, 1);
  await engine.settled();
  assert.is(engine.rowsInGraphs, 0);
  const flatBytes = engine.bytes;
  put(399, 0);
  check();
  await engine.settled();
  assert.is(engine.rowsInGraphs, 400);
  // The graph has a fixed part of 2.6 MB; what counts is that the flat rows went: their int8 and float32 components.
  assert.ok(engine.bytes < flatBytes + 2_700_000 + 400 * 400, `${flatBytes}, then ${engine.bytes}`);
  check();
  for (let id = 0; id < 199; id++) {
    engine.remove(id);
    rows.delete(id);
  }
  await engine.settled();
  check();
  engine.remove(199);
  engine.remove(200);
  rows.delete(199);
  rows.delete(200);
  await engine.settled();
  assert.is(engine.rowsInGraphs, 0);
  assert.is(engine.size, 499);
  check();
  await engine.close();
});

tierContract(
  (name, body) => test(`memory tier on it: ${name}`, body),
  ({ clock, dimension }) => ({
    tier: memoryTier({ dimension, clock, engine: autoEngine(dimension, { crossover: 20 }) }),
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
  assert.ok(engine.rowsInGraphs > 100);
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
