// Forgetting: neither words nor vector of what was forgotten are in any file of the directory, whoever asks and whenever the process dies.
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Environment } from '#dist/disk/environment.js';
import type { ChatMemory, GraphIndex } from '#dist/index.js';
import { mockEmbedder, seededRandom } from '#dist/testing/index.js';
import { codeOf, startChild, temporaryDirectory } from '../disk/support.js';
import { bytesOf, filesWith, openMemory, seed } from './support.ts';

const test = suite('forgetting');
console.log(`seed ${seed}`);
const random = seededRandom(seed);

/** Words that stand nowhere else, short or some kilobytes long. */
const secret = (name: string, length = 0) =>
  `secret-${name}-${Math.floor(random() * 1e9)} ${'and more of it '.repeat(length)}`.trim();

/** Where the words, their beginning, or the vector of a text still lie. */
async function traces(directory: string, text: string): Promise<string[]> {
  const embedder = mockEmbedder();
  const { vector } = await embedder.embed(text.slice(0, 900));
  const whole = await embedder.embed(text);
  return [text.slice(0, 30), bytesOf(vector), bytesOf(whole.vector)].flatMap((bytes) =>
    filesWith(directory, bytes),
  );
}

/** The stored vectors of messages, all pieces. */
async function vectorsOf(directory: string, ids: readonly string[]): Promise<Buffer[]> {
  const environment = new Environment(join(directory, 'memory'));
  const stored = [...environment.reader('memory-vectors').entries()];
  const vectors = stored
    .filter(([key]) => ids.some((id) => key.includes(id)))
    .map(([, vector]) => Buffer.from(vector));
  await environment.close();
  return vectors;
}

async function fill(memory: ChatMemory, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await memory.addMessage('user', `ordinary message ${i} ${'x y z '.repeat(Math.floor(random() * 400))}`, {
      user: 'bob',
    });
  }
}

test('a forgetting that could not be ended fails, and is ended by asking again', async () => {
  const directory = temporaryDirectory();
  const text = secret('twice');
  let fails = true;
  const graph: GraphIndex = {
    async add() {},
    expand: async () => [],
    async forget() {
      if (fails) throw new Error('not now');
    },
    async clear() {},
    async close() {},
  };
  await using memory = await openMemory({ graph: async () => graph }, directory);
  const { id } = await memory.addMessage('user', text);
  const error = await memory.forget(id).catch((caught) => caught);
  assert.is(error.message, 'not now');
  assert.ok((await traces(directory, text)).length > 0);
  fails = false;
  await memory.forget(id);
  assert.equal(await traces(directory, text), []);
});

test('a forgotten message is in the files before and in none after, and nothing else is harmed', async () => {
  const directory = temporaryDirectory();
  const memory = await openMemory({}, directory);
  const texts = [secret('short'), secret('long', 60), secret('huge', 4000)];
  const added = [];
  for (const text of texts) {
    await fill(memory, 12);
    added.push(await memory.addMessage('user', text, { note: text.slice(0, 30), user: 'ada' }));
  }
  await fill(memory, 12);
  const before = await memory.history({ limit: 1000 });
  for (const text of texts) assert.ok((await traces(directory, text)).length > 0, 'the search can find it');
  const vectors = await vectorsOf(
    directory,
    added.map(({ id }) => id),
  );
  assert.ok(vectors.length > 60);
  for (const vector of vectors) assert.is.not(filesWith(directory, vector).length, 0);
  for (const [index, { id }] of added.entries()) {
    assert.is(await memory.forget(id), 1);
    assert.equal(await traces(directory, texts[index] as string), []);
    assert.is(await memory.forget(id), 0);
  }
  for (const vector of vectors) assert.equal(filesWith(directory, vector), []);
  const gone = new Set(added.map(({ id }) => id));
  assert.equal(
    await memory.history({ limit: 1000 }),
    before.filter(({ id }) => !gone.has(id)),
  );
  for (const text of texts) {
    const found = await memory.search(text.slice(0, 900), { topK: 100 });
    assert.ok(
      found.length > 0 && found.every(({ message, similarity }) => !gone.has(message.id) && similarity < 0.9),
    );
  }
  await fill(memory, 30);
  await memory.close();
  for (const text of texts)
    assert.equal(await traces(directory, text), [], 'nor once other messages took its place');
  await using again = await openMemory({}, directory);
  assert.is((await again.history({ limit: 1000 })).length, before.length - 3 + 30);
});

test('all messages of a user go, and those of others stay', async () => {
  const directory = temporaryDirectory();
  await using memory = await openMemory({}, directory);
  const texts = Array.from({ length: 15 }, (_, index) => secret(`of ada ${index}`, index * 20));
  for (const text of texts) {
    await memory.addMessage('user', text, { user: 'ada' });
    await memory.addMessage('assistant', `an answer to number ${texts.indexOf(text)}`, { user: 'bob' });
  }
  assert.is(await memory.forget({ user: 'nobody' }), 0);
  assert.is(await memory.forget({ user: 'ada' }), 15);
  for (const text of texts) assert.equal(await traces(directory, text), []);
  const left = await memory.history();
  assert.is(left.length, 15);
  assert.ok(left.every(({ metadata }) => metadata.user === 'bob'));
});

test('a cleared session leaves nothing, and its neighbour everything', async () => {
  const directory = temporaryDirectory();
  await using memory = await openMemory({}, directory);
  const other = await memory.session({ session: 's', tenant: 'other' });
  const texts = Array.from({ length: 10 }, (_, index) => secret(`cleared ${index}`, index * 10));
  for (const text of texts) await memory.addMessage('user', text);
  await fill(other, 20);
  const before = await other.history();
  assert.is(await memory.clear(), 10);
  assert.equal(await memory.history(), []);
  assert.equal(await memory.search('secret'), []);
  for (const text of texts) assert.equal(await traces(directory, text), []);
  assert.equal(await other.history(), before);
  assert.is((await other.search('ordinary message 3', { topK: 20 })).length, 20);
});

test('the index of another process forgets too', async () => {
  const directory = temporaryDirectory();
  const text = secret('shared');
  const child = startChild('memory/fixtures/talk.mjs', [directory, 'wait', text]);
  const id = await child.line();
  assert.ok(id, child.stderr());
  await using memory = await openMemory({}, directory);
  assert.is((await memory.search(text))[0]?.message.id, id);
  assert.is(await memory.forget(id as string), 1);
  assert.equal(await traces(directory, text), []);
  child.send('search');
  assert.is(await child.line(), '0');
  child.process.kill('SIGKILL');
  await child.ended;
});

test('a process that stands still while it reads makes forgetting fail, and once it is gone asking again ends it', async () => {
  const directory = temporaryDirectory();
  await using memory = await openMemory({}, directory);
  const text = secret('hung');
  const { id } = await memory.addMessage('user', text);
  const child = startChild('memory/fixtures/talk.mjs', [directory, 'hang']);
  assert.is(await child.line(), 'reading', child.stderr());
  assert.is(await codeOf(() => memory.forget(id)), 'ERR_LLM_CACHE_DIRECTORY');
  assert.equal(await memory.history(), []);
  child.process.kill('SIGKILL');
  await child.ended;
  await memory.forget(id);
  assert.equal(await traces(directory, text), []);
});

test('killed while it forgets, the next that opens the session ends it', async () => {
  for (let kill = 0; kill < 6; kill++) {
    const directory = temporaryDirectory();
    const text = secret(`killed ${kill}`, 30);
    const child = startChild('memory/fixtures/talk.mjs', [directory, 'forget', text]);
    assert.is(await child.line(), 'forgetting', child.stderr());
    // The moment varies with what the machine does; each is a different step of the way.
    for (let turn = 0; turn < kill * 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    child.process.kill('SIGKILL');
    await child.ended;
    const environment = new Environment(join(directory, 'memory'));
    const begun = [...environment.reader('memory-erasures').entries()].length > 0;
    await environment.close();
    await using memory = await openMemory({}, directory);
    const left = (await memory.history()).filter(({ content }) => content === text).length;
    assert.ok(left === 0 || !begun, 'what was begun is ended');
    if (left === 0) assert.equal(await traces(directory, text), []);
  }
});

test('a forgetting that died at each of its steps is ended by the next', async () => {
  const directory = temporaryDirectory();
  const text = secret('steps');
  const first = await openMemory({}, directory);
  const { id, parts } = await first.addMessage('user', text);
  await first.close();
  // As a process leaves it that died right after it had said what it would do.
  const environment = new Environment(join(directory, 'memory'));
  const [key] = [...environment.reader('memory-messages').entries()].map(([each]) => Buffer.from(each));
  const value = new TextEncoder().encode(String(parts));
  await environment.write([
    { kind: 'put', database: 'memory-erasures', key: new Uint8Array(key as Buffer), value },
  ]);
  await environment.close();
  assert.ok((await traces(directory, text)).length > 0);
  await using second = await openMemory({}, directory);
  assert.is(await second.forget(id), 0);
  assert.equal(await second.history(), []);
  assert.equal(await traces(directory, text), []);
});

test.run();
