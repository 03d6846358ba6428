// SHA-256 of the addon, both implementations, against node:crypto.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '#dist/core/native.js';

const seed = Number(process.env.LLM_CACHE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}, implementation ${native.sha256Implementation}`);
const test = suite(`native SHA-256 (${native.sha256Implementation})`);

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const expected = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('every length from 0 to 300 hashes as node:crypto does, at any offset of the buffer', () => {
  for (let length = 0; length <= 300; length++) {
    const bytes = randomBytes(length + 16).subarray(length % 16, (length % 16) + length);
    assert.is(hex(native.sha256(bytes)), expected(bytes));
  }
});

test('eight megabytes hash as node:crypto does', () => {
  const bytes = randomBytes(8 * 2 ** 20 + 13);
  assert.is(hex(native.sha256(bytes)), expected(bytes));
});

test('a digest is a Uint8Array of 32 bytes that owns its memory', () => {
  const digest = native.sha256(Buffer.from('abc'));
  assert.ok(digest instanceof Uint8Array);
  assert.is(digest.length, 32);
  assert.is(digest.buffer.byteLength, 32);
});

/** The documented message of sha256Fields. */
function message(fields: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field as string);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

test('fields hash as their lengths and bytes, strings as UTF-8 whatever their characters', () => {
  const field = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 2000 }),
    // Lone surrogates become U+FFFD, as Buffer.from makes them.
    fc
      .array(fc.integer({ min: 0xd700, max: 0xe010 }), { maxLength: 400 })
      .map((units) => String.fromCharCode(...units)),
    fc.uint8Array({ maxLength: 300 }),
  );
  fc.assert(
    fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
      assert.is(native.sha256Fields(fields), expected(message(fields)));
    }),
    { seed, numRuns: 500 },
  );
});

test('strings around the size of the internal buffer are hashed whole', () => {
  for (const unit of ['a', 'é', '漢', '😀']) {
    for (let length = 240; length <= 1100; length++) {
      const text = unit.repeat(length);
      if (text.length > 1100) break;
      assert.is(native.sha256Fields([text]), expected(message([text])));
    }
  }
});

test('moving a character between fields changes the hash', () => {
  assert.is.not(native.sha256Fields(['a', 'bc']), native.sha256Fields(['ab', 'c']));
  assert.is.not(native.sha256Fields(['abc']), native.sha256Fields(['abc', '']));
});

if (process.env.LLM_CACHE_SHA256 === undefined) {
  for (const implementation of new Set(['portable', native.sha256Implementation])) {
    test(`all of this holds with LLM_CACHE_SHA256=${implementation}`, () => {
      const child = spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url)], {
        env: { ...process.env, LLM_CACHE_SHA256: implementation, LLM_CACHE_TEST_SEED: String(seed) },
        encoding: 'utf8',
      });
      assert.is(child.status, 0, child.stdout + child.stderr);
      assert.match(child.stdout, `implementation ${implementation}`);
    });
  }
}

test.run();
