// What must hold for any two texts: symmetry, no refusal of equals, no exception, and never a hit below the threshold.

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decide } from '#dist/decide/decide.js';
import { extract } from '#dist/decide/features.js';
import { policy } from '#dist/decide/policy.js';
import { rules } from '#dist/decide/rules.js';
import { candidate } from './candidate.js';
import { different, same } from './minimal-pairs.js';

const test = suite('decide: properties');
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(process.env.TEST_RUNS ?? 500);
console.log(`seed ${seed}, runs ${numRuns}`);
const settings = { seed, numRuns };

const written = [...Object.values(different), ...Object.values(same)].flat(2);
const pool = [...new Set(written.flatMap((text) => text.split(' ')))];
const numberText = fc.oneof(
  fc.integer({ min: -50, max: 2100 }).map(String),
  fc.constantFrom('1.5', '3.10', '1,000', '10k', '5%', '2nd'),
);
const sentence = fc
  .array(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...pool) }, numberText), {
    minLength: 1,
    maxLength: 14,
  })
  .map((words) => words.join(' '));
const codeUnits = fc.string({ unit: 'binary', maxLength: 60 });
const illFormed = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));
const anyText = fc.oneof(sentence, codeUnits, illFormed, fc.constantFrom(...written));

const verdicts = (a: string, b: string): string[] => {
  const [left, right] = [extract(a), extract(b)];
  return Object.entries(rules).flatMap(([name, rule]) => (rule(left, right) === undefined ? [] : [name]));
};

test('each rule refuses b for a exactly when it refuses a for b', () => {
  const check = (a: string, b: string) => assert.equal(verdicts(a, b), verdicts(b, a));
  fc.assert(fc.property(anyText, anyText, check), settings);
  fc.assert(
    fc.property(fc.shuffledSubarray(pool, { minLength: 2, maxLength: 6 }), fc.nat(), (words, turn) => {
      const cut = turn % words.length;
      check(words.join(' '), [...words.slice(cut), ...words.slice(0, cut)].join(' '));
    }),
    settings,
  );
});

test('no rule refuses a text for itself', () => {
  fc.assert(
    fc.property(anyText, (text) => assert.equal(verdicts(text, text), [])),
    settings,
  );
});

test('case, white space and closing punctuation alone are never refused', () => {
  // VI and IV in capitals are numbers, in small letters an editor and a drip.
  const isPlain = (text: string) => !/\b(?:IV|VI|XI|XV|XVI)\b/i.test(text);
  const ascii = fc
    .oneof(sentence, fc.constantFrom(...written.filter((text) => /^[\x20-\x7e]*$/.test(text))))
    .filter(isPlain);
  const change = fc.constantFrom<(text: string) => string>(
    (text) => text.toLowerCase(),
    (text) => text.toUpperCase(),
    (text) => `  ${text.replaceAll(' ', '   ')}\n`,
    (text) => `${text.replace(/[?.!]+$/, '')} ?`,
    (text) => `${text.replace(/[?.!]+$/, '')}!!`,
    (text) => text.replace(/[?.!]+$/, ''),
  );
  fc.assert(
    fc.property(ascii, change, (text, apply) => assert.equal(verdicts(text, apply(text)), [], apply(text))),
    settings,
  );
});

test('what is served reaches the threshold and is one of the candidates, whatever they are', () => {
  const similarity = fc.double({ min: -1, max: 1, noNaN: true });
  const found = fc.array(fc.tuple(anyText, similarity), { maxLength: 6 });
  fc.assert(
    fc.property(
      anyText,
      found,
      similarity,
      fc.constantFrom('all' as const, 'none' as const),
      (asked, list, minSimilarity, chosen) => {
        const candidates = list
          .map(([text, value]) => candidate(text, value))
          .sort((a, b) => b.similarity - a.similarity);
        const { accepted, refused } = decide(asked, candidates, policy({ minSimilarity, rules: chosen }));
        if (accepted !== undefined) {
          assert.ok(candidates.includes(accepted));
          assert.ok(accepted.similarity >= minSimilarity);
        }
        if (refused !== undefined) {
          assert.ok(refused.similarity >= minSimilarity);
          assert.ok(refused.why.length > 0);
        }
        const near = candidates.filter((item) => item.similarity >= minSimilarity);
        if (near.length > 0) assert.ok(accepted !== undefined || refused !== undefined);
        const again = decide(asked, candidates, policy({ minSimilarity, rules: chosen }));
        assert.is(again.accepted, accepted);
        assert.equal(again.refused, refused);
      },
    ),
    settings,
  );
});

test.run();
