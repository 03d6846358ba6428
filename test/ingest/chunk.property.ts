// Holds the chunker to its promises on random text, random options and hostile Unicode.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Chunk, chunkText } from '#dist/ingest/chunk.js';

const test = suite('chunk properties');
const seed = Number(process.env.LLM_CACHE_TEST_SEED ?? Date.now() % 2 ** 31);
const runs = Number(process.env.LLM_CACHE_TEST_RUNS ?? 300);
console.log(`seed ${seed}, runs ${runs}`);
// Shrinking texts of hundreds of characters can take minutes; the process has a time limit.
const parameters = { seed, numRuns: runs, interruptAfterTimeLimit: 60_000 };

const word = fc.stringMatching(/^[a-z]{1,12}$/);
const strange = fc.constantFrom(
  '👨‍👩‍👧‍👦',
  '🇸🇪🇫🇮',
  '🇸',
  'e\u0301',
  '\u0301',
  ' \u0301',
  '\r\n',
  '\u0600 ',
  'क्षि',
  '각',
  '漢字。',
  'สวัสดี',
  '\u200d',
  '\ufeff',
  '\u202e',
  '\ud800',
  '\u0000',
  'x'.repeat(90),
);
const gap = fc.constantFrom(' ', ' ', ' ', '. ', '? ', '\n', '\n\n', '\r\n\r\n', '    ', '');
const text = fc
  .array(fc.tuple(fc.oneof({ weight: 6, arbitrary: word }, { weight: 1, arbitrary: strange }), gap), {
    maxLength: 200,
    size: 'max',
  })
  .map((pairs) => pairs.flat().join(''));
const anyText = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 600, size: 'max' }) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 600, size: 'max' })
      .map((units) => String.fromCharCode(...units)),
  },
);
const options = fc.integer({ min: 1, max: 200 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    overlap: fc.integer({ min: 0, max: size - 1 }),
    minSize: fc.integer({ min: 0, max: size }),
    separator: fc.constantFrom('\n\n', '. ', 'a'),
  }),
);

function boundaries(of: string): Set<number> {
  const found = new Set([of.length]);
  for (const piece of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(of))
    found.add(piece.index);
  return found;
}

// What is left of the document when each chunk adds only what the chunks before it did not hold.
function uncovered(of: string, chunks: readonly Chunk[]): string {
  let rest = '';
  let at = 0;
  for (const chunk of chunks) {
    rest += of.slice(at, Math.max(at, chunk.start));
    at = Math.max(at, chunk.end);
  }
  return rest + of.slice(at);
}

test('the chunks are slices in order that leave out nothing but white space', () => {
  fc.assert(
    fc.property(anyText, options, (of, how) => {
      const chunks = chunkText(of, how);
      assert.match(uncovered(of, chunks), /^\s*$/);
      assert.is(chunks.length === 0, /^\s*$/.test(of));
      let previous: Chunk | undefined;
      for (const chunk of chunks) {
        assert.is(chunk.text, of.slice(chunk.start, chunk.end));
        assert.ok(chunk.text.length > 0);
        if (previous !== undefined) {
          assert.ok(chunk.start > previous.start, 'each chunk begins later');
          assert.ok(chunk.end > previous.end, 'each chunk brings something new');
          assert.ok(previous.end - chunk.start <= how.overlap, 'the overlap is bounded');
        }
        previous = chunk;
      }
    }),
    parameters,
  );
});

test('no cut lies inside a grapheme', () => {
  fc.assert(
    fc.property(anyText, options, (of, how) => {
      const allowed = boundaries(of);
      for (const chunk of chunkText(of, how)) {
        assert.ok(allowed.has(chunk.start), `start ${chunk.start}`);
        assert.ok(allowed.has(chunk.end), `end ${chunk.end}`);
      }
    }),
    parameters,
  );
});

test('only the last chunk is longer than the size, by a tail under the minimum and the gap before it, unless one grapheme is', () => {
  fc.assert(
    fc.property(anyText, options, (of, how) => {
      const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
      const chunks = chunkText(of, how);
      for (const [index, chunk] of chunks.entries()) {
        const last = index === chunks.length - 1;
        if (chunk.text.length <= how.size) continue;
        if ([...graphemes.segment(chunk.text)].length === 1) continue;
        assert.ok(last, `chunk ${index} of ${chunks.length} has ${chunk.text.length}`);
        const previousEnd = chunks[index - 1]?.end ?? 0;
        const fresh = chunk.end - Math.max(chunk.start, previousEnd);
        // A grapheme that does not fit may add its own length to the chunk that the tail joins.
        const widest = Math.max(...[...graphemes.segment(chunk.text)].map((piece) => piece.segment.length));
        const gap = how.minSize + 2;
        assert.ok(fresh < Math.max(how.size, widest) + gap + how.minSize, `the last one brings ${fresh}`);
      }
    }),
    parameters,
  );
});

test('prose is never cut inside a word, and an overlap begins at a word', () => {
  const prose = fc
    .array(fc.tuple(word, fc.constantFrom(' ', '. ', '\n\n')), { minLength: 20, maxLength: 200, size: 'max' })
    .map((pairs) => pairs.flat().join(''));
  fc.assert(
    fc.property(prose, fc.integer({ min: 80, max: 300 }), (of, size) => {
      const trimmed = of.trimEnd().length;
      for (const chunk of chunkText(of, { size })) {
        assert.ok(chunk.start === 0 || /\s/.test(of.charAt(chunk.start - 1)), `start ${chunk.start}`);
        assert.ok(chunk.end === trimmed || /\s/.test(of.charAt(chunk.end)), `end ${chunk.end}`);
      }
    }),
    parameters,
  );
});

test.run();
