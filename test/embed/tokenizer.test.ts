// Tests of tokenising: where a text is cut, and which texts the ids cannot tell apart.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createTokenizer } from '#dist/embed/tokenizer.js';

const models = new URL('../../models/all-MiniLM-L6-v2/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, models), 'utf8')) as object;
const tokenize = createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'), 256);
const uncut = createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'), 1_000_000);

const test = suite('tokenizer');

test('256 tokens are read whole, the 257th makes a text truncated', () => {
  const whole = tokenize('word '.repeat(254));
  assert.is(whole.total, 256);
  assert.is(whole.truncated, false);
  assert.is(whole.matchable, true);
  const longer = tokenize('word '.repeat(255));
  assert.is(longer.total, 257);
  assert.is(longer.truncated, true);
  assert.is(longer.matchable, false);
  assert.is(longer.ids.length, 256);
  assert.equal(longer.ids, whole.ids, 'the closing special token is kept');
});

test('no padding is added, whatever the file says', () => {
  assert.is(tokenize('one two').ids.length, 4);
});

test('a long text has the ids of its beginning, whichever place the reading stops at', () => {
  const texts = [
    'All work and no play makes Jack a dull boy. ',
    'Donaudampfschifffahrtsgesellschaftskapitän ',
    '漢字仮名交じり文',
    'e\u0301\u0300 ÀÉ ',
    `${'abcdefghij'.repeat(10)} `,
    '[SEP] [MASK] ',
  ];
  for (const text of texts) {
    for (const padding of ['', 'x', 'xx ', 'x y z ']) {
      const long = padding + text.repeat(Math.ceil(20_000 / text.length));
      const { ids, truncated, total } = tokenize(long);
      assert.ok(truncated && total > 256, text);
      assert.equal(ids.slice(0, 255), uncut(long).ids.slice(0, 255), text);
    }
  }
});

test('a text of many characters and few tokens counts as truncated when its end was not read', () => {
  for (const filler of [' ', '\0', 'a', '\u0301', '\ufdfa', '🦄']) {
    const { truncated, matchable, ids } = tokenize(`hello ${filler.repeat(100_000)} world`);
    assert.is(truncated, true, JSON.stringify(filler));
    assert.is(matchable, false, JSON.stringify(filler));
    assert.ok(ids.length <= 256, JSON.stringify(filler));
  }
});

test('spaces beyond the first characters are still read through to the end of a moderate text', () => {
  const { truncated, total } = tokenize(`hello ${' '.repeat(10_000)} world`);
  assert.is(truncated, false);
  assert.is(total, 4);
});

test('texts that the ids cannot tell from others are not matchable', () => {
  for (const text of [
    '',
    '\0',
    '\u200b\u0007',
    '🦄',
    'What does 🦄 mean?',
    '龘',
    `${'k'.repeat(101)} is my key`,
  ]) {
    assert.is(tokenize(text).matchable, false, JSON.stringify(text));
  }
  assert.equal(tokenize('What does 🦄 mean?').ids, tokenize('What does 🐙 mean?').ids);
  for (const text of ['a', '10²', 'C++', '€5', '日本語', 'naïve']) {
    assert.is(tokenize(text).matchable, true, JSON.stringify(text));
  }
});

test('a lone surrogate is dropped and makes a text unmatchable, a pair is left whole', () => {
  assert.is(tokenize('hello \ud800 world').matchable, false);
  assert.is(tokenize('hello \udfff world').matchable, false);
  assert.is(tokenize('hello world').matchable, true);
  // The cut falls into a pair.
  assert.is(tokenize(`${'a '.repeat(2047)}a🦄${' a'.repeat(50_000)}`).truncated, true);
});

test.run();
