// The pipeline's bookkeeping: what is written, replaced, shared, left alone and reported.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EmbedError } from '#dist/core/errors.js';
import { contentFingerprint } from '#dist/core/key.js';
import type { IngestProgress } from '#dist/ingest/pipeline.js';
import { corpus, problems, prose } from './support.ts';

interface Context {
  root: string;
}

const test = suite<Context>('ingest');

test.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'ingest-pipeline-'));
});
test.after.each((context) => {
  rmSync(context.root, { recursive: true, force: true });
});

const documents = (...names: string[]) => names.map((source) => ({ source, text: prose(source, 300) }));

async function rejects(act: Promise<unknown>, code: string, message = /./): Promise<void> {
  const error = await act.then(
    () => assert.unreachable('it should have been refused'),
    (reason: unknown) => reason as { code?: string; message: string },
  );
  assert.is(error?.code, code);
  assert.match(error?.message ?? '', message);
}

test('every chunk is stored with its text, vector, id and metadata', async () => {
  const { run, database } = corpus();
  const text = prose('a', 300);
  const report = await run({
    documents: [{ source: 'a', text, title: 'A', metadata: { year: 2024, source: 'mine', tags: ['x'] } }],
  });
  const fingerprint = contentFingerprint(text);
  const stored = [...database.documents.values()];
  assert.ok(stored.length > 2);
  assert.equal(
    stored.map(({ id }) => id),
    stored.map((_, index) => `${fingerprint.slice(0, 16)}:000${index}`),
  );
  assert.equal(stored[1]?.metadata, {
    year: 2024,
    source: 'a',
    title: 'A',
    documentId: fingerprint.slice(0, 16),
    chunkIndex: 1,
  });
  assert.ok(Math.abs(Math.hypot(...(stored[0]?.vector ?? [])) - 1) < 1e-6);
  assert.is(report.added, 1);
  assert.is(report.chunks, stored.length);
  assert.is(report.bytes, Buffer.byteLength(text));
  assert.equal(
    report.skipped.map(({ partial, why }) => [partial, /"(\w+)"/.exec(why)?.[1]]),
    [
      [true, 'source'],
      [true, 'tags'],
    ],
  );
});

test('ingesting the same documents again embeds and writes nothing', async () => {
  const { run, database, embedder } = corpus();
  await run({ documents: documents('a', 'b') });
  const content = database.content();
  const { upserted } = database;
  embedder.texts = [];
  const report = await run({ documents: documents('a', 'b') });
  assert.equal([report.unchanged, report.added, report.replaced, report.chunks], [2, 0, 0, 0]);
  assert.is(embedder.texts.length, 0);
  assert.is(database.upserted, upserted);
  assert.equal(database.content(), content);
});

test('a changed document has exactly its own chunks replaced', async () => {
  const { run, database, manifest } = corpus();
  await run({ documents: documents('a', 'b') });
  const others = database.texts('b');
  const text = prose('a, second edition', 80);
  const report = await run({ documents: [{ source: 'a', text }, ...documents('b')] });
  assert.equal([report.unchanged, report.replaced, report.added], [1, 1, 0]);
  assert.is(database.texts('a').join(' ').length >= text.length, true);
  assert.ok(database.texts('a').every((chunk) => text.includes(chunk)));
  assert.equal(database.texts('b'), others);
  assert.equal(problems(database, manifest), []);
});

test('a changed title, changed metadata, other chunking or another embedder write the document anew', async () => {
  const { run, database, manifest, embedder } = corpus();
  const text = prose('a', 300);
  await run({ documents: [{ source: 'a', text }] });
  const again = async (options: object, document: object = {}) => {
    const report = await run({ documents: [{ source: 'a', text, ...document }], ...options });
    assert.is(report.replaced, 1);
    assert.equal(problems(database, manifest), []);
  };
  await again({}, { title: 'A' });
  assert.is([...database.documents.values()][0]?.metadata.title, 'A');
  await again({}, { title: 'A', metadata: { x: 1 } });
  await again({ chunking: { size: 256 } }, { title: 'A', metadata: { x: 1 } });
  assert.ok(database.texts('a').every((chunk) => chunk.length < 400));
  await again({ chunking: { size: 1024 } }, { title: 'A', metadata: { x: 1 } });
  embedder.fingerprint = '6'.repeat(64);
  await again({ chunking: { size: 1024 } }, { title: 'A', metadata: { x: 1 } });
});

test('no more documents are read ahead than twice the batch size, and no more than some megabytes of text', async () => {
  for (const [length, most] of [
    [100, 8],
    [3_000_000, 2],
  ] as const) {
    const { run } = corpus();
    let read = 0;
    let done = 0;
    let ahead = 0;
    function* endless() {
      while (read < 12) {
        read++;
        ahead = Math.max(ahead, read - done);
        // White space is never embedded, so only the reading ahead is measured.
        yield { source: `s${read}`, text: ' '.repeat(length) };
      }
    }
    const report = await run({
      documents: endless(),
      batchSize: 4,
      onProgress: (progress) => (done = progress.done),
    });
    assert.is(report.skipped.length, 12);
    assert.is(ahead, most, `${length} characters each`);
  }
});

test('pruning touches only what is under the directory and is really gone', async ({ root }) => {
  const { run, database, manifest } = corpus();
  mkdirSync(join(root, 'in'));
  writeFileSync(join(root, 'in/gone.txt'), prose('gone', 60));
  writeFileSync(join(root, 'in/turns-binary.txt'), prose('binary', 60));
  writeFileSync(join(root, 'in/lines.jsonl'), '{"id":1,"text":"one"}\n{"id":2,"text":"two"}\n');
  writeFileSync(join(root, 'in/whole.jsonl'), '{"id":1,"text":"uno"}\n{"id":2,"text":"due"}\n');
  writeFileSync(join(root, 'in-between.txt'), 'A neighbour whose name begins alike.');
  const relativeTo = root;
  await run({ path: root, relativeTo });
  rmSync(join(root, 'in/gone.txt'));
  rmSync(join(root, 'in-between.txt'));
  writeFileSync(join(root, 'in/turns-binary.txt'), '\0');
  writeFileSync(join(root, 'in/lines.jsonl'), '{"id":1,"text":"one"}\n{"id":2,"te\n');
  writeFileSync(join(root, 'in/whole.jsonl'), '{"id":2,"text":"due"}\n');
  const plain = await run({ path: join(root, 'in'), relativeTo });
  assert.equal(plain.removed, []);
  const report = await run({ path: join(root, 'in'), relativeTo, prune: true });
  assert.equal(report.removed, ['in/gone.txt', 'in/whole.jsonl#1']);
  const sources = new Set([...database.documents.values()].map(({ metadata }) => metadata.source));
  assert.equal([...sources].sort(), [
    'in-between.txt',
    'in/lines.jsonl#1',
    'in/lines.jsonl#2',
    'in/turns-binary.txt',
    'in/whole.jsonl#2',
  ]);
  assert.equal(problems(database, manifest), []);
});

test('what the model cannot read whole is split until it can, and nothing of it is lost', async () => {
  const { run, database, embedder, manifest } = corpus();
  embedder.maxLength = 60;
  const text = `${prose('long', 200)} ${'x'.repeat(500)} ${'\u0301'.repeat(300)}`;
  await run({ documents: [{ source: 'a', text }], chunking: { overlap: 0 } });
  const chunks = database.texts('a');
  assert.ok(chunks.every((chunk) => chunk.length <= 60));
  assert.is(chunks.join('').replace(/\s/g, ''), text.replace(/\s/g, ''));
  assert.equal(problems(database, manifest), []);
});

test('a single character that is too long for the model is stored all the same', async () => {
  const { run, database, embedder } = corpus();
  embedder.maxLength = 0;
  await run({ documents: [{ source: 'a', text: '😀' }] });
  assert.equal(database.texts('a'), ['😀']);
});

test('blank text is left out, and a document that has become blank is removed', async () => {
  const { run, database, manifest } = corpus();
  await run({ documents: documents('a') });
  const report = await run({
    documents: [
      { source: 'a', text: ' \n' },
      { source: 'b', text: '' },
    ],
  });
  assert.equal(report.removed, ['a']);
  assert.equal(
    report.skipped.map(({ source, why }) => [source, /no text/.test(why)]),
    [
      ['a', true],
      ['b', true],
    ],
  );
  assert.is(database.count(), 0);
  assert.equal([...manifest.entries()], []);
});

test('documents that cannot be used are left out, each with its reason; the rest is taken', async () => {
  const { run, database } = corpus();
  const bad = [
    null,
    5,
    {},
    { source: '', text: 'x' },
    { source: 'n', text: 5 },
    { source: 's', text: '\ud800' },
  ];
  const odd = [
    { source: 't', text: 'x', title: 7 },
    { source: 'm', text: 'x', metadata: 'x' },
  ];
  const report = await run({ documents: [...bad, ...odd, ...documents('a', 'a')] as never });
  assert.is(report.documents, 1);
  assert.equal(
    report.skipped.map(({ source }) => source),
    ['documents[0]', 'documents[1]', 'documents[2]', 'documents[3]', 'n', 's', 't', 'm', 'a'],
  );
  assert.match(report.skipped.at(-1)?.why ?? '', /read before/);
  assert.ok(database.count() > 0);
});

test('no more texts are embedded at a time than the batch size', async () => {
  const { run, embedder } = corpus();
  embedder.before = async () => {
    for (let turn = 0; turn < 5; turn++) await null;
  };
  await run({ documents: documents('a', 'b', 'c', 'd', 'e', 'f'), batchSize: 4 });
  assert.is(embedder.peak, 4);
  assert.is(embedder.running, 0);
});

test('small documents are embedded side by side, not one after the other', async () => {
  const { run, embedder } = corpus();
  const release: (() => void)[] = [];
  embedder.before = () =>
    new Promise((resolve) => {
      release.push(resolve);
      if (release.length === 8) for (const go of release) go();
    });
  const small = Array.from({ length: 8 }, (_, index) => ({ source: `s${index}`, text: `text ${index}` }));
  const report = await run({ documents: small, batchSize: 8 });
  assert.is(report.added, 8);
});

test('other work gets its turn while nothing but unchanged documents is read', async () => {
  const { run } = corpus();
  const many = Array.from({ length: 500 }, (_, index) => ({ source: `s${index}`, text: `text ${index}` }));
  await run({ documents: many });
  let turns = 0;
  let going = true;
  const count = () => {
    turns++;
    if (going) setImmediate(count);
  };
  setImmediate(count);
  const report = await run({ documents: many });
  going = false;
  assert.is(report.unchanged, 500);
  assert.ok(turns >= 100, `${turns} turns`);
});

test('progress counts every document once, up to the total', async ({ root }) => {
  const { run } = corpus();
  for (const name of ['a.txt', 'b.md', 'c.png']) writeFileSync(join(root, name), prose(name, 40));
  const seen: IngestProgress[] = [];
  await run({ path: root, relativeTo: root, onProgress: (progress) => seen.push(progress) });
  assert.equal(
    seen.map(({ done }) => done),
    [1, 2, 3],
  );
  assert.ok(seen.every(({ total }) => total === 3));
  assert.equal(seen.map(({ source }) => source).sort(), ['a.txt', 'b.md', 'c.png']);
  assert.ok((seen.at(-1)?.chunks ?? 0) > 0);
});

test('the duration is read from the clock given', async () => {
  const { run } = corpus();
  let now = 0;
  const clock = { mono: () => (now += 250), wall: () => 0, after: () => () => {} };
  assert.is((await run({ documents: documents('a'), clock })).durationMs, 250);
});

test('a text that the embedder fails on is left out; an embedder that only fails ends the run', async () => {
  const { run, embedder, database, manifest } = corpus();
  embedder.before = (text) => {
    if (text.startsWith('poison')) throw new EmbedError('counting', 'a worker died of this text');
  };
  const report = await run({
    documents: [...documents('a'), { source: 'p', text: 'poison' }, ...documents('b')],
  });
  assert.is(report.added, 2);
  assert.equal(
    report.skipped.map(({ source, why }) => [source, /worker died/.test(why)]),
    [['p', true]],
  );
  assert.equal(problems(database, manifest), []);
  const poison = Array.from({ length: 9 }, (_, index) => ({ source: `p${index}`, text: `poison ${index}` }));
  await rejects(run({ documents: poison }), 'ERR_LLM_CACHE_EMBED', /worker died/);
});

test('an embedder that cannot start ends the run, even for a single document', async () => {
  const { run, embedder, database } = corpus();
  embedder.warm = () => Promise.reject(new EmbedError('counting', 'no weights'));
  await rejects(run({ documents: documents('a') }), 'ERR_LLM_CACHE_EMBED', /no weights/);
  assert.is(database.count(), 0);
});

test('an embedder is not started when nothing has to be embedded', async () => {
  const { run, embedder } = corpus();
  await run({ documents: documents('a') });
  embedder.warm = () => Promise.reject(new EmbedError('counting', 'no weights'));
  assert.is((await run({ documents: documents('a') })).unchanged, 1);
});

for (const [name, options, argument] of [
  ['neither path nor documents', {}, /path, documents and input/],
  ['both path and documents', { path: '.', documents: [] }, /path, documents and input/],
  ['a batch size of zero', { documents: [], batchSize: 0 }, /batchSize/],
  ['a scope that is no digest', { documents: [], scope: 'tenant' }, /scope/],
  ['pruning without a path', { documents: [], prune: true }, /prune/],
  ['documents that cannot be iterated', { documents: 5 }, /documents/],
  ['an overlap as long as a chunk', { documents: [], chunking: { size: 10, overlap: 10 } }, /overlap/],
] as const) {
  test(`${name} is refused`, () =>
    rejects(corpus().run(options as object), 'ERR_LLM_CACHE_ARGUMENT', argument));
}

test('a missing path is refused by name', ({ root }) =>
  rejects(corpus().run({ path: join(root, 'nowhere') }), 'ERR_LLM_CACHE_INGEST', /nowhere/));

test.run();
