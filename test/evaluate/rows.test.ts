// Files of labelled rows: what is read, and that a bad line is told by its number.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { maxLineLength, readPairRows, readStreamRows } from '#dist/evaluate/rows.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('evaluate: rows');
const directory = temporaryDirectory();

function file(text: string): string {
  const path = join(directory, 'rows.jsonl');
  writeFileSync(path, text);
  return path;
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const row of rows) read.push(row);
  return read;
}

const fails = async (rows: AsyncIterable<unknown>, message: RegExp) => {
  try {
    await all(rows);
  } catch (error) {
    assert.is((error as { code: string }).code, 'ERR_LLM_CACHE_ARGUMENT');
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable('no error');
};

test('pairs, whatever the line ends, the mark at the beginning and what else a row holds', async () => {
  const rows = await all(
    readPairRows(
      file(
        '\uFEFF{"a":"x","b":"y","same":true,"class":"number"}\r\n\n{"a":"ä","b":"z","same":false,"more":1}',
      ),
    ),
  );
  assert.equal(rows, [
    { a: 'x', b: 'y', same: true, class: 'number' },
    { a: 'ä', b: 'z', same: false, class: undefined },
  ]);
});

test('more than fits into one read', async () => {
  const text = Array.from({ length: 5_000 }, (_, i) =>
    JSON.stringify({ a: `é ${i}`, b: 'b'.repeat(50), same: i % 2 === 0 }),
  );
  const rows = await all(readPairRows(file(text.join('\n'))));
  assert.is(rows.length, 5_000);
  assert.is(rows[4_321]?.a, 'é 4321');
});

test('streams, and sentences that are stored beforehand', async () => {
  const rows = await all(readStreamRows(file('{"query":"q","class":"c"}\n{"cached":"one","asked":"two"}\n')));
  assert.equal(rows, [
    { query: 'q', class: 'c', isStored: false },
    { query: 'one', class: 'one', isStored: true },
    { query: 'two', class: 'one', isStored: false },
  ]);
});

test('a bad line is named', async () => {
  const good = '{"a":"x","b":"y","same":true}\n';
  await fails(readPairRows(file(`${good}\n{"a":"x"`)), /^line 3 of .*must be JSON/);
  await fails(
    readPairRows(file(`${good}{"a":"x","b":"y","same":"yes"}`)),
    /^line 2 of .*"same": true or false/,
  );
  await fails(readPairRows(file(`${good}[1]`)), /^line 2 of .*an object/);
  await fails(readPairRows(file(`${good}{"a":"","b":"y","same":true}`)), /^line 2/);
  await fails(readStreamRows(file('{"query":"q"}')), /^line 1 of .*"class": text/);
  await fails(readPairRows(file(`${good}${'x'.repeat(2 * maxLineLength)}`)), /^line 2 of .*characters long/);
  await fails(readPairRows(join(directory, 'none.jsonl')), /a file that can be read/);
});

test.run();
