// Whatever a text or a table holds, and however its bytes are cut into blocks, it is read as it was written.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SourceDocument } from '#dist/ingest/document.js';
import { readMarkdown } from '#dist/ingest/markdown.js';
import { findStream, type ReadOptions } from '#dist/ingest/readers.js';

const test = suite('readers, any input');
const seed = Number(process.env.LLM_CACHE_TEST_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.LLM_CACHE_TEST_RUNS ?? 150);
console.log(`seed ${seed}, runs ${numRuns}`);

async function read(bytes: Buffer, cuts: readonly number[], type: string, options: ReadOptions = {}) {
  async function* blocks() {
    let at = 0;
    for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)) {
      yield bytes.subarray(at, cut);
      at = cut;
    }
  }
  const documents: SourceDocument[] = [];
  for await (const item of findStream({ bytes: blocks(), type }, options).read()) {
    assert.is(item.kind, 'document', JSON.stringify(item));
    if (item.kind === 'document') documents.push(item.document);
  }
  return documents;
}

const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((value) => value.replaceAll('\0', ''));
const cuts = fc.array(fc.nat(), { maxLength: 5 });
const encode: Record<string, (value: string) => Buffer> = {
  'UTF-8': (value) => Buffer.from(value),
  'UTF-8 with a mark': (value) => Buffer.from(`\ufeff${value}`),
  'UTF-16, little end first': (value) => Buffer.from(`\ufeff${value}`, 'utf16le'),
  'UTF-16, big end first': (value) => Buffer.from(`\ufeff${value}`, 'utf16le').swap16(),
};

test('a text comes back whatever its encoding', async () => {
  const encodings = fc.constantFrom(...Object.keys(encode));
  await fc.assert(
    fc.asyncProperty(text, encodings, cuts, async (value, encoding, at) => {
      fc.pre(!value.startsWith('\ufeff'));
      const [document] = await read((encode[encoding] as (value: string) => Buffer)(value), at, 'txt');
      assert.is(document?.text, value);
    }),
    { seed, numRuns },
  );
});

test('a table comes back cell by cell whatever its separator and encoding', async () => {
  const cell = text.map((value) => value.replaceAll('\ufeff', ''));
  const rows = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 });
  const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(
      rows,
      fc.constantFrom(',', ';', '\t'),
      fc.constantFrom(...Object.keys(encode)),
      cuts,
      async (table, separator, encoding, at) => {
        const all = [['number', 'text', 'title'], ...table.map(([a, b], index) => [`${index}`, a, b])];
        const written = all.map((row) => row.map(quoted).join(separator)).join('\r\n');
        const bytes = (encode[encoding] as (value: string) => Buffer)(written);
        const documents = await read(bytes, at, 'csv', { fields: { id: 'number' } });
        assert.equal(
          documents.map(({ source, text, title }) => [source, text, title ?? '']),
          table.map(([a, b], index) => [`stdin#${index}`, a, b]),
        );
      },
    ),
    { seed, numRuns },
  );
});

test('the headings of a Markdown text stand where they are said to stand, with any line ends', async () => {
  const line = fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 6 }), fc.stringMatching(/^[a-z]{1,8}$/)),
    fc.constantFrom('', 'some text', '- a list', '> a quote', '    code'),
  );
  await fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), fc.constantFrom('\n', '\r\n'), (lines, end) => {
      const written = lines.map((each) =>
        typeof each === 'string' ? each : `${'#'.repeat(each[0])} ${each[1]}`,
      );
      const raw = written.join(`${end}${end}`);
      const { text, parts = [] } = readMarkdown(raw);
      const path: [number, string][] = [];
      const wanted = lines.flatMap((each) => {
        if (typeof each === 'string') return [];
        while ((path.at(-1)?.[0] ?? 0) >= each[0]) path.pop();
        path.push(each);
        return [path.map(([, name]) => name).join(' > ')];
      });
      assert.equal(
        parts.map(({ headings }) => headings),
        wanted,
      );
      for (const { start, headings = '' } of parts) {
        const name = headings.split(' > ').at(-1) as string;
        assert.match(text.slice(start), new RegExp(`^#{1,6} ${name}(\\r?\\n|$)`));
      }
    }),
    { seed, numRuns },
  );
});

test.run();
