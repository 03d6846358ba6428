// Texts for people: cut, wrapped, counted, quoted.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Output } from '#dist/cli/output.js';
import { chooseStyle } from '#dist/cli/style.js';
import { tableLines } from '#dist/cli/table.js';
import { bytes, columns, counted, cut, duration, oneLine, shellWord, wrap } from '#dist/cli/text.js';

const test = suite('command line: text');

test('a cut text keeps to its columns, also where letters are two wide or made of several characters', () => {
  assert.is(cut('abcdef', 6), 'abcdef');
  assert.is(cut('abcdef', 5), 'abcd…');
  assert.is(cut('日本語です', 5), '日本…');
  assert.is(cut('e\u0301e\u0301e\u0301', 2), 'e\u0301…');
  for (const text of ['👩‍👩‍👧 family', '日本語 text', 'plain']) {
    for (let width = 2; width < 8; width++) assert.ok(columns(cut(text, width)) <= width, `${text} ${width}`);
  }
});

test('wrapping loses no word and keeps to the width; more lines than wanted end in an ellipsis', () => {
  const text = 'the quick brown fox jumps over the lazy dog';
  const lines = wrap(text, 12);
  assert.is(lines.join(' '), text);
  assert.ok(lines.every((line) => line.length <= 12));
  assert.equal(wrap(text, 12, 2), ['the quick', 'brown fox j…']);
});

test('codes that move the cursor or turn the direction round do not reach the terminal', () => {
  assert.is(oneLine('a\u001b[2Jb\nc\u202ed\u0007'), 'a [2Jb c d');
  assert.is(oneLine('\ud800x'), '\ufffdx');
});

test('figures are rounded to the unit that people read', () => {
  assert.equal([0, 999, 1000, 999_949, 999_999, 40_800, 1.2e9].map(bytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '999.9 kB',
    '1.0 MB',
    '40.8 kB',
    '1.2 GB',
  ]);
  assert.equal([0, 840, 999.6, 3210, 250_000].map(duration), [
    '0 ms',
    '840 ms',
    '1.0 s',
    '3.2 s',
    '4 min 10 s',
  ]);
  assert.equal([counted(1, 'passage'), counted(1234, 'passage')], ['1 passage', '1,234 passages']);
});

test('a word for the shell is quoted where it must be', () => {
  assert.equal(['a/b.c', 'two words', "it's $5"].map(shellWord), ['a/b.c', '"two words"', `'it'\\''s $5'`]);
});

test('colours: on a terminal, unless they are unwanted or impossible', () => {
  const has = (isTerminal: boolean, env: NodeJS.ProcessEnv, wanted = true) =>
    chooseStyle({ isTerminal, env, wanted }).red('x') !== 'x';
  assert.ok(has(true, {}));
  assert.not(has(false, {}));
  assert.not(has(false, { CI: 'true' }));
  assert.not(has(true, { TERM: 'dumb' }));
  assert.not(has(true, { NO_COLOR: '1' }));
  assert.ok(has(true, { NO_COLOR: '' }));
  assert.not(has(true, {}, false));
  assert.ok(has(false, { FORCE_COLOR: '1' }));
  assert.not(has(true, { FORCE_COLOR: '1', NO_COLOR: '1' }));
});

test('the columns of a table line up, and a line below a row spans it', () => {
  const output = new Output({ json: false, colour: false, env: {} });
  const head = [
    { title: 'name', flexible: true },
    { title: 'ms', align: 'right', width: 6 },
    { title: 'from' },
  ] as const;
  const rows = [
    ['a', '1.5', 'x'],
    { below: 'why it is so', paint: (text: string) => text },
    ['longer', '10.25', 'y'],
  ];
  assert.equal(tableLines(output, head, rows as never), [
    '  name        ms  from',
    '  a          1.5  x',
    '    why it is so',
    '  longer   10.25  y',
  ]);
});

test.run();
