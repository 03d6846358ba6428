// The chunker on texts whose right cuts are known.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chunkingConfigHash, chunkText, resolveChunking } from '#dist/ingest/chunk.js';

const test = suite('chunk');
const texts = (text: string, options = {}) => chunkText(text, options).map((chunk) => chunk.text);

test('a short document is one chunk, without the white space around it', () => {
  assert.equal(chunkText('  Hi.\n'), [{ text: 'Hi.', start: 2, end: 5 }]);
});

test('an empty or blank document has no chunk', () => {
  for (const text of ['', ' ', '\n\n\t', '\ufeff', '\u3000'.repeat(2000)]) assert.equal(chunkText(text), []);
});

test('a paragraph is preferred to a sentence, a sentence to a line or word', () => {
  const options = { size: 50, overlap: 0, minSize: 0 };
  const start = 'a'.repeat(40);
  assert.is(texts(`${start}\n\nb. c d eeeeeeeeeeeeeee`, options)[0], start);
  assert.is(texts(`${start} b. c d eeeeeeeeeeeeeee`, options)[0], `${start} b.`);
  assert.is(texts(`${start} b\nc d eeeeeeeeeeeeeee`, options)[0], `${start} b`);
  assert.is(texts(`${start} b c d eeeeeeeeeeeeeee`, options)[0], `${start} b c d`);
});

test('a boundary before the last fifth is not used', () => {
  const options = { size: 50, overlap: 0, minSize: 0 };
  const text = `${'a'.repeat(38)}\n\n${'b'.repeat(60)}`;
  assert.is(texts(text, options)[0]?.length, 50);
});

test('a closing quotation mark stays with its sentence', () => {
  const options = { size: 50, overlap: 0, minSize: 0 };
  assert.is(texts(`${'a'.repeat(38)} "Yes." And then it goes on.`, options)[0], `${'a'.repeat(38)} "Yes."`);
});

test('text without spaces is cut at its full stops, or else between characters', () => {
  const options = { size: 10, overlap: 0, minSize: 0 };
  assert.equal(texts('日本語の文章です。次の文章です。', options), ['日本語の文章です。', '次の文章です。']);
  assert.equal(texts('日本語日本語日本語日本語', options), ['日本語日本語日本語日', '本語']);
});

test('the overlap begins at a word and is at most as long as asked', () => {
  const text = 'one two three four five six seven eight nine ten eleven twelve';
  const chunks = chunkText(text, { size: 30, overlap: 12, minSize: 0 });
  assert.is(chunks[0]?.text, 'one two three four five six');
  assert.is(chunks[1]?.text.startsWith('five six seven'), true);
});

test('a tail under the minimum joins the chunk before it; nothing is lost', () => {
  const body = `${'word '.repeat(100).trim()}.`;
  const joined = chunkText(`${body} ${'tail '.repeat(15).trim()}`, { size: 512, overlap: 0, minSize: 100 });
  assert.is(joined.length, 1);
  const apart = chunkText(`${body} ${'tail '.repeat(25).trim()}`, { size: 512, overlap: 0, minSize: 100 });
  assert.is(apart.length, 2);
  assert.ok(apart[1]?.text.endsWith('tail'));
});

test('a short tail far behind stays alone instead of filling a chunk with white space', () => {
  const chunks = chunkText(`${'a'.repeat(600)}${' '.repeat(10_000)}end`, { size: 512 });
  assert.is(chunks.at(-1)?.text, 'end');
});

test('a custom separator parts paragraphs and stays at the end of the first', () => {
  const options = { size: 50, overlap: 0, minSize: 0, separator: '===' };
  assert.is(texts(`${'a '.repeat(21)}===b b. b b b b b b`, options)[0], `${'a '.repeat(21)}===`);
});

test('a family, a flag and an accent are never parted', () => {
  for (const unit of ['👨‍👩‍👧‍👦', '🇸🇪', 'e\u0301\u0308', '각']) {
    for (const size of [1, 2, 7, 30]) {
      for (const piece of texts(unit.repeat(40), { size, overlap: 0, minSize: 0 })) {
        assert.is(piece.length % unit.length, 0, `${unit} at size ${size}`);
      }
    }
  }
});

test('a pair of surrogates is not parted even inside a million marks', () => {
  const text = `a${'\u{1d165}'.repeat(200_000)}`;
  const chunks = chunkText(text, { size: 301, overlap: 0 });
  assert.ok(chunks.every((chunk) => !/\p{Surrogate}/u.test(chunk.text)));
  assert.is(chunks.map((chunk) => chunk.text).join(''), text);
});

test('the number of steps grows with the length, whatever the text', () => {
  const hostile = ['word. ', '\u0301', ' \u0301', '😀', '🇸🇪', ' ', 'x', '\n', '漢'];
  for (const unit of hostile) {
    const chunks = chunkText(`a${unit.repeat(1_000_000 / unit.length)}b`);
    assert.ok(chunks.length < 3000, `${JSON.stringify(unit)}: ${chunks.length} chunks`);
  }
});

test('defaults follow a smaller size', () => {
  assert.equal(resolveChunking(), { size: 512, overlap: 50, minSize: 100, separator: '\n\n' });
  assert.equal(resolveChunking({ size: 40 }), { size: 40, overlap: 4, minSize: 8, separator: '\n\n' });
});

for (const [name, options] of Object.entries({
  'a size of zero': { size: 0 },
  'a fractional size': { size: 1.5 },
  'a size that is no number': { size: '512' },
  'an overlap as long as the size': { size: 100, overlap: 100 },
  'a negative overlap': { overlap: -1 },
  'a minimum over the size': { size: 50, minSize: 51 },
  'an empty separator': { separator: '' },
})) {
  test(`${name} is refused`, () => {
    assert.throws(
      () => chunkText('text', options as object),
      (error: { code?: string; message: string }) =>
        error.code === 'ERR_LLM_CACHE_ARGUMENT' && error.message.startsWith('chunking.'),
    );
  });
}

test('the hash tells every setting apart', () => {
  const hashes = [
    chunkingConfigHash(512, 50, '\n\n'),
    chunkingConfigHash(511, 50, '\n\n'),
    chunkingConfigHash(512, 51, '\n\n'),
    chunkingConfigHash(512, 50, '\n'),
    chunkingConfigHash(512, 50, '\n\n', 99),
    chunkingConfigHash(5, 1250, '\n\n'),
  ];
  assert.is(new Set(hashes).size, hashes.length);
  for (const hash of hashes) assert.match(hash, /^[0-9a-f]{16}$/);
  assert.is(chunkingConfigHash(512, 50, '\n\n', 100), hashes[0]);
});

test.run();
