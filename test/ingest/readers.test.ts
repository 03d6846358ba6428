// Readers on real files, good and bad.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Skipped, SourceDocument } from '#dist/ingest/document.js';
import { find, type ReadOptions } from '#dist/ingest/readers.js';

interface Context {
  root: string;
}

const test = suite<Context>('readers');

test.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'ingest-readers-'));
});
test.after.each((context) => {
  rmSync(context.root, { recursive: true, force: true });
});

async function read(path: string, options: ReadOptions = {}) {
  const documents: SourceDocument[] = [];
  const skipped: Skipped[] = [];
  const ignored: string[] = [];
  const found = await find(path, options);
  for await (const item of found.read()) {
    if (item.kind === 'document') documents.push(item.document);
    else if (item.kind === 'skipped') skipped.push(item.skipped);
    else ignored.push(item.source);
  }
  return { documents, skipped, ignored, found };
}

async function readOne(root: string, name: string, content: string | Buffer, options: ReadOptions = {}) {
  writeFileSync(join(root, name), content);
  return read(join(root, name), { relativeTo: root, ...options });
}

test('a text file is its text; a short first line over a blank one is the title', async ({ root }) => {
  const { documents } = await readOne(root, 'a.txt', 'Tides\n\nThe Moon pulls.');
  assert.equal(documents, [{ source: 'a.txt', text: 'Tides\n\nThe Moon pulls.', title: 'Tides' }]);
  const untitled = await readOne(root, 'b.txt', 'The Moon pulls.\n\nMore.');
  assert.is(untitled.documents[0]?.title, undefined);
});

test('the first heading of a Markdown file is the title, not one inside a code block', async ({ root }) => {
  const { documents } = await readOne(
    root,
    'a.md',
    '```sh\n# no heading\n```\n\n## The `real` one ##\n\nText',
  );
  assert.is(documents[0]?.title, 'The real one');
  const underlined = await readOne(root, 'b.md', 'Under\n=====\n\nText');
  assert.is(underlined.documents[0]?.title, 'Under');
});

test('front matter gives title and metadata and is not part of the text', async ({ root }) => {
  const front =
    '---\ntitle: "A: b"\nyear: 2024\nversion: 1.10\ndraft: false\ntags:\n  - x\n  - y\n---\n# Heading\n';
  const { documents } = await readOne(root, 'a.md', front);
  assert.equal(documents[0], {
    source: 'a.md',
    text: '# Heading\n',
    title: 'A: b',
    metadata: { year: 2024, version: '1.10', draft: false, tags: ['  - x', '  - y'] },
    parts: [{ start: 0, headings: 'Heading' }],
  });
});

test('a line of dashes at the top of a text without fields is text', async ({ root }) => {
  const text = '---\nJust a rule above and below\n---\n';
  assert.is((await readOne(root, 'a.md', text)).documents[0]?.text, text);
});

test('a byte order mark is accepted and taken off', async ({ root }) => {
  const text = await readOne(root, 'a.txt', '\ufeffhello');
  assert.is(text.documents[0]?.text, 'hello');
  const lines = await readOne(root, 'a.jsonl', '\ufeff{"text":"hello"}\n');
  assert.is(lines.documents[0]?.text, 'hello');
});

for (const [name, file, content, why] of [
  ['bytes that are no UTF-8', 'a.txt', Buffer.from([0x68, 0xff, 0xfa]), /^not UTF-8$/],
  ['a NUL byte', 'a.md', Buffer.from('ab\0c'), /binary.*offset 2/],
  ['UTF-16 that is cut in two', 'a.txt', Buffer.from('\ufeff\ud83d', 'utf16le'), /^not UTF-16$/],
  [
    'UTF-32, whose mark begins like that of UTF-16',
    'a.txt',
    Buffer.from('fffe000068000000', 'hex'),
    /binary/,
  ],
  ['a file that is too long', 'a.txt', 'x'.repeat(1001), /1001 bytes.*1000/],
  ['a binary file that calls itself JSONL', 'a.jsonl', Buffer.from('\0\0\n\0'), /binary/],
] as const) {
  test(`${name} is left out, with the reason`, async ({ root }) => {
    const { documents, skipped } = await readOne(root, file, content, { maxFileBytes: 1000 });
    assert.equal(documents, []);
    assert.is(skipped.length, 1);
    assert.is(skipped[0]?.source, file);
    assert.match(skipped[0]?.why ?? '', why);
  });
}

test('each line of a JSONL file is a document; a bad one is named by its number and the rest is read', async ({
  root,
}) => {
  const lines = [
    '{"id":"a","title":"T","text":"one","metadata":{"x":1}}',
    '{broken',
    '',
    '[1]',
    '{"id":"b"}',
    '{"id":"b","text":42}',
    '{"id":{},"text":"bad id"}',
    '{"id":7,"text":"number id"}\r',
    '{"text":"no id"}',
    '{"id":"c","text":"odd","title":5,"metadata":[1]}',
    '{"id":"d","text":"\\ud800"}',
    '{"__proto__":{"text":"inherited"}}',
    '{"id":"last","text":"no newline at the end"}',
  ];
  const { documents, skipped } = await readOne(root, 'a.jsonl', lines.join('\n'));
  assert.equal(documents[0], { source: 'a.jsonl#a', text: 'one', title: 'T', metadata: { x: 1 } });
  assert.equal(
    documents.map(({ text }) => text),
    ['one', 'number id', 'no id', 'odd', 'no newline at the end'],
  );
  assert.is(documents[1]?.source, 'a.jsonl#7');
  assert.match(documents[2]?.source ?? '', /^a\.jsonl#[0-9a-f]{16}$/);
  assert.equal(
    skipped.map(({ line, partial }) => (partial ? `${line} in part` : line)),
    [2, 4, 5, 6, 7, '10 in part', '10 in part', 11, 12],
  );
  for (const { line, why } of skipped) assert.ok(why.startsWith(`line ${line}: `), why);
});

test('a JSONL file is read by the field names given', async ({ root }) => {
  const fields = { id: 'key', title: 'name', text: 'body', metadata: 'meta' };
  const line = '{"key":"k","name":"n","body":"b","meta":{"m":true},"text":"no"}';
  const { documents } = await readOne(root, 'a.jsonl', line, { fields });
  assert.equal(documents, [{ source: 'a.jsonl#k', text: 'b', title: 'n', metadata: { m: true } }]);
});

test('a line over the limit is left out without being held in memory', async ({ root }) => {
  const piece = Buffer.alloc(2 ** 20, 'x');
  const path = join(root, 'a.jsonl');
  writeFileSync(path, '{"text":"first"}\n');
  for (let index = 0; index < 100; index++) writeFileSync(path, piece, { flag: 'a' });
  writeFileSync(path, '\n{"text":"last"}\n', { flag: 'a' });
  const before = process.memoryUsage();
  let most = 0;
  const { read: items } = await find(path, { maxLineBytes: 4096 });
  const texts: string[] = [];
  for await (const item of items()) {
    const now = process.memoryUsage();
    most = Math.max(most, now.heapUsed + now.arrayBuffers - before.heapUsed - before.arrayBuffers);
    if (item.kind === 'document') texts.push(item.document.text);
    if (item.kind === 'skipped') texts.push(item.skipped.why);
  }
  assert.is(texts[0], 'first');
  assert.match(texts[1] ?? '', /^line 2: 104857600 bytes/);
  assert.is(texts[2], 'last');
  assert.ok(most < 32 * 2 ** 20, `${most} bytes more in use`);
});

test('lines and characters that lie across read blocks stay whole', async ({ root }) => {
  const texts = Array.from({ length: 400 }, (_, index) => `${'é漢😀'.repeat(index)}${index}`);
  const lines = texts.map((text) => JSON.stringify({ text })).join('\n');
  assert.ok(Buffer.byteLength(lines) > 5 * 65_536);
  const { documents } = await readOne(root, 'a.jsonl', lines);
  assert.equal(
    documents.map(({ text }) => text),
    texts,
  );
});

test('a directory is read to its leaves in one order, hidden and unknown files left out', async ({
  root,
}) => {
  mkdirSync(join(root, 'b/c'), { recursive: true });
  mkdirSync(join(root, '.git'));
  for (const name of [
    'b/c/deep.md',
    'b/2.txt',
    'b/10.TXT',
    'a.md',
    'z.txt',
    '.env',
    '.git/x.md',
    'p.png',
    'Makefile',
  ]) {
    writeFileSync(join(root, name), name);
  }
  const { documents, skipped, found } = await read(root, { relativeTo: root });
  assert.equal(
    documents.map(({ source }) => source),
    ['a.md', 'b/10.TXT', 'b/2.txt', 'b/c/deep.md', 'z.txt'],
  );
  assert.equal(skipped.map(({ source }) => source).sort(), ['.env', '.git', 'Makefile', 'p.png']);
  assert.match(
    skipped.find(({ source }) => source === 'p.png')?.why ?? '',
    /unknown file type \.png; known are \.txt/,
  );
  assert.is(found.total, 9);
});

test('sources are absolute unless they are named relative to a directory', async ({ root }) => {
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, 'sub/a.md'), 'text');
  assert.ok((await read(join(root, 'sub'))).documents[0]?.source.endsWith('/sub/a.md'));
  assert.ok((await read(join(root, 'sub'))).documents[0]?.source.startsWith('/'));
  assert.is((await read(join(root, 'sub'), { relativeTo: root })).documents[0]?.source, 'sub/a.md');
});

test('a link to a file is followed inside the directory only; a link to a directory never', async ({
  root,
}) => {
  const inside = join(root, 'in');
  mkdirSync(join(inside, 'sub'), { recursive: true });
  writeFileSync(join(root, 'secret.txt'), 'secret');
  writeFileSync(join(inside, 'a.txt'), 'fine');
  symlinkSync(join(inside, 'a.txt'), join(inside, 'sub/link.txt'));
  symlinkSync(join(root, 'secret.txt'), join(inside, 'out.txt'));
  symlinkSync('../in/../secret.txt', join(inside, 'sneaky.txt'));
  symlinkSync(inside, join(inside, 'sub/loop'));
  symlinkSync('round.txt', join(inside, 'round.txt'));
  symlinkSync('nowhere', join(inside, 'broken.txt'));
  const { documents, skipped } = await read(inside, { relativeTo: inside });
  assert.equal(
    documents.map(({ source, text }) => [source, text]),
    [
      ['a.txt', 'fine'],
      ['sub/link.txt', 'fine'],
    ],
  );
  const reasons = Object.fromEntries(skipped.map(({ source, why }) => [source, why]));
  assert.match(reasons['out.txt'] ?? '', /leads out/);
  assert.match(reasons['sneaky.txt'] ?? '', /leads out/);
  assert.match(reasons['sub/loop'] ?? '', /link to a directory/);
  assert.match(reasons['round.txt'] ?? '', /circle|ELOOP/);
  assert.match(reasons['broken.txt'] ?? '', /ENOENT/);
});

test('a directory named through a link is read', async ({ root }) => {
  mkdirSync(join(root, 'real'));
  writeFileSync(join(root, 'real/a.txt'), 'text');
  symlinkSync(join(root, 'real'), join(root, 'link'));
  assert.is((await read(join(root, 'link'))).documents.length, 1);
});

test('a FIFO is left out without waiting for a writer', async ({ root }) => {
  if (process.platform === 'win32') return console.log('skipped: no FIFO on Windows');
  mkdirSync(join(root, 'in'));
  execFileSync('mkfifo', [join(root, 'in/pipe.txt')]);
  writeFileSync(join(root, 'in/a.txt'), 'text');
  const { documents, skipped } = await read(join(root, 'in'));
  assert.is(documents.length, 1);
  assert.match(skipped[0]?.why ?? '', /neither a file nor a directory/);
  await rejects(() => find(join(root, 'in/pipe.txt')), 'ERR_LLM_CACHE_INGEST', /pipe\.txt/);
});

test('files and directories without permission are left out, with the reason', async ({ root }) => {
  if (process.getuid?.() === 0) return console.log('skipped: root may read everything');
  mkdirSync(join(root, 'closed'));
  writeFileSync(join(root, 'closed/a.txt'), 'text');
  writeFileSync(join(root, 'b.txt'), 'text');
  writeFileSync(join(root, 'c.txt'), 'text');
  chmodSync(join(root, 'b.txt'), 0);
  chmodSync(join(root, 'closed'), 0);
  try {
    const { documents, skipped } = await read(root, { relativeTo: root });
    assert.equal(
      documents.map(({ source }) => source),
      ['c.txt'],
    );
    assert.equal(skipped.map(({ source }) => source).sort(), ['b.txt', 'closed']);
    for (const { why } of skipped) assert.match(why, /no permission.*EACCES/);
  } finally {
    chmodSync(join(root, 'closed'), 0o755);
  }
});

test('a file that vanishes between listing and reading is left out', async ({ root }) => {
  writeFileSync(join(root, 'a.txt'), 'text');
  const found = await find(root);
  rmSync(join(root, 'a.txt'));
  for await (const item of found.read()) {
    assert.is(item.kind, 'skipped');
    assert.match(item.kind === 'skipped' ? item.skipped.why : '', /ENOENT/);
  }
});

test('a file that becomes a link to outside between listing and reading is not followed', async ({
  root,
}) => {
  mkdirSync(join(root, 'in'));
  writeFileSync(join(root, 'secret.txt'), 'secret');
  writeFileSync(join(root, 'in/a.txt'), 'text');
  const found = await find(join(root, 'in'));
  rmSync(join(root, 'in/a.txt'));
  symlinkSync(join(root, 'secret.txt'), join(root, 'in/a.txt'));
  for await (const item of found.read()) assert.is(item.kind, 'skipped');
});

async function rejects(act: () => Promise<unknown>, code: string, message: RegExp): Promise<void> {
  try {
    await act();
  } catch (error) {
    assert.is((error as { code?: string }).code, code);
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable('it should have been refused');
}

test('what cannot be an input at all is refused by name', async ({ root }) => {
  writeFileSync(join(root, 'p.png'), 'x');
  writeFileSync(join(root, 'a.txt'), 'x');
  mkdirSync(join(root, 'sub'));
  await rejects(() => find(join(root, 'missing')), 'ERR_LLM_CACHE_INGEST', /missing.*does not exist/);
  await rejects(() => find(join(root, 'a.txt/b.txt')), 'ERR_LLM_CACHE_INGEST', /b\.txt/);
  await rejects(() => find(join(root, 'p.png')), 'ERR_LLM_CACHE_ARGUMENT', /\.txt, \.md/);
  await rejects(() => find(''), 'ERR_LLM_CACHE_ARGUMENT', /path/);
  await rejects(() => find(root, { maxFileBytes: 0 }), 'ERR_LLM_CACHE_ARGUMENT', /maxFileBytes/);
  await rejects(() => find(root, { relativeTo: join(root, 'sub') }), 'ERR_LLM_CACHE_ARGUMENT', /inside/);
  await rejects(
    () => find(root, { fields: { body: 'x' } as object }),
    'ERR_LLM_CACHE_ARGUMENT',
    /fields\.body/,
  );
});

test.run();
