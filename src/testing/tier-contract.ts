// What every tier must do, as tests. Tests may import it; the subpath ./testing exports it.
import type { Clock } from '../core/clock.js';
import type { Candidate, Entry } from '../core/entry.js';
import { queryKey } from '../core/key.js';
import { Scope } from '../core/scope.js';
import type { MaybePromise, Tier } from '../core/tier.js';
import { type ManualClock, manualClock } from './manual-clock.js';
import { cosine, randomUnitVector, seededRandom } from './random.js';
import type { Assertions, TestRunner } from './runner.js';

/** What a tier under test is built on. */
export interface TierGround {
  /** The tier must take the time from it: the suite lets entries expire by moving it. */
  readonly clock: Clock;
  /** Length of the vectors. */
  readonly dimension: number;
}

/** A tier under test. */
export interface TierSubject {
  readonly tier: Tier;
  /** Releases what the tier stands on; called after its `close`. */
  readonly release?: (() => Promise<void>) | undefined;
}

/** Makes an empty tier, anew for each test. */
export type MakeTier = (ground: TierGround) => MaybePromise<TierSubject>;

const dimension = 16;
const hourMs = 3_600_000;
// The bound of `Tier.near`: what float32 may lose over a product of a few hundred terms.
const tolerance = 1e-5;

interface Context {
  readonly tier: Tier;
  readonly clock: ManualClock;
  readonly random: () => number;
  readonly a: Scope;
  readonly b: Scope;
  entry(question: string, scope: Scope, changes?: Partial<Entry>): Entry;
}

const values: readonly (readonly [string, unknown])[] = [
  ['a text', 'forty-two'],
  ['an empty text', ''],
  ['text beyond ASCII', 'Zürich 東京 🏔️ e\u0301 \u0000 \u2028'],
  ['a number', -1.5e-300],
  ['true and null', [true, false, null]],
  ['nested JSON', { list: [1, [2, { three: ['x'] }]], empty: {}, none: null, text: 'y' }],
  ['a date', new Date(1_700_000_000_123)],
  [
    'a map',
    new Map<unknown, unknown>([
      ['k', [1]],
      [2, new Map([['deep', true]])],
    ]),
  ],
  ['a set', new Set([1, 'two'])],
  ['bytes', new Uint8Array([0, 1, 254, 255])],
  ['numbers of 32 bits', new Float32Array([1.5, -0.25, 3e38])],
  ['a bigint', 2n ** 62n],
  ['a small bigint', 7n],
  ['null', null],
  ['things within things', { when: new Date(0), raw: new Uint8Array([7]), many: new Map([['n', 1n]]) }],
  ['a megabyte', 'mega'.repeat(1 << 18)],
];

/**
 * Registers the tests that every tier must pass: get, set, delete, clear, size, scopes, expiry, fidelity of values and, where the
 * tier has it, `near`. `makeTier` is called once a test.
 * @example tierContract(test, ({ clock }) => ({ tier: myTier({ clock }) }), assert);
 */
export function tierContract(test: TestRunner, makeTier: MakeTier, assert: Assertions): void {
  const check = (name: string, body: (context: Context) => Promise<void>) =>
    test(name, async () => {
      const clock = manualClock();
      const { tier, release } = await makeTier({ clock, dimension });
      const random = seededRandom(7);
      const context: Context = {
        tier,
        clock,
        random,
        a: new Scope({ tenant: 'a' }, 'contract'),
        b: new Scope({ tenant: 'b' }, 'contract'),
        entry: (question, scope, changes) => ({
          key: queryKey(question, scope),
          scope: scope.id,
          embedder: scope.embedder,
          question,
          vector: randomUnitVector(dimension, random),
          value: `answer to ${question}`,
          createdAtMs: clock.wall(),
          expiresAtMs: clock.wall() + hourMs,
          epoch: 0,
          ...changes,
        }),
      };
      try {
        await body(context);
      } finally {
        await tier.close();
        await release?.();
      }
    });

  check('an entry comes back whole', async ({ tier, a, entry }) => {
    const stored = entry('What is it?', a, {
      expiresAtMs: Number.POSITIVE_INFINITY,
      createdAtMs: 1.5,
      epoch: 2 ** 52 + 1,
      tags: ['one', 'ö 2'],
      sources: ['doc.md'],
    });
    assert.equal(await tier.get(stored.key, a), undefined);
    await tier.set(stored);
    assert.equal(await tier.get(stored.key, a), stored);
  });

  check('each kind of value comes back as what it was', async ({ tier, a, entry }) => {
    for (const [name, value] of values) {
      const stored = entry(name, a, { value });
      await tier.set(stored);
      const held = await tier.get(stored.key, a);
      assert.ok(held !== undefined, `${name} is held`);
      assert.equal(held?.value, value, name);
    }
  });

  check('changing what was stored or handed out changes nothing that is held', async ({ tier, a, entry }) => {
    const value = { list: [1] };
    const stored = entry('q', a, { value });
    await tier.set(stored);
    value.list.push(2);
    const first = (await tier.get(stored.key, a))?.value as { list: number[] };
    try {
      first.list.push(3);
    } catch {
      // Frozen: just as good.
    }
    assert.equal((await tier.get(stored.key, a))?.value, { list: [1] });
  });

  check('vectors are kept bit by bit', async ({ tier, a, entry }) => {
    const vector = new Float32Array(dimension);
    vector.set([Math.fround(0.6), -0, 1e-42, Math.fround(-0.8)]);
    const stored = entry('q', a, { vector });
    await tier.set(stored);
    const held = (await tier.get(stored.key, a))?.vector as Float32Array;
    assert.equal([...new Uint32Array(held.slice().buffer)], [...new Uint32Array(vector.buffer)]);
  });

  check('a later entry of the same key replaces the earlier one', async ({ tier, a, entry }) => {
    await tier.set(entry('q', a, { value: 'old' }));
    const later = entry('q', a, { value: 'new' });
    await tier.set(later);
    assert.equal(await tier.get(later.key, a), later);
    assert.equal((await tier.size()).entries, 1);
  });

  check('onlyIfAbsent writes only where nothing is', async ({ tier, a, entry, clock }) => {
    await tier.set(entry('q', a, { value: 'newer', expiresAtMs: clock.wall() + 1000 }));
    const older = entry('q', a, { value: 'older' });
    await tier.set(older, { onlyIfAbsent: true });
    assert.equal((await tier.get(older.key, a))?.value, 'newer');
    const other = entry('other', a);
    await tier.set(other, { onlyIfAbsent: true });
    assert.equal(await tier.get(other.key, a), other);
  });

  check('the same key in another scope is another entry', async ({ tier, a, b, entry }) => {
    const inA = entry('q', a, { value: 'of a' });
    await tier.set(inA);
    assert.equal(await tier.get(inA.key, b), undefined);
    assert.equal(await tier.delete(inA.key, b), false);
    const inB = entry('q', b, { value: 'of b' });
    await tier.set(inB);
    assert.equal((await tier.get(inA.key, a))?.value, 'of a');
    assert.equal((await tier.get(inB.key, b))?.value, 'of b');
  });

  check('delete removes one entry and says whether it was there', async ({ tier, a, entry }) => {
    const gone = entry('gone', a);
    const kept = entry('kept', a);
    await tier.set(gone);
    await tier.set(kept);
    assert.equal(await tier.delete(gone.key, a), true);
    assert.equal(await tier.delete(gone.key, a), false);
    assert.equal(await tier.get(gone.key, a), undefined);
    assert.equal(await tier.get(kept.key, a), kept);
  });

  check('a delete that follows a set not yet awaited wins', async ({ tier, a, entry }) => {
    const stored = entry('q', a);
    const writing = tier.set(stored);
    const deleting = tier.delete(stored.key, a);
    await Promise.all([writing, deleting]);
    assert.equal(await tier.get(stored.key, a), undefined);
    assert.equal((await tier.near?.(stored.vector as Float32Array, a, 1)) ?? [], []);
  });

  check('delete with a condition leaves what does not meet it', async ({ tier, a, entry }) => {
    const held = entry('q', a);
    const onlyIf = ({ value }: Entry) => value !== held.value;
    await tier.set(held);
    assert.equal(await tier.delete(held.key, a, { onlyIf }), false);
    assert.equal(await tier.get(held.key, a), held);
    const removed = await tier.delete(held.key, a, { onlyIf: () => true });
    assert.equal(await tier.get(held.key, a), removed ? undefined : held);
    assert.equal(await tier.delete('0'.repeat(64), a, { onlyIf: () => true }), false);
  });

  check('delete of an old entry leaves the new one that is being written', async ({ tier, a, entry }) => {
    const old = entry('q', a, { value: 'old' });
    const fresh = entry('q', a, { value: 'fresh' });
    await tier.set(old);
    const writing = tier.set(fresh);
    const deleting = tier.delete(old.key, a, { onlyIf: ({ value }) => value === 'old' });
    await Promise.all([writing, deleting]);
    assert.equal(await tier.get(old.key, a), fresh);
  });

  check('a clear that follows a set not yet awaited wins', async ({ tier, a, entry }) => {
    const stored = entry('q', a);
    const writing = tier.set(stored);
    const clearing = tier.clear(a);
    await Promise.all([writing, clearing]);
    assert.equal(await tier.get(stored.key, a), undefined);
    assert.equal((await tier.near?.(stored.vector as Float32Array, a, 1)) ?? [], []);
  });

  check('clear of a scope leaves the others, clear of all leaves nothing', async ({ tier, a, b, entry }) => {
    const inA = [1, 2, 3].map((i) => entry(`q${i}`, a));
    const inB = entry('q1', b);
    for (const stored of [...inA, inB]) await tier.set(stored);
    assert.equal((await tier.size()).entries, 4);
    await tier.clear(a);
    for (const { key } of inA) assert.equal(await tier.get(key, a), undefined);
    assert.equal(await tier.get(inB.key, b), inB);
    await tier.clear();
    assert.equal(await tier.get(inB.key, b), undefined);
    assert.equal((await tier.size()).entries, 0);
  });

  check('size grows with what is held', async ({ tier, a, entry }) => {
    assert.equal((await tier.size()).entries, 0);
    for (let i = 0; i < 20; i++) await tier.set(entry(`q${i}`, a, { value: 'x'.repeat(4096) }));
    const { entries, bytes } = await tier.size();
    assert.equal(entries, 20);
    assert.ok(bytes >= 20 * 4096, `${bytes} bytes for 20 values of 4,096`);
  });

  check(
    'an entry is a miss from its expiry on, and may be written again',
    async ({ tier, a, entry, clock }) => {
      const stored = entry('q', a, { expiresAtMs: clock.wall() + 1000 });
      await tier.set(stored);
      clock.advance(999);
      assert.equal(await tier.get(stored.key, a), stored);
      clock.advance(1);
      assert.equal(await tier.get(stored.key, a), undefined);
      assert.equal((await tier.near?.(stored.vector as Float32Array, a, 1)) ?? [], []);
      const again = entry('q', a, { value: 'again' });
      await tier.set(again);
      assert.equal(await tier.get(again.key, a), again);
    },
  );

  check('an entry that has expired already is not kept', async ({ tier, a, entry, clock }) => {
    const dead = entry('q', a, { expiresAtMs: clock.wall() });
    await tier.set(dead);
    assert.equal(await tier.get(dead.key, a), undefined);
  });

  check('many writes at once all arrive', async ({ tier, a, entry }) => {
    const all = Array.from({ length: 100 }, (_, i) => entry(`q${i}`, a));
    await Promise.all(all.map((stored) => tier.set(stored)));
    for (const stored of all) assert.equal(await tier.get(stored.key, a), stored);
  });

  check('close may be called twice', async ({ tier }) => {
    await tier.close();
    await tier.close();
  });

  nearContract(check, assert);
}

function nearContract(
  check: (name: string, body: (context: Context) => Promise<void>) => unknown,
  assert: Assertions,
): void {
  const near = async ({ tier }: Context, ...call: Parameters<NonNullable<Tier['near']>>) =>
    (await tier.near?.(...call)) as readonly Candidate[];
  const checkNear = (name: string, body: (context: Context) => Promise<void>) =>
    check(name, async (context) => (context.tier.near ? body(context) : undefined));

  checkNear('near finds the k nearest of the scope, best first, as brute force does', async (context) => {
    const { tier, a, b, entry, random } = context;
    const inA = Array.from({ length: 60 }, (_, i) => entry(`q${i}`, a));
    for (const stored of inA) await tier.set(stored);
    for (let i = 0; i < 60; i++) await tier.set(entry(`q${i}`, b));
    for (const k of [1, 5, 60, 1000]) {
      const wanted = randomUnitVector(dimension, random);
      const best = inA
        .map((stored) => ({ key: stored.key, similarity: cosine(wanted, stored.vector as Float32Array) }))
        .sort((x, y) => y.similarity - x.similarity)
        .slice(0, k);
      const found = await near(context, wanted, a, k);
      assert.equal(
        found.map((candidate) => candidate.entry.key),
        best.map(({ key }) => key),
        `k = ${k}`,
      );
      for (const [i, candidate] of found.entries()) {
        assert.ok(Math.abs(candidate.similarity - (best[i]?.similarity as number)) < tolerance, 'similarity');
        assert.equal(
          candidate.entry,
          inA.find(({ key }) => key === candidate.entry.key),
        );
      }
    }
  });

  checkNear('near never crosses the scope, however near the neighbour', async (context) => {
    const { tier, a, b, entry } = context;
    const inB = entry('q', b);
    await tier.set(inB);
    assert.equal(await near(context, inB.vector as Float32Array, a, 5), []);
    await tier.set(entry('far', a));
    const found = await near(context, inB.vector as Float32Array, a, 5);
    assert.equal(
      found.map((candidate) => candidate.entry.question),
      ['far'],
    );
  });

  checkNear('near forgets what was deleted, cleared or replaced', async (context) => {
    const { tier, a, entry } = context;
    const gone = entry('gone', a);
    const moved = entry('moved', a);
    await tier.set(gone);
    await tier.set(moved);
    await tier.delete(gone.key, a);
    await tier.set(entry('moved', a));
    const found = await near(context, gone.vector as Float32Array, a, 5);
    assert.equal(
      found.map((candidate) => candidate.entry.question),
      ['moved'],
    );
    const [self] = await near(context, moved.vector as Float32Array, a, 1);
    assert.ok((self?.similarity ?? 0) < 0.99, 'the earlier vector is gone');
    await tier.clear(a);
    assert.equal(await near(context, gone.vector as Float32Array, a, 5), []);
  });

  checkNear('entries that have expired do not hide those that live', async (context) => {
    const { tier, a, entry, clock } = context;
    const vector = randomUnitVector(dimension, context.random);
    for (let i = 0; i < 8; i++) {
      await tier.set(entry(`dead ${i}`, a, { vector, expiresAtMs: clock.wall() + 1000 }));
    }
    const alive = entry('alive', a);
    await tier.set(alive);
    clock.advance(1000);
    const found = await near(context, vector, a, 2);
    assert.equal(
      found.map((candidate) => candidate.entry.question),
      ['alive'],
    );
  });

  checkNear('an entry without a vector is never near', async (context) => {
    const { tier, a, entry } = context;
    const { vector, ...bare } = entry('long', a);
    await tier.set(bare);
    assert.equal(await near(context, vector as Float32Array, a, 5), []);
  });
}
