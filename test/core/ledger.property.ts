// The table of removals against a plain list of them: with room for all it says the same, with less it never calls alive what was removed.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LocalLedger, type Mark, MarkTable, marks } from '#dist/core/ledger.js';
import type { TimeRange } from '#dist/core/marks.js';
import { seededRandom } from '#dist/testing/index.js';

const test = suite('ledger');
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
console.log(`seed ${seed}`);
const random = seededRandom(seed);
const below = (n: number) => Math.floor(random() * n);

const keys = Array.from({ length: 6 }, (_, i) => `key ${i}`);
const scopes = ['a', 'b', 'c'];
const names = ['x', 'y', 'z', '', '*'];
const some = (from: readonly string[]) => from.filter(() => random() < 0.3);
const entryAt = (epoch: number) => ({
  key: keys[below(keys.length)] as string,
  scope: scopes[below(scopes.length)] as string,
  epoch,
  createdAtMs: random() < 0.1 ? undefined : below(10),
  tags: some(names),
  sources: random() < 0.5 ? undefined : some(names),
});
const ownMarks = ({ key, scope, tags, sources = [] }: ReturnType<typeof entryAt>) =>
  new Set<Mark>([
    marks.everything,
    marks.key(key),
    marks.scope(scope),
    ...tags.map(marks.tag),
    ...(sources ?? []).map(marks.source),
  ]);
/** What the mark is made of. */
interface Said {
  readonly mark: Mark;
  readonly range?: TimeRange;
}
function anyRemoval(): Said {
  const mark = anyMark();
  if (random() < 0.6) return { mark };
  const fromMs = pickBound(Number.NEGATIVE_INFINITY);
  const untilMs = pickBound(Number.POSITIVE_INFINITY);
  return fromMs < untilMs ? { mark, range: { fromMs, untilMs } } : { mark };
}
const pickBound = (none: number) => (random() < 0.3 ? none : below(12) - 0.5 * below(2));
const written = ({ mark, range }: Said) => (range === undefined ? mark : marks.created(range, [mark]));
const isNamedBy = ({ mark, range }: Said, entry: ReturnType<typeof entryAt>) => {
  const { createdAtMs } = entry;
  const inTime =
    range === undefined ||
    createdAtMs === undefined ||
    (range.fromMs <= createdAtMs && createdAtMs < range.untilMs);
  return inTime && ownMarks(entry).has(mark);
};
function anyMark(): Mark {
  const kind = below(21);
  if (kind === 0) return marks.everything;
  if (kind < 6) return marks.key(keys[below(keys.length)] as string);
  if (kind < 11) return marks.scope(scopes[below(scopes.length)] as string);
  return (kind < 16 ? marks.tag : marks.source)(names[below(names.length)] as string);
}

/** Removals and entries at random; how often the table was stricter than the list. */
function compare(most: number | undefined, runs: number): { stricter: number; alive: number } {
  const count = { stricter: 0, alive: 0 };
  for (let run = 0; run < runs; run++) {
    const table = new MarkTable(most);
    const list: [Said, number][] = [];
    const entries: ReturnType<typeof entryAt>[] = [];
    let now = 1;
    for (let step = 0; step < 60; step++) {
      now += below(3);
      if (random() < 0.4) {
        // What several processes removed does not always arrive in order.
        const epoch = Math.max(1, now - below(4));
        const said = anyRemoval();
        table.note(written(said), epoch);
        list.push([said, epoch]);
      } else if (random() < 0.03) {
        table.raise(now);
        list.push([{ mark: marks.everything }, now]);
      } else entries.push(entryAt(below(now + 2)));
      const entry = entries[below(entries.length)];
      if (entry === undefined) continue;
      const dead = list.some(([said, epoch]) => epoch > entry.epoch && isNamedBy(said, entry));
      const alive = table.isAlive(entry);
      assert.not(dead && alive, `run ${run} step ${step}: alive although removed`);
      if (!dead && !alive) count.stricter++;
      if (alive) count.alive++;
      const latest = Math.max(
        0,
        ...list
          .filter(([{ mark }]) =>
            [marks.everything, marks.key(entry.key), marks.scope(entry.scope)].includes(mark),
          )
          .map(([, epoch]) => epoch),
      );
      if (most === undefined) assert.is(table.latest(entry.key, entry.scope), latest);
      else assert.ok(table.latest(entry.key, entry.scope) >= latest);
      assert.is(table.epoch, Math.max(0, ...list.map(([, epoch]) => epoch)));
    }
  }
  return count;
}

test('with room for all marks, alive is exactly what no later removal names', () => {
  const { stricter, alive } = compare(undefined, 1000);
  assert.is(stricter, 0);
  assert.ok(alive > 5000, `${alive} alive`);
});

test('what was forgotten counts as removed, and the rest still lives', () => {
  for (const most of [1, 2, 5]) {
    const { stricter, alive } = compare(most, 500);
    assert.ok(stricter > 0 && alive > 1000, `${most}: ${stricter} stricter, ${alive} alive`);
  }
});

test('an entry generated after a removal lives, one generated before is dead, in a cache of one process', async () => {
  const ledger = new LocalLedger();
  const before = { ...entryAt(ledger.epoch), tags: ['x'] };
  assert.is(await ledger.remove([marks.tag('x')]), true);
  assert.is(ledger.isAlive(before), false);
  assert.is(ledger.isAlive({ ...before, epoch: ledger.epoch }), true);
  assert.is(ledger.isAlive({ ...before, tags: ['y'] }), true);
});

test.run();
