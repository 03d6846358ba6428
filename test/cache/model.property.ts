// A cache's random life against a model: a map and brute force. SEED, RUNS and STEPS come from the environment.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SemanticCache } from '#dist/cache.js';
import type { Lookup } from '#dist/cache-types.js';
import type { Embedder } from '#dist/core/embedder.js';
import { queryKey } from '#dist/core/key.js';
import type { Tier } from '#dist/core/tier.js';
import { policy } from '#dist/decide/policy.js';
import { Environment } from '#dist/disk/environment.js';
import {
  cosine,
  failingTier,
  type ManualClock,
  manualClock,
  mockEmbedder,
  seededRandom,
} from '#dist/testing/index.js';
import { diskTier } from '#dist/tiers/disk.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { vectorTier } from '#dist/tiers/vector.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { temporaryDirectory } from '../disk/support.js';
import { assemble } from './support.js';

const test = suite('cache against a model');
const firstSeed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const runs = Number(process.env.RUNS ?? 8);
const steps = Number(process.env.STEPS ?? 250);
const minSimilarity = 0.75;
const tenants = ['a', 'b'] as const;

const nouns = ['cache', 'index', 'server', 'thread'];
const verbs = ['open', 'close', 'clear'];
const ends = ['', ' please', ' now'];
const questions = verbs.flatMap((verb) =>
  nouns.flatMap((noun) => ends.map((end) => `how do I ${verb} a ${noun}${end}`)),
);
const vectors = new Map<string, Float32Array>();

interface Held {
  readonly question: string;
  readonly expiresAtMs: number;
}

/** What may be served: by scope, each value that was stored and neither removed nor surely replaced since. */
class Model {
  readonly allowed = new Map<string, Map<string, Held>>();
  /** Questions of a scope that every tier holds, with the value. */
  readonly everywhere = new Map<string, string>();

  of(tenant: string): Map<string, Held> {
    let held = this.allowed.get(tenant);
    if (held === undefined) {
      held = new Map();
      this.allowed.set(tenant, held);
    }
    return held;
  }

  stored(tenant: string, question: string, value: string, expiresAtMs: number, inAll: boolean): void {
    if (inAll) {
      this.removed(tenant, question);
      this.everywhere.set(`${tenant} ${question}`, value);
    } else this.everywhere.delete(`${tenant} ${question}`);
    this.of(tenant).set(value, { question, expiresAtMs });
  }

  removed(tenant: string, question?: string): void {
    for (const [value, held] of this.of(tenant)) {
      if (question !== undefined && held.question !== question) continue;
      this.of(tenant).delete(value);
      this.everywhere.delete(`${tenant} ${held.question}`);
    }
  }

  doubtful(tenant: string, question?: string): void {
    for (const held of this.of(tenant).values()) {
      if (question === undefined || held.question === question)
        this.everywhere.delete(`${tenant} ${held.question}`);
    }
  }
}

async function life(seed: number): Promise<Record<string, number>> {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const clock: ManualClock = manualClock();
  const embedder: Embedder = { ...mockEmbedder({ dimension: 32 }), close: async () => {} };
  for (const question of questions) vectors.set(question, (await embedder.embed(question)).vector);
  const directory = temporaryDirectory();
  const broken = new Set<string>();
  let everBroken = false;
  let environment!: Environment;
  let tiers!: Tier[];
  let cache!: SemanticCache;

  const open = async () => {
    environment = new Environment(directory);
    const database = await openEmbeddedDatabase(environment, { name: 'answers', dimension: 32, clock });
    tiers = [
      memoryTier({ dimension: 32, clock, maxEntries: 500 }),
      diskTier(environment, { clock }),
      vectorTier(database, { clock }),
    ];
    const faulty = tiers.map((tier) => failingTier(tier, { when: () => broken.has(tier.name) }));
    const guard = { failures: 1e9, timeoutMs: 5000 };
    cache = assemble({
      tiers: faulty,
      embedder,
      clock,
      guard,
      policy: policy({ minSimilarity, rules: 'none' }),
    });
  };
  await open();

  const model = new Model();
  const seen: Record<string, number> = {};
  let number = 0;
  let trail = '';

  const checkLookup = async (tenant: string, question: string, lookup: Lookup) => {
    seen[lookup.match] = (seen[lookup.match] ?? 0) + 1;
    const sure = model.everywhere.get(`${tenant} ${question}`);
    const sureHeld = sure === undefined ? undefined : model.of(tenant).get(sure);
    if (sureHeld && sureHeld.expiresAtMs > clock.wall() && broken.size === 0) {
      assert.is(lookup.match, 'exact', `${trail}: ${question} is held by every tier`);
      assert.is(lookup.value, sure, trail);
    }
    if (lookup.match === 'none') {
      if (broken.size > 0 || everBroken) return;
      // Nothing was ever lost, so nothing that lives may be near enough.
      for (const held of model.of(tenant).values()) {
        if (held.expiresAtMs <= clock.wall()) continue;
        const near = cosine(
          vectors.get(held.question) as Float32Array,
          vectors.get(question) as Float32Array,
        );
        assert.ok(
          near < minSimilarity + 1e-5,
          `${trail}: ${held.question} at ${near} was not found for ${question}`,
        );
      }
      return;
    }
    const held = model.of(tenant).get(lookup.value as string);
    assert.ok(
      held,
      `${trail}: ${lookup.value} was removed, replaced or belongs to another (${lookup.match}, ${lookup.tier})`,
    );
    assert.ok((held as Held).expiresAtMs > clock.wall(), `${trail}: ${lookup.value} has expired`);
    assert.is(lookup.question, held?.question, trail);
    const similarity = cosine(
      vectors.get(held?.question as string) as Float32Array,
      vectors.get(question) as Float32Array,
    );
    if (lookup.match === 'exact') assert.is(held?.question, question, trail);
    assert.ok(similarity >= minSimilarity - 1e-5, trail);
    assert.ok(Math.abs(similarity - lookup.similarity) < 1e-4, trail);
    await cache.idle();
    const level = tiers.findIndex(({ name }) => name === lookup.tier);
    const scope = cache.scope({ tenant });
    for (const tier of tiers.slice(0, level)) {
      if (broken.has(tier.name)) continue;
      assert.ok(
        await tier.get(queryKey(lookup.question as string, scope), scope),
        `${trail}: promoted to ${tier.name}`,
      );
    }
  };

  for (let step = 0; step < steps; step++) {
    const tenant = pick(tenants);
    const question = pick(questions);
    const scope = { tenant };
    const what = random();
    trail = `seed ${seed}, step ${step}`;
    if (what < 0.3) {
      const value = `${tenant} ${question} #${number++}`;
      const ttlMs = random() < 0.3 ? 500 : 1e7;
      const at = clock.wall();
      const answer = await cache.ask(question, () => value, { scope, ttlMs, refresh: random() < 0.2 });
      await cache.idle();
      if (answer.value === value) model.stored(tenant, question, value, at + ttlMs, broken.size === 0);
      else await checkLookup(tenant, question, answer);
    } else if (what < 0.5) await checkLookup(tenant, question, await cache.get(question, { scope }));
    else if (what < 0.7) {
      const value = `${tenant} ${question} #${number++}`;
      const ttlMs = random() < 0.3 ? 500 : 1e7;
      const { failed } = await cache.set(question, value, { scope, ttlMs });
      model.stored(tenant, question, value, clock.wall() + ttlMs, failed.length === 0);
      assert.equal(failed.length, broken.size, trail);
    } else if (what < 0.78) {
      const deleted = await cache.delete(question, { scope }).then(
        () => true,
        () => false,
      );
      assert.is(deleted, broken.size === 0, trail);
      if (deleted) model.removed(tenant, question);
      else model.doubtful(tenant, question);
    } else if (what < 0.8) {
      const cleared = await cache.clear({ scope }).then(
        () => true,
        () => false,
      );
      if (cleared) model.removed(tenant);
      else model.doubtful(tenant);
    } else if (what < 0.9) clock.advance(Math.floor(random() * 300));
    else if (what < 0.93) {
      await cache.close();
      await environment.close();
      await open();
      broken.clear();
    } else if (broken.size === 0 && seed % 2 === 0) {
      broken.add(pick(['memory', 'disk', 'vector']));
      everBroken = true;
    } else broken.clear();
  }
  await cache.close();
  await environment.close();
  return seen;
}

test(`${runs} random lives of ${steps} steps never show a removed, expired or foreign value`, async () => {
  console.log(`seed ${firstSeed} (the n-th life has seed + n)`);
  const total: Record<string, number> = {};
  for (let run = 0; run < runs; run++) {
    for (const [match, count] of Object.entries(await life(firstSeed + run)))
      total[match] = (total[match] ?? 0) + count;
  }
  console.log(JSON.stringify(total));
  for (const match of ['exact', 'semantic', 'none'])
    assert.ok((total[match] ?? 0) > 20, `${match}: ${total[match]}`);
});

test.run();
