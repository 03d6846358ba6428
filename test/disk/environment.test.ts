// The environment: what is acknowledged is there, for every process, and every unusable directory is refused by name.
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EmbedderMismatchError } from '#dist/core/errors.js';
import { Environment, type Operation } from '#dist/disk/environment.js';
import { codeOf, openToAll, startChild, temporaryDirectory } from './support.js';

const test = suite('disk environment');
const bytes = (text: string) => new TextEncoder().encode(text);
const put = (key: string, value: string): Operation => ({
  kind: 'put',
  database: 'd',
  key: bytes(key),
  value: bytes(value),
});
const text = (buffer: Buffer | undefined) => buffer?.toString();

test('a write is visible as soon as it is awaited, and gone as soon as its removal is', async () => {
  const environment = new Environment(temporaryDirectory());
  const reader = environment.reader('d');
  for (let i = 0; i < 50; i++) {
    await environment.write([put('k', `v${i}`)]);
    assert.is(text(reader.get(bytes('k'))), `v${i}`);
  }
  await environment.write([{ kind: 'remove', database: 'd', key: bytes('k') }]);
  assert.is(reader.get(bytes('k')), undefined);
  assert.is(reader.has(bytes('k')), false);
  await environment.close();
});

test('a batch is applied whole, in order, and not at all when its condition fails', async () => {
  const environment = new Environment(temporaryDirectory());
  const reader = environment.reader('d');
  assert.is(await environment.write([put('a', '1'), put('b', '1'), put('a', '2')]), true);
  assert.is(text(reader.get(bytes('a'))), '2');
  const condition = { database: 'd', key: bytes('b') };
  assert.is(await environment.write([put('a', '3'), put('c', '3')], condition), false);
  assert.is(text(reader.get(bytes('a'))), '2');
  assert.is(reader.has(bytes('c')), false);
  const rival = [
    environment.write([put('x', 'first')]),
    environment.write([put('x', 'second')], { database: 'd', key: bytes('x') }),
  ];
  assert.equal(await Promise.all(rival), [true, false]);
  assert.is(text(reader.get(bytes('x'))), 'first');
  await environment.close();
});

test('a scan gives keys in order within its prefix, and a clear removes just those', async () => {
  const environment = new Environment(temporaryDirectory());
  const reader = environment.reader('d');
  await environment.write(['b2', 'a', 'b', 'c', 'b1', 'b\u00ff'].map((key) => put(key, key)));
  assert.equal(
    [...reader.entries(bytes('b'))].map(([key]) => key.toString()),
    ['b', 'b1', 'b2', 'b\u00ff'],
  );
  await environment.write([{ kind: 'clear', database: 'd', prefix: bytes('b') }]);
  assert.equal(
    [...reader.entries()].map(([key]) => key.toString()),
    ['a', 'c'],
  );
  assert.is(reader.count(), 2);
  await environment.write([{ kind: 'clear', database: 'd', prefix: new Uint8Array() }]);
  assert.is(reader.count(), 0);
  await environment.close();
});

test('one unusable operation fails its own batch and not its neighbours', async () => {
  const environment = new Environment(temporaryDirectory());
  const longKey: Operation = {
    kind: 'put',
    database: 'd',
    key: new Uint8Array(5000).fill(1),
    value: bytes('v'),
  };
  const results = await Promise.allSettled([
    environment.write([put('before', 'v')]),
    environment.write([put('with it', 'v'), longKey]),
    environment.write([put('after', 'v')]),
  ]);
  assert.equal(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const reader = environment.reader('d');
  assert.equal(
    ['before', 'with it', 'after'].map((key) => reader.has(bytes(key))),
    [true, false, true],
  );
  await environment.close();
});

test('files are for their owner alone', async () => {
  const directory = join(temporaryDirectory(), 'new', 'er');
  const environment = new Environment(directory);
  await environment.write([put('k', 'v')]);
  assert.is(statSync(directory).mode & 0o777, 0o700);
  for (const name of ['cache.mdb', 'cache.mdb-lock']) {
    if (existsSync(join(directory, name)))
      assert.is(statSync(join(directory, name)).mode & 0o777, 0o600, name);
  }
  await environment.close();
});

test('close may be called twice and waits for writes under way; every call after it is refused', async () => {
  const directory = temporaryDirectory();
  const environment = new Environment(directory);
  const reader = environment.reader('d');
  const writes = Array.from({ length: 300 }, (_, i) => environment.write([put(`k${i}`, 'v')]));
  const closing = environment.close();
  assert.is(environment.close(), closing);
  await Promise.all([...writes, closing]);
  for (const call of [
    () => reader.get(bytes('k1')),
    () => reader.has(bytes('k1')),
    () => [...reader.entries()],
    () => environment.reader('other'),
    () => environment.write([put('k', 'v')]),
    () => environment.bindEmbedder({ name: 'a', fingerprint: 'a' }),
  ]) {
    assert.is(await codeOf(call), 'ERR_LLM_CACHE_CLOSED');
  }
  const again = new Environment(directory);
  assert.is(again.reader('d').count(), 300);
  await again.close();
});

test('a directory is tied to its embedder, and another is refused with both names', async () => {
  const directory = temporaryDirectory();
  const environment = new Environment(directory);
  assert.is(environment.embedder(), undefined);
  await environment.bindEmbedder({ name: 'first-model', fingerprint: '1'.repeat(64) });
  await environment.bindEmbedder({ name: 'first-model', fingerprint: '1'.repeat(64) });
  const error = await environment
    .bindEmbedder({ name: 'second-model', fingerprint: '2'.repeat(64) })
    .catch((e) => e);
  assert.instance(error, EmbedderMismatchError);
  assert.is(error.code, 'ERR_LLM_CACHE_EMBEDDER_MISMATCH');
  assert.match(error.message, /first-model.*second-model/);
  await environment.close();
});

test('of several processes with different embedders that open a new directory at once, one gets it', async () => {
  for (let round = 0; round < 3; round++) {
    const directory = join(temporaryDirectory(), 'shared');
    const children = ['a', 'b', 'c'].map((name) =>
      startChild('disk/fixtures/actions.mjs', ['bind', directory, name]),
    );
    for (const child of children) assert.is(await child.line(), 'ready', child.stderr());
    for (const child of children) child.send('go');
    const said = (await Promise.all(children.map((child) => child.line()))) as string[];
    assert.is(said.filter((line) => line.startsWith('bound')).length, 1, said.join(' | '));
    assert.is(
      said.filter((line) => line.startsWith('ERR_LLM_CACHE_EMBEDDER_MISMATCH')).length,
      2,
      said.join(' | '),
    );
    for (const child of children) assert.is(await child.ended, 0);
  }
});

test('four processes write 200 records each into one directory that they create at once: all are there', async () => {
  const directory = join(temporaryDirectory(), 'deep', 'shared');
  const names = ['a', 'b', 'c', 'd'];
  const children = names.map((name) =>
    startChild('disk/fixtures/actions.mjs', ['write', directory, name, '200']),
  );
  for (const child of children) {
    assert.is(await child.line(), 'done', child.stderr());
    assert.is(await child.ended, 0);
  }
  const environment = new Environment(directory);
  const reader = environment.reader('d');
  assert.is(reader.count(), 800);
  for (const name of names)
    for (let i = 0; i < 200; i++) assert.is(text(reader.get(bytes(`${name}-${i}`))), `value ${name} ${i}`);
  await environment.close();
});

test('another process sees a write as soon as it is acknowledged', async () => {
  const directory = temporaryDirectory();
  const environment = new Environment(directory);
  const reader = startChild('disk/fixtures/actions.mjs', ['read', directory]);
  assert.is(await reader.line(), 'ready', reader.stderr());
  for (let i = 0; i < 30; i++) {
    await environment.write([put('k', `v${i}`)]);
    reader.send('k');
    assert.is(await reader.line(), `v${i}`);
  }
  reader.process.stdin?.end();
  assert.is(await reader.ended, 0);
  await environment.close();
});

test('an environment that does nothing does not keep the process alive', async () => {
  const child = startChild('disk/fixtures/actions.mjs', ['idle', temporaryDirectory()]);
  assert.is(await child.line(), 'idle', child.stderr());
  assert.is(await child.ended, 0);
});

const refused = async (directory: string, pattern = /./) => {
  const child = startChild('disk/fixtures/actions.mjs', ['open', directory]);
  const line = (await child.line()) ?? '';
  assert.is(await child.ended, 0, `the process lives on: ${child.stderr()}`);
  assert.match(line, /^ERR_LLM_CACHE_DIRECTORY /);
  assert.ok(line.includes(directory), line);
  assert.match(line, pattern);
};

test('a file where the directory should be, and one below a file, are refused', async () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, 'I am a file');
  await refused(file);
  await refused(join(file, 'below'));
  await refused('/proc/nowhere/cache');
});

test('a directory, foreign text or noise in place of the file is refused', async () => {
  const asDirectory = temporaryDirectory();
  mkdirSync(join(asDirectory, 'cache.mdb'));
  await refused(asDirectory, /not a file/);
  for (const content of [
    'SQLite format 3\0'.padEnd(20_000, 'x'),
    'short',
    Buffer.alloc(8192),
    Buffer.alloc(8192, 0xff),
  ]) {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'cache.mdb'), content);
    await refused(directory, /not a cache file/);
    assert.equal(readFileSync(join(directory, 'cache.mdb')), Buffer.from(content), 'it is left as it was');
  }
});

test('a truncated file is refused at every length, or is still whole', async () => {
  const directory = temporaryDirectory();
  const environment = new Environment(directory);
  for (let i = 0; i < 20; i++) await environment.write([put(`k${i}`, 'x'.repeat(5000))]);
  await environment.close();
  const path = join(directory, 'cache.mdb');
  const whole = readFileSync(path);
  for (const length of [1, 100, 4096, 8191, 8192, 20_000, whole.length >> 1]) {
    writeFileSync(path, whole);
    truncateSync(path, length);
    await refused(directory);
  }
});

test('a directory that may not be written is refused', async () => {
  const asRoot = process.getuid?.() === 0;
  const directory = temporaryDirectory();
  const environment = new Environment(directory);
  await environment.write([put('k', 'v')]);
  await environment.close();
  openToAll(directory);
  if (!asRoot) return console.log('skipped: needs root to run a process as another user');
  const child = startChild('disk/fixtures/actions.mjs', ['open', directory], { uid: 65534 });
  const line = (await child.line()) ?? '';
  assert.match(line, /^ERR_LLM_CACHE_DIRECTORY /, child.stderr());
  assert.is(await child.ended, 0);
});

test.run();
