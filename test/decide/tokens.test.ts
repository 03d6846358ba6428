// How questions are cut into words, numbers and operators, and what is taken for one number.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { extract } from '#dist/decide/features.js';
import { tokenise } from '#dist/decide/tokens.js';

const test = suite('decide: tokens');

const numbers = (text: string): readonly string[] => extract(text).numbers;
const texts = (text: string): string[] => tokenise(text).map((token) => token.text);

test('numbers have one form however they are written', () => {
  const cases: [string, string[]][] = [
    ['1,000,000 and 1_000', ['1000000', '1000']],
    ['1,5 or 1,50', ['1', '5', '1', '50']],
    ['3.10 3.1 1.5.2', ['3.10', '3.1', '1.5.2']],
    ['-5 and 5-3 and (−2)', ['-5', '5', '3', '-2']],
    ['$5.00, €1,200.50', ['5', '1200.50']],
    ['007 and 0', ['7', '0']],
    ['10k, 401k, 3rd, 21st', ['10000', '401', '3', '21']],
    ['the 1990s', ['1990s']],
    ['10–15 or 10-15', ['10', '15', '10', '15']],
    ['2020-05-12 at 09:30', ['2020-5-12', '9:30']],
    ['12/05/2020', ['12/5/2020']],
    ['10² m³', ['10^2', '^3']],
    ['twenty five, two hundred and three', ['25', '200', '3']],
    ['2 million, two million, several thousand', ['2000000', '2000000']],
    ['the second, World War II, a second ago', ['2', '2', '2']],
    ['٣ and ３', ['3', '3']],
    ['5 + 3 = 8', ['5', '+', '3', '=', '8']],
  ];
  for (const [text, expected] of cases) assert.equal(numbers(text), expected, text);
});

test('symbols that belong to a name stay with it', () => {
  assert.equal(texts('C++ vs C# vs C, A+ a+b'), ['c++', 'vs', 'c#', 'vs', 'c', 'a+', 'a', 'b']);
  assert.equal(texts('the U.S. at 5 a.m. e.g. here'), ['the', 'usa', 'at', '5', 'am', 'eg', 'here']);
});

test('contractions lose their apostrophe, possessives their ending', () => {
  assert.equal(texts("don’t Google's what`s l'eau"), ['dont', 'google', 'what', 'leau']);
});

test('every script has words', () => {
  assert.equal(texts('Как дела？如何 重置🙂 naïve').length, 5);
});

test('work grows with the length of the text, not faster', () => {
  for (const piece of [
    'word ',
    'a',
    '1',
    '1,',
    '1,1',
    'A.',
    '1-',
    "a'",
    '²',
    '+',
    'two hundred ',
    'not very hot ',
    'e\u0301',
  ]) {
    // Tokens are the work; a text of twice the length has at most twice of them, up to the cut at its end.
    const once = tokenise(piece.repeat(5_000)).length;
    const twice = tokenise(piece.repeat(10_000)).length;
    assert.ok(twice <= 2 * once + 2, `${JSON.stringify(piece)}: ${once}, ${twice}`);
    assert.ok(once <= 5_000 * piece.length + 1);
  }
});

test.run();
