// Which last turns stand alone: the labelled turns, the turns that must never be looked up alone, and any text at all.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { standsAlone } from '#dist/decide/standalone.js';
import { readLastTurns } from '../../bench/data/traps.ts';

const test = suite('decide: standalone');
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);

test('of the labelled turns nearly all are told, and hardly one that depends is taken to stand alone', () => {
  const rows = readLastTurns();
  const wrong = rows.filter((row) => standsAlone(row.turns.at(-1) as string).standsAlone !== row.standsAlone);
  const unsafe = wrong.filter((row) => !row.standsAlone);
  console.log(
    `${rows.length - wrong.length} of ${rows.length} told, ${unsafe.length} wrongly taken to stand alone`,
  );
  assert.ok(wrong.length <= 3, wrong.map((row) => row.turns.at(-1)).join('\n'));
  assert.ok(unsafe.length <= 1);
});

test('a turn that points back never stands alone, and the reason names the word', () => {
  const cases: [string, string, string][] = [
    ['Who founded it?', 'pronoun', 'it'],
    ['Which famous person founded it?', 'pronoun', 'it'],
    ['What does it cost?', 'pronoun', 'it'],
    ['What is its population?', 'pronoun', 'its'],
    ['And in winter?', 'continuation', 'and'],
    ['How about Norway?', 'continuation', 'what about'],
    ['Yes, that one', 'reply', 'yes'],
    ['   ', 'empty', ''],
    ['???', 'empty', ''],
    ['Wer hat es gegründet?', 'language', 'de'],
    ['Кто это основал?', 'language', 'cyrillic'],
  ];
  for (const [turn, kind, word] of cases) {
    const { standsAlone: alone, reasons } = standsAlone(turn);
    assert.is(alone, false, turn);
    assert.ok(
      reasons.some((reason) => reason.kind === kind && reason.word.toLowerCase() === word),
      `${turn}: ${JSON.stringify(reasons)}`,
    );
  }
});

test('whole questions and key words stand alone', () => {
  for (const turn of [
    'How do I reset my password?',
    'How long does it take to boil an egg?',
    'capital of France',
    'python list comprehension syntax',
    'why is the sky blue',
    'Does it snow in Athens in winter?',
  ])
    assert.equal(standsAlone(turn), { standsAlone: true, reasons: [] }, turn);
});

test('any text is judged, and stands alone exactly when there is no reason against it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (text) => {
      const { standsAlone: alone, reasons } = standsAlone(text);
      assert.is(alone, reasons.length === 0);
    }),
    { seed, numRuns: 300 },
  );
  assert.is(standsAlone('word '.repeat(100_000)).reasons[0]?.kind, 'length');
});

test.run();
