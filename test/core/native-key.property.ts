// The one-call key of the addon against the same rule in JavaScript.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { normalise } from '#dist/core/key.js';
import { native } from '#dist/core/native.js';

const seed = Number(process.env.LLM_CACHE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);
const test = suite('native query key');

const digest = Uint8Array.from({ length: 32 }, (_, i) => i * 7);

/** The documented message, built and hashed by Node alone. */
function referenceKey(normalised: string): string {
  const hash = createHash('sha256');
  for (const field of [Buffer.from('llmkey/1'), digest, Buffer.from(normalised)]) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(field.length);
    hash.update(length).update(field);
  }
  return hash.digest('hex');
}

test('any ASCII text has the key of its normal form, control characters included', () => {
  const likely = fc.constantFrom(...' \t\n\v\f\r\x1c\x1d\x1e\x1f\x00\x7f', 'A', 'z', 'Z', '[', '@', '0');
  const any = fc.integer({ min: 0, max: 127 }).map((code) => String.fromCharCode(code));
  const text = fc.array(fc.oneof(likely, any), { maxLength: 120 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (question) => {
      assert.is(native.queryKey(question, digest), referenceKey(normalise(question)));
    }),
    { seed, numRuns: 3000 },
  );
});

test('each single ASCII character between letters has the key of its normal form', () => {
  for (let code = 0; code < 128; code++) {
    const text = `  A${String.fromCharCode(code)}${String.fromCharCode(code)}B `;
    assert.is(native.queryKey(text, digest), referenceKey(normalise(text)), `code ${code}`);
  }
});

test('a text with any character outside ASCII is left to JavaScript', () => {
  for (const text of [
    'é',
    'what is \u00a0this',
    '漢字',
    'x\ud800',
    '\udc00',
    '😀',
    'a\u0080',
    '\u212a',
    `${'x'.repeat(5000)}é`,
  ]) {
    assert.is(native.queryKey(text, digest), undefined);
  }
});

test('a normalised text of any characters has the key of its UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 1500 }), (text) => {
      assert.is(native.queryKeyNormalised(text, digest), referenceKey(text));
    }),
    { seed, numRuns: 500 },
  );
});

test('texts around the size of the internal buffer and a megabyte are taken whole', () => {
  for (const length of [...Array.from({ length: 200 }, (_, i) => 880 + i), 2 ** 20]) {
    const text = 'x'.repeat(length - 1);
    assert.is(native.queryKey(`${text}Y`, digest), referenceKey(`${text}y`));
    assert.is(native.queryKeyNormalised(`${text}Y`, digest), referenceKey(`${text}Y`));
  }
});

test('sliced and concatenated strings have the key of their characters', () => {
  const long = 'The quick brown fox jumps over the lazy dog. '.repeat(20);
  const rope = `${long.slice(3, 300)}${long.slice(5, 250)}`;
  assert.is(native.queryKey(long.slice(7, 90), digest), referenceKey(normalise(long.slice(7, 90))));
  assert.is(native.queryKey(rope, digest), referenceKey(normalise(rope)));
});

test('another digest gives another key', () => {
  const other = digest.slice();
  other[31] = 1;
  assert.is.not(native.queryKey('a', digest), native.queryKey('a', other));
});

test.run();
