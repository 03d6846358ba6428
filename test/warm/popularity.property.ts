// Counts of popular questions against a plain map.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { queryKey } from '#dist/core/key.js';
import { seededRandom } from '#dist/testing/index.js';
import { Popularity } from '#dist/warm/popularity.js';
import { scopeOf } from '../tiers/support.js';

const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);
const test = suite('popularity');
const scope = scopeOf('a');
const asked = Array.from({ length: 400 }, (_, i) => ({
  question: `question ${i}`,
  key: queryKey(`question ${i}`, scope),
}));
type Asked = (typeof asked)[number];

test('while all have room, every count is exact, through decay, restoring and forgetting', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ note: fc.array(fc.nat(30), { minLength: 1, maxLength: 40 }) }) },
    { weight: 1, arbitrary: fc.record({ decay: fc.constantFrom(0.5, 0.95, 1) }) },
    { weight: 1, arbitrary: fc.record({ restore: fc.nat(30), count: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ forget: fc.nat(30) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const popularity = new Popularity(1000);
      const model = new Map<string, number>();
      const unsaved = new Set<string>();
      // The sketch remembers what was dropped from the table: a question that comes back may count its earlier times.
      const returned = new Set<string>();
      for (const s of steps) {
        if ('note' in s) {
          for (const i of s.note) {
            const one = asked[i] as Asked;
            popularity.note(scope, one);
            model.set(one.key, (model.get(one.key) ?? 0) + 1);
            unsaved.add(one.key);
          }
        } else if ('decay' in s) {
          popularity.decay(s.decay);
          for (const [key, count] of model) {
            model.set(key, count * s.decay);
            if (count * s.decay < 0.5 && !unsaved.has(key)) model.delete(key);
          }
        } else if ('forget' in s) {
          const { key } = asked[s.forget] as Asked;
          popularity.forget(key);
          model.delete(key);
          unsaved.delete(key);
          returned.add(key);
        } else {
          const one = asked[s.restore] as Asked;
          popularity.restore([{ ...one, scope, count: s.count }]);
          model.set(one.key, (model.get(one.key) ?? 0) + s.count);
        }
      }
      const top = popularity.top();
      assert.equal(new Set(top.map(({ key }) => key)), new Set(model.keys()));
      for (const { key, count } of top) {
        const expected = model.get(key) as number;
        if (returned.has(key)) assert.ok(count >= expected - 1e-9);
        else assert.ok(Math.abs(count - expected) < 1e-9, `${count} for ${expected}`);
      }
      for (const [i, { count }] of top.entries())
        assert.ok(i === 0 || count <= (top[i - 1]?.count as number), 'most frequent first');
    }),
    { seed, numRuns: 200 },
  );
});

test('of many more questions than have room the most frequent are found, in bounded memory', () => {
  const random = seededRandom(seed);
  const popularity = new Popularity(20);
  const truth = new Map<string, number>();
  for (let i = 0; i < 40_000; i++) {
    const one = asked[Math.floor(400 * random() ** 4)] as Asked;
    popularity.note(scope, one);
    truth.set(one.key, (truth.get(one.key) ?? 0) + 1);
  }
  const top = popularity.top();
  assert.ok(top.length <= 40, `${top.length} are counted`);
  const best = [...truth].sort((a, b) => b[1] - a[1]).slice(0, 10);
  const found = new Map(top.map(({ key, count }) => [key, count]));
  for (const [key, count] of best) {
    const told = found.get(key);
    assert.ok(told !== undefined, 'one of the ten most frequent is missing');
    assert.ok(Math.abs(told - count) <= count * 0.1, `${told} for ${count}`);
  }
});

test('a question of thousands of characters is not kept', () => {
  const popularity = new Popularity(20);
  const question = 'long '.repeat(2000);
  popularity.note(scope, { question, key: queryKey(question, scope) });
  assert.equal(popularity.top(), []);
});

test('what is forgotten of a scope leaves the others', () => {
  const popularity = new Popularity(20);
  const other = scopeOf('b');
  popularity.note(scope, asked[0] as Asked);
  popularity.note(other, { question: 'q', key: queryKey('q', other) });
  popularity.clear(scope.id);
  assert.equal(
    popularity.top().map(({ question }) => question),
    ['q'],
  );
  popularity.clear();
  assert.equal(popularity.top(), []);
});

test.run();
