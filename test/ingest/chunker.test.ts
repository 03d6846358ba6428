// Cutting by sections, by the model's own tokens and by a splitter of LangChain's, through the pipeline.
import { MarkdownTextSplitter, RecursiveCharacterTextSplitter } from '@langchain/textsplitters';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Embedder } from '#dist/core/embedder.js';
import { mockEmbedder } from '#dist/embed/mock.js';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { type ChunkingOptions, chunkingConfigHash } from '#dist/ingest/chunk.js';
import { Chunker } from '#dist/ingest/chunker.js';
import { readMarkdown } from '#dist/ingest/markdown.js';
import { corpus, prose } from './support.ts';

const test = suite('chunker');
const mock = mockEmbedder();

async function cut(raw: string, options: ChunkingOptions, embedder: Embedder = mock) {
  const chunks = [];
  for await (const chunk of new Chunker(options, embedder).cut(readMarkdown(raw))) chunks.push(chunk);
  return chunks;
}

test('a chunk carries the headings that it begins under', async () => {
  const raw = `# Tea\n\n${prose('a', 60)}\n\n## Green\n\n${prose('b', 60)}\n\n# Cake\n\n${prose('c', 60)}\n`;
  const chunks = await cut(raw, { size: 200, overlap: 0 });
  const paths = chunks.map(({ place }) => place.headings);
  assert.is(paths[0], 'Tea');
  assert.is(paths.at(-1), 'Cake');
  assert.ok(paths.includes('Tea > Green'));
  for (const { start, end, text } of chunks) assert.is(raw.slice(start, end), text);
});

test('by section, no chunk reaches into the next one, and headings alone stay with what follows', async () => {
  const raw = '\n# Tea\n\n## Green\n\nSteep it briefly.\n\n## Black\n\nFour minutes.\n\nOr five.\n\n# End\n';
  const chunks = await cut(raw, { bySection: true });
  assert.equal(
    chunks.map(({ text, place }) => [text, place.headings]),
    [
      ['# Tea\n\n## Green\n\nSteep it briefly.', 'Tea > Green'],
      ['## Black\n\nFour minutes.\n\nOr five.', 'Tea > Black'],
      ['# End', 'End'],
    ],
  );
  const long = await cut(`# A\n\n${prose('x', 200)}\n\n# B\n\nshort`, { bySection: true, size: 300 });
  assert.ok(long.length > 4);
  for (const { text, start } of long) {
    assert.ok(!(text.includes('# B') && start < 20), 'over the border');
    assert.ok(text.length <= 400);
  }
  assert.is(long.at(-1)?.text, '# B\n\nshort');
});

test('by tokens, chunks have as many as asked by the real tokenizer, and nothing is lost', async () => {
  const embedder = await onnxEmbedder({ workers: 1 });
  try {
    const words = `Tokenisation splits uncommon words — antidisestablishmentarianism, naïveté — and 東京 into pieces. `;
    const text = `${words.repeat(30)}\n\n${'supercalifragilistic '.repeat(100)}${'x'.repeat(900)}`;
    const size = 64;
    const chunks = await cut(text, { unit: 'tokens', size, overlap: 8, minSize: 10 }, embedder);
    assert.ok(chunks.length > 20);
    let end = 0;
    for (const [index, chunk] of chunks.entries()) {
      const { tokens } = await embedder.embed(chunk.text);
      // Two special tokens, and a tail that joined the last chunk.
      const most = size + 2 + (index === chunks.length - 1 ? 10 : 0);
      assert.ok(tokens <= most, `${tokens} tokens: ${chunk.text.slice(0, 80)}`);
      assert.match(text.slice(end, chunk.start), /^\s*$/);
      end = chunk.end;
    }
    assert.is(end, text.trimEnd().length);
    const full = await Promise.all(chunks.slice(0, 10).map(({ text }) => embedder.embed(text)));
    assert.ok(
      full.every(({ tokens }) => tokens > size * 0.6),
      'chunks are full',
    );
    const counted = await embedder.countTokens?.(['antidisestablishmentarianism']);
    assert.is(counted?.[0], (await embedder.embed('antidisestablishmentarianism')).tokens - 2);
  } finally {
    await embedder.close();
  }
});

test('a splitter of LangChain cuts in its own way, and a change of its settings cuts anew', async () => {
  const raw = `# Tea\n\n${prose('a', 120)}\n\n## Green\n\n${prose('b', 120)}\n`;
  const splitter = new RecursiveCharacterTextSplitter({ chunkSize: 150, chunkOverlap: 20 });
  const { run, database } = corpus();
  const document = { source: 'tea.md', ...readMarkdown(raw) };
  const report = await run({ documents: [document], chunking: { splitter } });
  const wanted = await splitter.splitText(raw);
  assert.ok(wanted.length > 5);
  assert.equal(database.texts('tea.md'), wanted);
  assert.is(report.chunks, wanted.length);
  const headings = [...database.documents.values()].map(({ metadata }) => metadata.headings);
  assert.equal([...new Set(headings)].sort(), ['Tea', 'Tea > Green']);

  const again = (options: ChunkingOptions) => run({ documents: [document], chunking: options });
  const same = new RecursiveCharacterTextSplitter({ chunkSize: 150, chunkOverlap: 20 });
  assert.is((await again({ splitter: same })).unchanged, 1);
  const other = new RecursiveCharacterTextSplitter({ chunkSize: 200, chunkOverlap: 20 });
  assert.is((await again({ splitter: other })).replaced, 1);
  const kind = new MarkdownTextSplitter({ chunkSize: 200, chunkOverlap: 20 });
  assert.is((await again({ splitter: kind })).replaced, 1);
  assert.is((await again({ splitter: kind, splitterName: 'mine 2' })).replaced, 1);
});

test('a splitter that fails leaves its document out and the run goes on', async () => {
  const { run } = corpus();
  const splitter = {
    async splitText(text: string) {
      if (text.includes('bad')) throw new Error('no idea');
      return text.includes('odd') ? ([1] as never) : [text, ' ', text.toUpperCase()];
    },
  };
  const documents = ['good', 'bad', 'odd', 'fine'].map((source) => ({ source, text: `${source} text` }));
  const { added, chunks, skipped } = await run({ documents, chunking: { splitter } });
  assert.equal([added, chunks], [2, 4]);
  assert.equal(
    skipped.map(({ source, why }) => [source, why.slice(0, 20)]),
    [
      ['bad', 'the splitter failed:'],
      ['odd', 'the splitter gave so'],
    ],
  );
});

test('every way of cutting has a hash of its own, and the plain one that of before', () => {
  const hash = (options: ChunkingOptions) => new Chunker(options, mock).hash;
  const splitter = { splitText: async (text: string) => [text] };
  const all = [
    {},
    { size: 300 },
    { unit: 'tokens' },
    { bySection: true },
    { splitter },
    { splitter, splitterName: 'x' },
  ];
  assert.is(new Set(all.map((options) => hash(options as ChunkingOptions))).size, all.length);
  assert.is(hash({}), chunkingConfigHash(512, 50, '\n\n', 100));
});

test('what cannot be a way of cutting is refused by name', async () => {
  const refuses = (options: object, embedder: Embedder, name: RegExp) =>
    assert.throws(() => new Chunker(options, embedder), name);
  refuses({ unit: 'words' }, mock, /chunking\.unit/);
  refuses({ bySection: 1 }, mock, /chunking\.bySection/);
  refuses({ splitter: {} }, mock, /chunking\.splitter/);
  refuses({ splitter: { splitText() {} }, splitterName: '' }, mock, /chunking\.splitterName/);
  refuses({ unit: 'tokens' }, { ...mock, countTokens: undefined } as never, /counts no tokens/);
});

test.run();
