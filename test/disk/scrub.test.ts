// Scrubbing: nothing that was deleted is left in any file of the directory, and nothing that was not is touched.
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DirectoryError } from '#dist/core/errors.js';
import { Environment, type Operation } from '#dist/disk/environment.js';
import { startChild, temporaryDirectory } from './support.js';

const test = suite('scrub');
const runs = Number(process.env.LLM_CACHE_RUNS ?? 12);
const bytes = (text: string) => new TextEncoder().encode(text);

function put(key: string, value: string, database = 'd'): Operation {
  return { kind: 'put', database, key: bytes(key), value: bytes(value) };
}

function remove(key: string, database = 'd'): Operation {
  return { kind: 'remove', database, key: bytes(key) };
}

/** True when a file of the directory holds the text. */
function holds(directory: string, text: string): boolean {
  return readdirSync(directory).some((name) => readFileSync(join(directory, name)).includes(text));
}

/** A text of a length that names its key throughout, so that any piece of some 20 bytes of it tells whose it is. */
const textOf = (key: string, length: number) => `<${key}>`.padEnd(14, '.').repeat(Math.ceil(length / 14));

test('what was deleted is found in the file before a scrub and not after, whatever its size', async () => {
  const directory = temporaryDirectory();
  const environment = new Environment(directory);
  const lengths = [20, 700, 1900, 3000, 4090, 9000, 70_000];
  for (const length of lengths)
    await environment.write([put(`kept ${length}`, textOf(`keep${length}`, length))]);
  for (const length of lengths)
    await environment.write([put(`gone ${length}`, textOf(`gone${length}`, length))]);
  for (const length of lengths) await environment.write([remove(`gone ${length}`)]);
  const found = () => lengths.filter((length) => holds(directory, `<gone${length}>`));
  assert.ok(found().length > 0, 'LMDB leaves deleted bytes where they are');
  await environment.scrub();
  assert.equal(found(), []);
  const reader = environment.reader('d');
  for (const length of lengths) {
    assert.is(reader.get(bytes(`kept ${length}`))?.toString(), textOf(`keep${length}`, length));
  }
  await environment.close();
  assert.equal(found(), []);
});

test('a random history of writes and removals, over several databases, is kept exactly', async () => {
  const step = fc.record({
    database: fc.constantFrom('d', 'e', 'f'),
    key: fc.integer({ min: 0, max: 60 }),
    length: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1500, max: 12_000 })),
    removes: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 25 }),
      async (batches) => {
        const directory = temporaryDirectory();
        const environment = new Environment(directory);
        const model = new Map<string, string>();
        const ever = new Set<string>();
        let version = 0;
        for (const [index, batch] of batches.entries()) {
          const operations = batch.map(({ database, key, length, removes }) => {
            const name = `${database}/${key}`;
            if (removes) {
              model.delete(name);
              return remove(String(key), database);
            }
            const label = `${name}v${version++}`;
            ever.add(label);
            model.set(name, textOf(label, length));
            return put(String(key), textOf(label, length), database);
          });
          await environment.write(operations);
          if (index % 7 === 6) await environment.scrub();
        }
        await environment.scrub();
        const live = new Set([...model.values()].map((value) => /<(.*?)>/.exec(value)?.[1]));
        const file = readFileSync(join(directory, 'cache.mdb'));
        for (const label of ever) assert.is(file.includes(`<${label}>`), live.has(label), label);
        for (const database of ['d', 'e', 'f']) {
          const stored = [...environment.reader(database).entries()].map(([key, value]) => [
            `${database}/${key}`,
            String(value),
          ]);
          const expected = [...model].filter(([name]) => name.startsWith(database));
          assert.equal(stored.sort(), expected.sort());
        }
        await environment.write([put('after', 'the end')]);
        await environment.close();
        const again = new Environment(directory);
        assert.is(again.reader('d').get(bytes('after'))?.toString(), 'the end');
        await again.close();
      },
    ),
    { numRuns: runs },
  );
});

test('another process goes on writing while this one scrubs, and neither loses anything', async () => {
  const directory = temporaryDirectory();
  const child = startChild('disk/fixtures/actions.mjs', ['write', directory, 'other', '300']);
  const environment = new Environment(directory);
  for (let i = 0; i < 40; i++) {
    await environment.write([put(`own ${i}`, textOf(`own${i}`, 100 * i))]);
    if (i % 2 === 1) await environment.write([remove(`own ${i}`)]);
    if (i % 4 === 3) await environment.scrub();
  }
  assert.is(await child.line(), 'done');
  assert.is(await child.ended, 0);
  await environment.scrub();
  const reader = environment.reader('d');
  for (let i = 0; i < 300; i++) assert.is(reader.get(bytes(`other-${i}`))?.toString(), `value other ${i}`);
  for (let i = 0; i < 40; i++) {
    assert.is(reader.has(bytes(`own ${i}`)), i % 2 === 0);
    if (i % 2 === 1) assert.not.ok(holds(directory, `<own${i}>`));
  }
  await environment.close();
});

test('a file that is not as LMDB writes it is left as it is', async () => {
  const directory = temporaryDirectory();
  const environment = new Environment(directory);
  for (let i = 0; i < 400; i++) await environment.write([put(`k${i}`, textOf(`k${i}`, 600))]);
  const path = join(directory, 'cache.mdb');
  const whole = readFileSync(path);
  // A flipped bit in the flags of every data page.
  const broken = Buffer.from(whole);
  for (let at = 4096 * 2; at < broken.length; at += 4096)
    broken[at + 18] = (broken[at + 18] as number) ^ 0x40;
  await environment.close();
  writeFileSync(path, broken);
  assert.is(statSync(path).size, whole.length);
  const { scrub } = await import('#dist/disk/scrub.js');
  assert.throws(
    () => scrub(directory, '(no active readers)\n'),
    (error: Error) => error instanceof DirectoryError,
  );
  assert.ok(readFileSync(path).equals(broken));
  truncateSync(path, 4096 * 3);
  assert.throws(
    () => scrub(directory, '(no active readers)\n'),
    (error: Error) => error instanceof DirectoryError,
  );
});

test('while a reader sees an older snapshot, nothing is done', async () => {
  const directory = temporaryDirectory();
  const environment = new Environment(directory);
  for (let i = 0; i < 5; i++) await environment.write([put('k', `value ${i}`)]);
  await environment.close();
  const path = join(directory, 'cache.mdb');
  const before = readFileSync(path);
  const { scrub } = await import('#dist/disk/scrub.js');
  assert.is(scrub(directory, '  pid   thread   txnid\n  4711 7f00dead 1\n  4712 7f00beef -\n'), false);
  assert.ok(readFileSync(path).equals(before));
  assert.is(
    scrub(directory, '  pid   thread   txnid\n  4712 7f00beef -\n  4712 7f00beef 4000000000\n'),
    true,
  );
});

test('backwards gives keys in the reverse order within the prefix', async () => {
  const environment = new Environment(temporaryDirectory());
  const reader = environment.reader('d');
  await environment.write(['a', 'b', 'b1', 'b2', 'b3', 'c'].map((key) => put(key, key)));
  const names = (before?: string) =>
    [...reader.backwards(bytes('b'), before === undefined ? undefined : bytes(before))].map(([key]) =>
      key.toString(),
    );
  assert.equal(names(), ['b3', 'b2', 'b1', 'b']);
  assert.equal(names('b2'), ['b1', 'b']);
  assert.equal(names('b25'), ['b2', 'b1', 'b']);
  assert.equal(names('b'), []);
  await environment.close();
});

test.run();
