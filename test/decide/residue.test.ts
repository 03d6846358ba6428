// What two questions do not have in common: which words, in which order stands the rest, and the small words that tell.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { extract } from '#dist/decide/features.js';
import { shippedFrequencies } from '#dist/decide/frequencies.js';
import { residueOf } from '#dist/decide/residue.js';
import { readTraps } from '../../bench/data/traps.ts';

const test = suite('decide: residue');
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);
const of = (a: string, b: string) => residueOf(extract(a), extract(b), shippedFrequencies);

test('a word in the place of another is seen wherever it stands', () => {
  const { asked, stored, run, shared } = of(
    'write a poem about my garden in spring',
    'write an essay about my garden in spring',
  );
  assert.equal(asked.content, ['poem']);
  assert.equal(stored.content, ['essay']);
  assert.ok(run > 0.6 && run < 1);
  assert.is(shared, 3);
  assert.ok(asked.rarest > 0);
});

test('a synonym, a misspelling and another ending are no difference', () => {
  for (const [a, b] of [
    ['how do I fix a flat tyre', 'how do I repair a flat tyre'],
    ['how do I poach a chicken', 'how do I poach a chiken'],
    ['clean a window', 'cleaning windows'],
  ] as const) {
    const { asked, stored } = of(a, b);
    assert.equal([asked.content, stored.content], [[], []], `${a} | ${b}`);
  }
});

test('the likeness of two words is the length of their common beginning', () => {
  assert.is(of('who was the colonel', 'who was the colonist').alike, 5 / 8);
  assert.is(of('a velvet sofa', 'a leather sofa').alike, 0);
  assert.is(of('a velvet sofa', 'a velvet sofa').alike, 0);
});

test('words that changed places are disorder, and only the order of what both have counts', () => {
  assert.is(of('can a house power a car', 'can a car power a house').disorder, 1);
  assert.is(of('paint walls before floors', 'paint old walls before new floors').disorder, 0);
  assert.is(of('paint walls', 'bake bread').disorder, 0);
});

test('a unit on one side and a word on the other have no order', () => {
  const [a, b] = ["What can't I return after 30 days?", 'Are there strikes the day after tomorrow?'];
  assert.is(of(a as string, b as string).disorder, 0);
  assert.is(of(b as string, a as string).disorder, 0);
});

test('small words are sorted by what they may change', () => {
  const found = extract('Could I have taken it from him if he was out?').smallWords.auxiliaries;
  assert.equal([...found].sort(), ['have', 'was']);
  assert.equal([...extract('Could I take it?').smallWords.modals], ['could']);
  assert.equal([...extract('from Rome to Paris').smallWords.relations].sort(), ['from', 'to']);
});

test('sides swap with the questions, and what both say is the same either way', () => {
  const text = fc.constantFrom(...readTraps('fit').flatMap(({ a, b }) => [a, b]));
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [one, other] = [of(a, b), of(b, a)];
      assert.equal(one.asked, other.stored);
      assert.is(one.run, other.run);
      assert.is(one.alike, other.alike);
      assert.ok(one.run >= 0 && one.run <= 1 && one.disorder >= 0 && one.disorder <= 1);
      assert.is(one.disorder, other.disorder);
    }),
    { seed, numRuns: 300 },
  );
});

test('a long text costs no more than its beginning', () => {
  const long = Array.from({ length: 3_000 }, (_, i) => `word${i % 97}`).join(' ');
  const { run } = of(long, long);
  assert.is(run, 1);
});

test.run();
