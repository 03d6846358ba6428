// Keys and normalisation: JavaScript and C++ agree, different questions keep different keys. SEED and RUNS come from the environment.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  contentFingerprint,
  contentFingerprints,
  documentId,
  isKey,
  maxQuestionLength,
  normalise,
  queryKey,
  seedQueryKey,
} from '#dist/core/key.js';
import { native } from '#dist/core/native.js';
import { Scope } from '#dist/core/scope.js';
import { codeOf } from '../disk/support.js';

const test = suite('keys');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.RUNS ?? 3000);
console.log(`seed ${seed}`);
const settings = { seed, numRuns };
const scope = new Scope({ tenant: 't' }, 'f');
const key = (text: string) => queryKey(text, scope);

const ascii = fc.string({ unit: 'binary-ascii', maxLength: 80 });
const spaces = fc.string({
  unit: fc.constantFrom(...' \t\n\v\f\r\x1c\x1f\x00\x7f\x85\u00a0\ufeff\u2028\u3000aB'),
});
const anything = fc.oneof(
  ascii,
  spaces,
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);
const asked = anything.filter((text) => /\S/.test(text) && text.isWellFormed());

test('the key made in C++ is the one made of the normalised text', () => {
  fc.assert(
    fc.property(asked, (text) => {
      assert.is(key(text), native.queryKeyNormalised(normalise(text), scope.digest), JSON.stringify(text));
      if (/^[\0-\x7f]*$/.test(text)) assert.ok(native.queryKey(text, scope.digest), 'ASCII stays in C++');
    }),
    settings,
  );
});

test('every single character, alone and between letters, gets the key of its normalised form', () => {
  for (let code = 0; code <= 0xffff; code++) {
    const text = `a${String.fromCharCode(code)}B`;
    if (!text.isWellFormed()) continue;
    assert.is(key(text), native.queryKeyNormalised(normalise(text), scope.digest), code.toString(16));
  }
});

test('normalising twice is normalising once', () => {
  fc.assert(
    fc.property(anything, (text) => {
      assert.is(normalise(normalise(text)), normalise(text), JSON.stringify(text));
    }),
    settings,
  );
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    for (const text of [character, `x${character}\u030c`, `J${character}`]) {
      const once = normalise(text);
      if (normalise(once) !== once) assert.unreachable(`U+${code.toString(16)}`);
    }
  }
});

test('case, outer and repeated white space, and the way an accent is written do not count', () => {
  const same = [
    ['What is AI?', '  what\t is\n\nai? '],
    ['Zu\u0308rich', 'ZÜRICH'],
    ['\u212b', 'å'],
    ['\u01f0', 'J\u030c'],
    ['a\u00a0b', 'a b'],
    ['a\u3000b', 'a b'],
  ];
  for (const [one, other] of same) assert.is(key(one as string), key(other as string), `${one} and ${other}`);
});

test('what changes the meaning changes the key', () => {
  const all = [
    'C',
    'C++',
    'C#',
    'C♯',
    '1.5',
    '15',
    '-5',
    '5',
    '+5',
    '10²',
    '102',
    '10^2',
    '½',
    '1/2',
    'a b',
    'ab',
    'a-b',
    'a.b',
    'a?',
    'a!',
    'a',
    '東京',
    '京東',
    '北京',
    'ㅎㅏㄴ',
    '한',
    'naïve',
    'naive',
    'Straße',
    'Strasse',
    'ﬁ',
    'fi',
    'a\u200bb',
    'a\0b',
    'x\u0307',
    'x',
    'ı',
    'i',
  ];
  assert.is(new Set(all.map(key)).size, all.length);
});

test('long runs of marks take no time and keep their key apart', () => {
  const marks = `a${'\u0301\u0316'.repeat(200_000)}`;
  const started = performance.now();
  assert.match(key(marks), /^[0-9a-f]{64}$/);
  assert.ok(performance.now() - started < 2000, 'linear, not quadratic');
  assert.is.not(key(marks), key(`${marks}\u0301`));
  const thirty = `e${'\u0301'.repeat(30)}`;
  assert.is(key(thirty), key(thirty.normalize('NFC')));
});

test('the scope is part of the key, and its fields cannot run into each other', () => {
  const scopes = [
    new Scope({}, 'f'),
    new Scope({}, 'g'),
    new Scope({ tenant: 'a' }, 'f'),
    new Scope({ model: 'a' }, 'f'),
    new Scope({ tenant: 'a', model: 'b' }, 'f'),
    new Scope({ tenant: 'ab' }, 'f'),
    new Scope({ tenant: 'a', system: 'b' }, 'f'),
    new Scope({ extra: 'a' }, 'f'),
    new Scope({ extra: ['a'] }, 'f'),
    new Scope({ extra: '["a"]' }, 'f'),
    new Scope({ extra: null }, 'f'),
  ];
  assert.is(new Set(scopes.map((each) => queryKey('q', each))).size, scopes.length);
  assert.is(new Set(scopes.map(({ id }) => id)).size, scopes.length);
  for (const { id, digest } of scopes) assert.is(Buffer.from(digest).toString('hex'), id);
  fc.assert(
    fc.property(
      fc.array(fc.string(), { maxLength: 5 }),
      fc.array(fc.string(), { maxLength: 5 }),
      (one, other) => {
        const equal = one.length === other.length && one.every((field, i) => field === other[i]);
        assert.is(native.sha256Fields(one) === native.sha256Fields(other), equal);
      },
    ),
    settings,
  );
  assert.is.not(native.sha256Fields(['a', 'bc']), native.sha256Fields(['ab', 'c']));
});

test('a question of every length up to the limit is taken, a longer one is not', async () => {
  assert.is(await codeOf(() => key('x'.repeat(maxQuestionLength))), undefined);
  assert.is(await codeOf(() => key('x'.repeat(maxQuestionLength + 1))), 'ERR_LLM_CACHE_ARGUMENT');
  assert.is(await codeOf(() => key('\u3000\ufeff\n')), 'ERR_LLM_CACHE_ARGUMENT');
  assert.is(await codeOf(() => key('x\udc00')), 'ERR_LLM_CACHE_ARGUMENT');
});

test('fingerprints of content count every character, document ids count chunks', () => {
  assert.is.not(contentFingerprint('a'), contentFingerprint('A'));
  assert.is.not(contentFingerprint('a '), contentFingerprint('a'));
  assert.match(contentFingerprint(''), /^[0-9a-f]{64}$/);
  assert.equal(contentFingerprints(['a', 'b', 'a']), [
    contentFingerprint('a'),
    contentFingerprint('b'),
    contentFingerprint('a'),
  ]);
  for (const key of [contentFingerprint('a'), '0'.repeat(64)]) assert.ok(isKey(key));
  for (const other of ['', 'g'.repeat(64), 'A'.repeat(64), '0'.repeat(63), `${'0'.repeat(64)}\n`, 5])
    assert.not.ok(isKey(other), String(other));
  const fingerprint = contentFingerprint('text');
  assert.is(documentId(fingerprint, 7), `${fingerprint.slice(0, 16)}:0007`);
  assert.is(documentId(fingerprint, 12_345), `${fingerprint.slice(0, 16)}:12345`);
});

test("the reference package's keys are those that its rule gives in Python", () => {
  const script = fileURLToPath(new URL('./seed-keys.py', import.meta.url));
  const { status, stdout, stderr, error } = spawnSync('python3', [script], { encoding: 'utf8' });
  if (error !== undefined) {
    console.log('skipped: there is no python3');
    return;
  }
  assert.is(status, 0, stderr);
  assert.equal(
    JSON.parse(stdout),
    JSON.parse(readFileSync(new URL('./seed-keys.json', import.meta.url), 'utf8')),
  );
});

test("the reference package's keys come out bit for bit", () => {
  const path = new URL('./seed-keys.json', import.meta.url);
  const golden = JSON.parse(readFileSync(path, 'utf8')) as {
    prompt: string;
    topK: number;
    model: string;
    chunking?: string;
    key: string;
  }[];
  assert.ok(golden.length >= 200);
  for (const { prompt, topK, model, chunking, key: expected } of golden) {
    assert.is(seedQueryKey(prompt, topK, model, chunking), expected, JSON.stringify(prompt));
  }
});

test.run();
