// The index file of an embedded database: what is found through it is what is found without it, whatever happens to it. SEED as elsewhere.
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '#dist/core/clock.js';
import { Environment } from '#dist/disk/environment.js';
import { mockEmbedder } from '#dist/embed/mock.js';
import { configOf } from '#dist/open.js';
import { openDatabase } from '#dist/stores.js';
import { randomUnitVector, seededRandom } from '#dist/testing/index.js';
import type { StoredDocument, VectorDatabase } from '#dist/vectordb/database.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { startChild, temporaryDirectory } from '../disk/support.js';

const test = suite('index file');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);
const random = seededRandom(seed);
const dimension = 24;
const scopes = ['a', 'b', 'c'].map((digit) => digit.repeat(64));
const below = (limit: number) => Math.floor(random() * limit);
const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

function document(number: number, size = dimension, scope = scopes[number % 3] as string): StoredDocument {
  const id = `document ${number}`;
  return { id, scope, text: id, vector: randomUnitVector(size, random), metadata: {} };
}

const files = (directory: string) => readdirSync(directory).filter((name) => name.endsWith('.index'));

async function withDatabase<R>(
  directory: string,
  keepIndexFrom: number | undefined,
  use: (database: VectorDatabase) => Promise<R>,
): Promise<R> {
  const environment = new Environment(directory);
  const database = await openEmbeddedDatabase(environment, { name: 'mapped', dimension, keepIndexFrom });
  try {
    return await use(database);
  } finally {
    await database.close();
    await environment.close();
  }
}

const queries = Array.from({ length: 12 }, () => randomUnitVector(dimension, random));

async function answers(database: VectorDatabase): Promise<unknown> {
  const all: unknown[] = [];
  for (const vector of queries) {
    for (const scope of scopes) {
      const found = await database.search(vector, { scope, topK: 7 });
      all.push(found.map(({ document, similarity }) => [document.id, similarity]));
    }
  }
  return all;
}

async function filled(rows: number): Promise<string> {
  const directory = temporaryDirectory();
  await withDatabase(directory, 100, (database) =>
    database.upsert(Array.from({ length: rows }, (_, number) => document(number))),
  );
  return directory;
}

const bothWays = async (directory: string) => [
  await withDatabase(directory, 100, answers),
  await withDatabase(directory, undefined, answers),
];

test('a start from the file finds what a start from the documents finds, after any changes', async () => {
  const directory = await filled(400);
  assert.is(files(directory).length, 1);
  for (let round = 0; round < 12; round++) {
    await withDatabase(directory, 100, async (database) => {
      for (let step = 0; step < 6; step++) {
        const scope = scopes[below(3)] as string;
        const kind = below(12);
        if (kind < 6) await database.upsert([document(below(600)), document(below(600))]);
        else if (kind < 11)
          await database.delete(scope, [`document ${below(600)}`, `document ${below(400)}`]);
        else if (round === 6) await database.clear(scope);
      }
      assert.equal(await answers(database), await withDatabase(directory, undefined, answers));
    });
    const [mapped, built] = await bothWays(directory);
    assert.equal(mapped, built);
    assert.is(files(directory).length, 1, 'files that were replaced are removed');
  }
  assert.equal(warnings, []);
});

test('a file that is damaged, cut, of nothing or gone is not used', async () => {
  const directory = await filled(300);
  const wanted = await withDatabase(directory, undefined, answers);
  const path = () => join(directory, files(directory)[0] as string);
  const damages: (() => void)[] = [
    () => {
      const bytes = readFileSync(path());
      bytes[below(bytes.length)] = ((bytes[below(bytes.length)] as number) ^ 0x55) & 0xff;
      bytes[5000] = (bytes[5000] as number) ^ 1;
      writeFileSync(path(), bytes);
    },
    () => truncateSync(path(), below(readFileSync(path()).length)),
    () => truncateSync(path(), 0),
    () => writeFileSync(path(), 'not at all'),
  ];
  for (const damage of damages) {
    warnings.length = 0;
    damage();
    assert.equal(await withDatabase(directory, 100, answers), wanted);
    await new Promise(setImmediate);
    assert.is(warnings.length, 1, 'one warning');
    assert.match(warnings[0] as string, /index file of mapped could not be read/);
    // The next start finds a new one.
    assert.equal(await withDatabase(directory, 100, answers), wanted);
    assert.is(warnings.length, 1);
  }
  warnings.length = 0;
});

test('small databases have no file, nor have those that do not ask', async () => {
  const directory = await filled(60);
  assert.equal(files(directory), []);
  const other = temporaryDirectory();
  await withDatabase(other, undefined, (database) =>
    database.upsert(Array.from({ length: 300 }, (_, number) => document(number))),
  );
  assert.equal(files(other), []);
});

test('databases of chat memories have no file: what was forgotten must not lie in one', async () => {
  const rows = Array.from({ length: 21_000 }, (_, number) => document(number, 16));
  const config = configOf({ vectorDb: { engine: 'flat' } });
  const kept = async (name: 'answers' | 'memory') => {
    const directory = temporaryDirectory();
    const environment = new Environment(directory);
    const embedder = mockEmbedder({ dimension: 16 });
    const database = await openDatabase(name, config, environment, embedder, systemClock);
    await database.upsert(rows);
    await database.close();
    await environment.close();
    return files(directory).length;
  };
  assert.is(await kept('answers'), 1);
  assert.is(await kept('memory'), 0);
});

test('four processes share the memory of one index', async () => {
  if (!existsSync('/proc/self/smaps_rollup')) {
    console.log('skipped: /proc/self/smaps_rollup is not there');
    return;
  }
  const directory = temporaryDirectory();
  const [rows, size, workers] = [8000, 512, 4];
  const environment = new Environment(directory);
  const options = { name: 'mapped', dimension: size, keepIndexFrom: 100 };
  const database = await openEmbeddedDatabase(environment, options);
  const scope = scopes[0] as string;
  // At once, so that the file holds all of them and no process has any of its own.
  await database.upsert(Array.from({ length: rows }, (_, number) => document(number, size, scope)));
  await database.close();
  await environment.close();
  const measure = async (count: number): Promise<number> => {
    const arguments_ = [directory, String(rows), String(size)];
    const children = Array.from({ length: count }, () =>
      startChild('vectordb/fixtures/mapped.mjs', arguments_),
    );
    for (const child of children) {
      assert.equal(JSON.parse((await child.line()) ?? child.stderr()), ['ready', 5, true]);
    }
    for (const child of children) child.send('now');
    let sum = 0;
    for (const child of children) sum += Number(await child.line());
    for (const child of children) {
      child.process.stdin?.end();
      assert.is(await child.ended, 0, child.stderr());
    }
    return sum;
  };
  const one = await measure(1);
  const four = await measure(workers);
  const bytes = rows * size * 4;
  console.log(`share of the file's pages, MB: one process ${one >> 20}, four together ${four >> 20}`);
  assert.ok(one > bytes, `one process holds ${one} of ${bytes}`);
  assert.ok(four < one * 1.1, `four processes hold ${four}, one ${one}`);
});

test.run();
