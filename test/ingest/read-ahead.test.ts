// Folders of many files, which are read ahead in a thread: the same documents and reasons as one by one, in the same order.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { find } from '#dist/ingest/readers.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('reading ahead');

/** More files than the thread is worth its start for, and among them all that can go wrong. */
function folder(): string {
  const directory = temporaryDirectory();
  const docs = join(directory, 'docs');
  mkdirSync(docs);
  const at = (name: string) => join(docs, name);
  for (let i = 10; i < 90; i++) writeFileSync(at(`${i}.md`), `# Title ${i}\n\ntext ${i}`);
  writeFileSync(at('20.md'), 'x'.repeat(70_000));
  writeFileSync(at('30.md'), Buffer.from([0xff, 0xfe, 0x61, 0x00]));
  writeFileSync(at('31.md'), Buffer.from([1, 0, 2]));
  writeFileSync(at('32.md'), '');
  writeFileSync(at('33.jsonl'), '{"id":"a","text":"one"}\n{"id":"b","text":"two"}\n');
  writeFileSync(join(directory, 'outside.md'), 'secret');
  symlinkSync(join(directory, 'outside.md'), at('34.link.md'));
  symlinkSync(at('35.md'), at('36.link.md'));
  execFileSync('mkfifo', [at('37.fifo.md')]);
  chmodSync(at('38.md'), 0o000);
  return docs;
}

async function itemsOf(path: string, options: Parameters<typeof find>[1] = {}) {
  const items = [];
  for await (const item of (await find(path, { relativeTo: path, ...options })).read()) {
    items.push(
      item.kind === 'document'
        ? [item.document.source, item.document.text, item.bytes]
        : item.kind === 'skipped'
          ? [item.skipped.source, item.skipped.why]
          : [item.kind],
    );
  }
  return items;
}

test('many at once are read as each is alone', async () => {
  const docs = folder();
  const together = await itemsOf(docs);
  const names = [...new Set(together.map(([name]) => String(name).replace(/#.*/, '')))];
  assert.ok(names.length > 80, `${names.length}`);
  const alone = [];
  // Ten at most: no thread is started for so few.
  for (let tens = 1; tens < 9; tens++)
    alone.push(...(await itemsOf(docs, { include: [`${tens}*`] })).filter(([kind]) => kind !== 'ignored'));
  const documents = (items: readonly (readonly unknown[])[]) => items.filter(({ length }) => length === 3);
  assert.equal(documents(together), documents(alone), 'in their order');
  const byName = (items: readonly unknown[]) => items.map((item) => JSON.stringify(item)).sort();
  assert.equal(byName(together), byName(alone));
  assert.not.ok(JSON.stringify(together).includes('secret'));
});

test('whoever leaves early ends the thread', async () => {
  const docs = folder();
  for await (const item of (await find(docs)).read()) {
    assert.ok(item.kind);
    break;
  }
});

test.run();
