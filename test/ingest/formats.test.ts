// Readers of HTML, PDF, Word, CSV and streams, on good, broken and hostile files.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Skipped, SourceDocument } from '#dist/ingest/document.js';
import { type Found, find, findStream, type ReadOptions } from '#dist/ingest/readers.js';
import { documentXml, docx, docxParts, pdf, pdfOf, zip } from './files.ts';

const test = suite<{ root: string }>('formats');

test.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'ingest-formats-'));
});
test.after.each(({ root }) => rmSync(root, { recursive: true, force: true }));

async function drain(found: Found) {
  const documents: SourceDocument[] = [];
  const skipped: Skipped[] = [];
  const ignored: string[] = [];
  for await (const item of found.read()) {
    if (item.kind === 'document') documents.push(item.document);
    else if (item.kind === 'skipped') skipped.push(item.skipped);
    else ignored.push(item.source);
  }
  return { documents, skipped, ignored };
}

async function readOne(root: string, name: string, content: string | Buffer, options: ReadOptions = {}) {
  writeFileSync(join(root, name), content);
  return drain(await find(join(root, name), { relativeTo: root, ...options }));
}

/** The parts of a document with the text that each begins with. */
function outline({ text, parts = [] }: SourceDocument) {
  return parts.map(({ start, ...place }) => [text.slice(start, start + 5), place] as const);
}

async function whyOf(root: string, name: string, content: string | Buffer, options: ReadOptions = {}) {
  const { documents, skipped } = await readOne(root, name, content, options);
  assert.equal(documents, []);
  assert.is(skipped.length, 1);
  return skipped[0]?.why ?? '';
}

test('an HTML page is its text, with title, headings and tables, without scripts and styles', async ({
  root,
}) => {
  const page =
    '<!doctype html><html><head><title>Tea &amp; time</title><style>p{}</style></head><body><h1>Tea</h1>' +
    '<p>Steep <b>green</b> tea <a href="http://example.org">briefly</a>.</p><script>steal()</script><h2>Black</h2>' +
    '<ul><li>five minutes<li>milk</ul><h1>Time</h1><table><tr><th>kind</th><th>min</th></tr><tr><td>green</td><td>2</td></tr></table>';
  const { documents } = await readOne(root, 'a.html', page);
  const [document] = documents as [SourceDocument];
  assert.is(document.title, 'Tea & time');
  assert.match(document.text, 'Steep green tea briefly.');
  assert.match(document.text, /- five minutes\n\s*- milk/);
  assert.match(document.text, /kind +min\ngreen +2/);
  assert.not.match(document.text, /steal|p\{\}|example/);
  assert.equal(outline(document), [
    ['Tea\n\n', { headings: 'Tea' }],
    ['Black', { headings: 'Tea > Black' }],
    ['Time\n', { headings: 'Time' }],
  ]);
});

test('a page in the encoding that it names is read, and a long page in a thread gives the same', async ({
  root,
}) => {
  const old = Buffer.concat([
    Buffer.from('<meta charset="windows-1252"><p>caf'),
    Buffer.from([0xe9]),
    Buffer.from('</p>'),
  ]);
  assert.is((await readOne(root, 'old.html', old)).documents[0]?.text, 'café');
  assert.match(await whyOf(root, 'lie.html', Buffer.from([0x3c, 0x70, 0x3e, 0xe9])), /not UTF-8/);
  const long = `<h1>Top</h1>${'<p>One more line of prose.</p>'.repeat(2000)}<h2>Last</h2><p>end</p>`;
  const { documents } = await readOne(root, 'long.html', long);
  assert.match(documents[0]?.text ?? '', /^Top\n\nOne more line/);
  assert.equal(outline(documents[0] as SourceDocument).at(-1), ['Last\n', { headings: 'Top > Last' }]);
});

test('Markdown keeps the path of its headings, with either line end, and not those in code', async ({
  root,
}) => {
  const lines = [
    '# A',
    '',
    'text',
    '',
    '## B *b*',
    '',
    '```',
    '# no',
    '```',
    '',
    'Under',
    '-----',
    '',
    '# C',
  ];
  for (const end of ['\n', '\r\n']) {
    const { documents } = await readOne(root, 'a.md', lines.join(end));
    assert.is(documents[0]?.text, lines.join(end));
    assert.equal(
      outline(documents[0] as SourceDocument).map(([at, { headings }]) => [at.slice(0, 3), headings]),
      [
        [`# A`, 'A'],
        ['## ', 'A > B b'],
        ['Und', 'A > Under'],
        ['# C', 'C'],
      ],
    );
  }
});

test('UTF-16 is decoded by its mark in every text format, also as a stream', async ({ root }) => {
  const swap = (bytes: Buffer) => Buffer.from(bytes).swap16();
  const little = Buffer.from('\ufeff# Größe 🫖\n', 'utf16le');
  assert.is((await readOne(root, 'a.md', little)).documents[0]?.text, '# Größe 🫖\n');
  assert.is((await readOne(root, 'b.txt', swap(little))).documents[0]?.text, '# Größe 🫖\n');
  const row = Buffer.from(
    '\ufeff{"id":"x","text":"🫖 '.concat('é'.repeat(70_000), '"}\n{"text":"b"}'),
    'utf16le',
  );
  const lines = await readOne(root, 'c.jsonl', swap(row));
  assert.equal(
    lines.documents.map(({ text }) => text.length),
    [70_003, 1],
  );
  const table = await readOne(root, 'd.csv', Buffer.from('\ufeffid,text\n1,Größe\n', 'utf16le'));
  assert.equal(table.documents, [{ source: 'd.csv#1', text: 'Größe', title: undefined, metadata: {} }]);
});

test('a PDF file is its pages, each a part with its number', async ({ root }) => {
  const pages = [['The first page (of three)', 'has two lines.'], [], ['The third page.']];
  const { documents, skipped } = await readOne(root, 'a.pdf', pdf(pages, 'A report'));
  assert.equal(skipped, []);
  const [document] = documents as [SourceDocument];
  assert.is(document.title, 'A report');
  assert.match(document.text, /^The first page \(of three\)\nhas two lines\.\n\nThe third page\.$/);
  assert.equal(outline(document), [
    ['The f', { page: 1 }],
    ['The t', { page: 3 }],
  ]);
});

test('a PDF file that is broken, empty or too long is left out, and the next is read', async ({ root }) => {
  const good = pdf([['good']]);
  assert.match(await whyOf(root, 'a.pdf', 'no pdf at all'), /no PDF file that can be read/);
  assert.match(await whyOf(root, 'b.pdf', good.subarray(0, 40)), /no PDF file that can be read/);
  assert.match(await whyOf(root, 'c.pdf', pdf([[]])), /no text on its 1 page/);
  assert.match(
    await whyOf(root, 'd.pdf', pdf([['a'], ['b'], ['c']]), { maxPages: 2 }),
    /3 pages are more than the 2/,
  );
  mkdirSync(join(root, 'many'));
  writeFileSync(join(root, 'many/1.pdf'), good.subarray(0, 40));
  writeFileSync(join(root, 'many/2.pdf'), good);
  const { documents, skipped } = await drain(await find(join(root, 'many')));
  assert.equal([documents.length, skipped.length], [1, 1]);
});

test('a Word document is its text, each heading a part', async ({ root }) => {
  const file = docx([
    ['Title', 'The plan'],
    [undefined, 'Before all.'],
    ['Heading1', 'Goals'],
    [undefined, 'More tea &amp; time.'],
    ['Heading2', 'Tea'],
    [undefined, 'Green.'],
  ]);
  const { documents, skipped } = await readOne(root, 'a.docx', file);
  assert.equal(skipped, []);
  const [document] = documents as [SourceDocument];
  assert.is(document.title, 'The plan');
  assert.match(document.text, 'More tea & time.');
  assert.equal(outline(document), [
    ['The p', { headings: 'The plan' }],
    ['Goals', { headings: 'Goals' }],
    ['Tea\n\n', { headings: 'Goals > Tea' }],
  ]);
});

test('a Word document that is broken or unpacks to too much is left out', async ({ root }) => {
  assert.match(await whyOf(root, 'a.docx', 'no archive'), /no DOCX file that can be read/);
  assert.match(await whyOf(root, 'b.docx', zip([{ name: 'x', content: Buffer.from('x') }])), /no DOCX file/);
  const large = zip(
    docxParts(Buffer.from(documentXml(`<w:p><w:r><w:t>${'a'.repeat(2e6)}</w:t></w:r></w:p>`))),
  );
  assert.ok(large.length < 1e5);
  assert.match(
    await whyOf(root, 'c.docx', large, { maxFileBytes: 1e6 }),
    /unpacks to more than the 1000000 bytes/,
  );
});

test('archives and streams that unpack without end cost bounded memory, and the process goes on', async ({
  root,
}) => {
  const zeros = Buffer.alloc(2 ** 30);
  const lying = zip(docxParts(zeros, 1000));
  const before = process.memoryUsage.rss();
  assert.match(await whyOf(root, 'a.docx', lying), /no DOCX file|takes more than \d+ bytes of memory|failed/);
  const { deflateSync } = await import('node:zlib');
  const packed = deflateSync(zeros);
  const stream = Buffer.concat([
    Buffer.from(`<< /Length ${packed.length} /Filter /FlateDecode >>\nstream\n`),
    packed,
    Buffer.from('\nendstream'),
  ]);
  const bomb = pdfOf([
    Buffer.from('<< /Type /Catalog /Pages 2 0 R >>'),
    Buffer.from('<< /Type /Pages /Kids [3 0 R] /Count 1 >>'),
    Buffer.from('<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>'),
    stream,
  ]);
  assert.match(await whyOf(root, 'b.pdf', bomb), /takes more than|no text|failed|cannot be read/);
  const grown = process.memoryUsage.rss() - before;
  assert.ok(grown < 2 ** 30, `${grown} bytes more`);
  assert.is((await readOne(root, 'c.pdf', pdf([['after']]))).documents[0]?.text, 'after');
});

test('a file that takes longer than allowed is left out', async ({ root }) => {
  const slow = '- \n'.repeat(400_000);
  assert.match(await whyOf(root, 'a.md', slow, { parseTimeoutMs: 300 }), /not read within 300 ms/);
});

test('quotes a thousand deep cost the headings, not the document', async ({ root }) => {
  const { documents } = await readOne(root, 'a.md', `${'> '.repeat(4000)}deep\n`);
  assert.is(documents[0]?.parts, undefined);
  assert.match(documents[0]?.text ?? '', /deep/);
});

test('each row of a table is a document; other columns are metadata', async ({ root }) => {
  const table =
    '\ufeffid;title;text;lang;year\n1;Tea;"Steep; then\nwait";en;2024\n2;;x "y" z;de\n;;third;;;extra\n4;no text;;\n';
  const { documents, skipped } = await readOne(root, 'a.csv', table);
  assert.equal(documents[0], {
    source: 'a.csv#1',
    text: 'Steep; then\nwait',
    title: 'Tea',
    metadata: { lang: 'en', year: 2024 },
  });
  assert.equal(
    documents.map(({ text }) => text),
    ['Steep; then\nwait', 'x "y" z', 'third', ''],
  );
  assert.match(documents[2]?.source ?? '', /^a\.csv#[0-9a-f]{16}$/);
  assert.equal(
    skipped.map(({ line, partial }) => [line, partial]),
    [[5, true]],
  );
});

test('columns are named like fields; without one for the text a row is its cells', async ({ root }) => {
  const table = 'key\tbody\tnote\nk\tthe body\t7\n';
  const named = await readOne(root, 'a.tsv', table, { fields: { id: 'key', text: 'body' } });
  assert.equal(named.documents, [
    { source: 'a.tsv#k', text: 'the body', title: undefined, metadata: { note: 7 } },
  ]);
  const cells = await readOne(root, 'b.csv', 'name,price\nkettle,40\n');
  assert.is(cells.documents[0]?.text, 'name: kettle\nprice: 40');
  assert.match(
    await whyOf(root, 'c.csv', 'a,b\n1,2\n', { fields: { text: 'body' } }),
    /no column "body".*a, b/,
  );
});

test('a table that cannot be read to its end keeps its rows and says where it ends', async ({ root }) => {
  const open = await readOne(root, 'a.csv', 'text\none\n"two\nthree\n');
  assert.equal(
    open.documents.map(({ text }) => text),
    ['one'],
  );
  assert.match(open.skipped[0]?.why ?? '', /^line 3, and what follows, cannot be read/);
  const long = await readOne(root, 'b.csv', `text\none\n${'x'.repeat(5000)}\n`, { maxLineBytes: 1000 });
  assert.equal([long.documents.length, long.skipped.length], [1, 1]);
  assert.match(await whyOf(root, 'c.csv', Buffer.from('text\n\xff\n', 'latin1')), /not UTF-8/);
  assert.match(await whyOf(root, 'd.csv', Buffer.from('text\n\0\n')), /binary/);
});

test('a stream is read as the type it is said to have', async () => {
  async function* bytes(text: string) {
    for (const byte of Buffer.from(text)) yield Buffer.from([byte]);
  }
  const one = await drain(findStream({ bytes: bytes('# Tea\n\nGreen.'), type: 'md', source: 'notes' }));
  assert.equal(one.documents[0]?.source, 'notes');
  assert.is(one.documents[0]?.title, 'Tea');
  const many = await drain(
    findStream({ bytes: bytes('{"id":1,"text":"a"}\n{"id":2,"text":"b"}'), type: 'jsonl' }),
  );
  assert.equal(
    many.documents.map(({ source }) => source),
    ['stdin#1', 'stdin#2'],
  );
  const long = await drain(findStream({ bytes: bytes('x'.repeat(50)), type: 'txt' }, { maxFileBytes: 40 }));
  assert.match(long.skipped[0]?.why ?? '', /more than the 40/);
  assert.throws(() => findStream({ bytes: bytes(''), type: 'exe' }), /input\.type must be one of txt, md/);
  async function* texts() {
    yield 'a text';
  }
  const wrong = drain(findStream({ bytes: texts() as never, type: 'txt' }));
  assert.match(await wrong.catch(({ code }) => code), 'ERR_LLM_CACHE_ARGUMENT');
  assert.throws(() => findStream({ bytes: 'text' as never, type: 'md' }), /input\.bytes/);
});

test('include, ignore and ignore files choose among the files of a directory', async ({ root }) => {
  const names = ['a.md', 'b.txt', 'draft/c.md', 'draft/keep.md', 'sub/d.md', 'sub/e.tmp.md', 'sub/deep/f.md'];
  for (const name of names) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), name);
  }
  writeFileSync(join(root, '.llmcacheignore'), '# drafts\ndraft/*\n!draft/keep.md\n*.tmp.md\n');
  writeFileSync(join(root, 'sub/.llmcacheignore'), '/deep/\n');
  const chosen = async (options: ReadOptions) => {
    const { documents, ignored, skipped } = await drain(await find(root, { relativeTo: root, ...options }));
    const hidden = skipped.filter(({ source }) => source.endsWith('.llmcacheignore'));
    assert.is(skipped.length, options.ignoreFile === null ? hidden.length : 0);
    return { documents: documents.map(({ source }) => source), ignored };
  };
  const all = await chosen({});
  assert.equal(all.documents, ['a.md', 'b.txt', 'draft/keep.md', 'sub/d.md']);
  assert.equal(all.ignored, ['draft/c.md', 'sub/deep', 'sub/e.tmp.md']);
  assert.equal((await chosen({ include: ['*.md'] })).documents, ['a.md', 'draft/keep.md', 'sub/d.md']);
  assert.equal((await chosen({ include: ['sub/**/*.md', 'b.*'] })).documents, ['b.txt', 'sub/d.md']);
  assert.equal((await chosen({ ignore: ['b.txt', '!*.tmp.md'] })).documents, [
    'a.md',
    'draft/keep.md',
    'sub/d.md',
    'sub/e.tmp.md',
  ]);
  assert.equal((await chosen({ ignoreFile: null, ignore: ['draft/'] })).documents.length, 5);
});

test('a pattern in an ignore file that could take long to compare is left out, with its line', async ({
  root,
}) => {
  writeFileSync(join(root, 'a.md'), 'text');
  writeFileSync(join(root, `${'a'.repeat(240)}.md`), 'text');
  writeFileSync(join(root, '.llmcacheignore'), `${'*a'.repeat(60)}b\n`);
  const { documents, skipped } = await drain(await find(root, { relativeTo: root }));
  assert.is(documents.length, 2);
  assert.match(skipped[0]?.why ?? '', /^line 1 .* wildcards/);
  assert.is(skipped[0]?.source, '.llmcacheignore');
});

test.run();
