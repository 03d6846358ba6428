// Patterns and pruning together, what the report counts, who is told of changes, and documents committed together.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { IngestOptions } from '#dist/ingest/pipeline.js';
import { corpus, problems } from './support.ts';

const test = suite<{ root: string }>('ingest, selection');

test.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'ingest-selection-'));
  mkdirSync(join(context.root, 'sub'));
  for (const name of ['a.md', 'b.txt', 'sub/c.md', 'sub/d.txt']) write(context.root, name, `text of ${name}`);
});
test.after.each(({ root }) => rmSync(root, { recursive: true, force: true }));

const write = (root: string, name: string, text: string) => writeFileSync(join(root, name), text);

function runner(root: string) {
  const { run, database, manifest } = corpus();
  const sources = () =>
    [...database.documents.values()].map(({ metadata }) => String(metadata.source)).sort();
  const ingest = (options: Partial<IngestOptions> = {}) =>
    run({ path: root, relativeTo: root, prune: true, ...options });
  return { ingest, sources, database, manifest };
}

test('what include does not ask for stays, what an ignore pattern names goes, and so does what is gone', async ({
  root,
}) => {
  const { ingest, sources, database, manifest } = runner(root);
  const first = await ingest();
  assert.equal([first.files, first.ignored, first.added], [4, 0, 4]);
  rmSync(join(root, 'sub/c.md'));
  const some = await ingest({ include: ['*.md'] });
  assert.equal(some.removed, ['sub/c.md']);
  assert.equal([some.files, some.ignored, some.unchanged], [1, 2, 1]);
  assert.equal(sources(), ['a.md', 'b.txt', 'sub/d.txt']);
  write(root, 'sub/.llmcacheignore', 'd.*\n');
  assert.equal((await ingest()).removed, ['sub/d.txt']);
  assert.equal((await ingest({ ignore: ['/b.txt'] })).removed, ['b.txt']);
  assert.equal(sources(), ['a.md']);
  assert.equal(problems(database, manifest), []);
});

test('a broken file is not gone, and a table that cannot be read to its end loses no row', async ({
  root,
}) => {
  const { ingest, sources } = runner(root);
  write(root, 't.csv', 'id,text\n1,one\n2,two\n');
  await ingest();
  write(root, 't.csv', 'id,text\n1,one\n"2,two\n');
  write(root, 'a.md', 'bad \0 bytes');
  const { removed, skipped } = await ingest();
  assert.equal(removed, []);
  assert.equal(
    skipped.map(({ source }) => source),
    ['a.md', 't.csv'],
  );
  assert.equal(sources(), ['a.md', 'b.txt', 'sub/c.md', 'sub/d.txt', 't.csv#1', 't.csv#2']);
});

test('a stream replaces and prunes what came under its name', async ({ root }) => {
  const { ingest, sources } = runner(root);
  const lines = (...texts: string[]): Partial<IngestOptions> => ({
    path: undefined,
    input: {
      type: 'jsonl',
      source: 'feed',
      bytes: (async function* () {
        for (const text of texts) yield Buffer.from(`${JSON.stringify({ id: text, text })}\n`);
      })(),
    },
  });
  await ingest();
  assert.is((await ingest(lines('x', 'y'))).added, 2);
  assert.equal((await ingest(lines('y', 'z'))).removed, ['feed#x']);
  assert.equal(sources().length, 6);
});

test('who wants to know is told of changed and removed sources before and after, and of no other', async ({
  root,
}) => {
  const { ingest, database } = runner(root);
  const told: string[] = [];
  const onChange = async (sources: readonly string[]) => {
    for (const source of sources) {
      const texts = database.texts(source);
      told.push(`${source}: ${texts.includes(`text of ${source}`) ? 'old' : 'not old'}`);
    }
  };
  await ingest({ onChange });
  assert.equal(told, []);
  write(root, 'a.md', 'another text');
  write(root, 'e.md', 'a new one');
  rmSync(join(root, 'b.txt'));
  await ingest({ onChange });
  assert.equal(told.splice(0), ['a.md: old', 'a.md: not old', 'b.txt: old', 'b.txt: not old']);
  const refuses = async () => {
    throw new Error('cannot be told');
  };
  write(root, 'a.md', 'a third text');
  assert.is(await ingest({ onChange: refuses }).catch(({ message }) => message), 'cannot be told');
  assert.equal((await ingest({ onChange })).replaced, 1);
});

test('new documents that are ready are written together, with few writes', async () => {
  const { run, database, manifest } = corpus();
  let writes = 0;
  const set = manifest.set.bind(manifest);
  manifest.set = (records) => {
    writes++;
    return set(records);
  };
  const documents = Array.from({ length: 200 }, (_, index) => ({
    source: `s${index}`,
    text: `text ${index % 190}`,
  }));
  const report = await run({ documents });
  assert.equal([report.added, report.chunks, database.count()], [200, 200, 190]);
  assert.ok(writes <= 100, `${writes} writes of the manifest`);
  assert.equal(problems(database, manifest), []);
});

test.run();
