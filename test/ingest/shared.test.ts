// Sources of equal content share their chunks: none may take them from another.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { corpus, problems, prose } from './support.ts';

interface Context {
  root: string;
}

const test = suite<Context>('ingest, equal documents');

test.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'ingest-shared-'));
});
test.after.each((context) => {
  rmSync(context.root, { recursive: true, force: true });
});

test('two sources of equal content share chunks; removing one keeps the other', async ({ root }) => {
  const { run, database, manifest } = corpus();
  const text = prose('shared', 300);
  for (const name of ['a.txt', 'b.txt']) writeFileSync(join(root, name), text);
  const options = { path: root, relativeTo: root, prune: true };
  await run(options);
  const size = database.count();
  assert.is(database.texts('b.txt').length, size);
  rmSync(join(root, 'b.txt'));
  const report = await run(options);
  assert.equal(report.removed, ['b.txt']);
  assert.is(database.texts('a.txt').length, size);
  assert.equal(problems(database, manifest), []);
  rmSync(join(root, 'a.txt'));
  await run(options);
  assert.is(database.count(), 0);
});

test('when one of two equal documents changes, the other keeps its chunks under its own name', async () => {
  const { run, database, manifest } = corpus();
  const text = prose('shared', 300);
  const [a, b] = ['a', 'b'].map((source) => ({ source, text, title: source.toUpperCase() }));
  await run({ documents: [a, b] as never });
  const changed = { source: 'b', text: prose('b', 100) };
  await run({ documents: [changed] });
  assert.ok(database.texts('a').length > 2);
  assert.ok(database.texts('b').every((chunk) => changed.text.includes(chunk)));
  await run({ documents: [a as never, changed] });
  const titles = [...database.documents.values()].filter(({ metadata }) => metadata.source === 'a');
  assert.ok(titles.every(({ metadata }) => metadata.title === 'A'));
  assert.equal(problems(database, manifest), []);
  assert.is((await run({ documents: [a as never, changed] })).unchanged, 2);
});

test('equal documents cut in different ways lose no text when one goes', async ({ root }) => {
  const { run, database, manifest } = corpus();
  const text = prose('shared', 400);
  await run({ documents: [{ source: 'a', text }] });
  writeFileSync(join(root, 'b.txt'), text);
  await run({ path: root, relativeTo: root, chunking: { size: 256 } });
  await run({ documents: [{ source: 'b.txt', text: prose('else', 100) }], chunking: { size: 256 } });
  const covered = database.texts('a');
  for (const word of text.split(' '))
    assert.ok(
      covered.some((chunk) => chunk.includes(word)),
      word,
    );
  await run({ documents: [{ source: 'a', text }] });
  assert.equal(problems(database, manifest), []);
});

test('cutting one of two equal documents anew takes no chunk from the other', async () => {
  const { run, database, manifest } = corpus();
  const text = prose('shared', 400);
  for (const source of ['a', 'b']) await run({ documents: [{ source, text }], chunking: { size: 256 } });
  const size = database.count();
  await run({ documents: [{ source: 'a', text }], chunking: { size: 1024 } });
  assert.is(database.count(), size);
  assert.equal(problems(database, manifest), []);
  await run({ documents: ['a', 'b'].map((source) => ({ source, text })), chunking: { size: 1024 } });
  assert.ok(database.count() < size);
  assert.equal(problems(database, manifest), []);
});

test('a document that goes leaves an equal one alone whose name the chunks bear', async () => {
  const { run, embedder } = corpus();
  const text = prose('shared', 100);
  await run({ documents: ['a', 'b'].map((source) => ({ source, text })) });
  await run({ documents: [{ source: 'a', text: prose('a', 100) }] });
  embedder.texts = [];
  assert.is((await run({ documents: [{ source: 'b', text }] })).unchanged, 1);
  assert.is(embedder.texts.length, 0);
});

test.run();
