// Tests of the ONNX embedder with the real model: identity of vectors, long texts, limits, abort and end.
import { randomInt } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, ClosedError, ConfigError, EmbedError, InvalidArgumentError } from '#dist/core/errors.js';
import { embedderIsSane } from '#dist/embed/canary.js';
import { type OnnxEmbedder, onnxEmbedder } from '#dist/embed/onnx.js';
import { dotProduct } from '#dist/embed/vector.js';

const bundled = fileURLToPath(new URL('../../models/all-MiniLM-L6-v2/', import.meta.url));
const test = suite('onnx embedder');
const embedder = await onnxEmbedder({ workers: 2 });
const folders: string[] = [];

test.after(async () => {
  await embedder.close();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A copy of the model's folder, to be damaged. */
function copyOfModel(): string {
  const folder = mkdtempSync(join(tmpdir(), 'llm-cache-model-'));
  folders.push(folder);
  cpSync(bundled, folder, { recursive: true });
  return folder;
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a rejection');
}

test('states its name, its dimension and a fingerprint of what shapes the vectors', async () => {
  assert.is(embedder.name, 'all-MiniLM-L6-v2');
  assert.is(embedder.dimension, 384);
  assert.match(embedder.fingerprint, /^[0-9a-f]{64}$/);
  const variants = await Promise.all([
    onnxEmbedder(),
    onnxEmbedder({ pooling: 'cls' }),
    onnxEmbedder({ prefix: 'query: ' }),
    onnxEmbedder({ maxTokens: 128 }),
  ]);
  assert.is(variants[0]?.fingerprint, embedder.fingerprint);
  assert.is(new Set(variants.map((variant) => variant.fingerprint)).size, variants.length);
  await Promise.all(variants.map((variant) => variant.close()));
});

test('a vector has unit length and 384 numbers', async () => {
  const { vector, tokens, truncated, matchable } = await embedder.embed('How do I reset my password?');
  assert.is(vector.length, 384);
  assert.ok(Math.abs(dotProduct(vector, vector) - 1) < 1e-6);
  assert.equal([tokens, truncated, matchable], [9, false, true]);
});

test('a text has the same vector to the bit alone, after others, and among many at once', async () => {
  const text = 'Where can I find the invoice of my last order?';
  const alone = (await embedder.embed(text)).vector;
  const seed = Number(process.env.TEST_SEED ?? randomInt(2 ** 31));
  const others = Array.from(
    { length: 60 },
    (_, i) => `Question ${i}: ${'what about it '.repeat((seed + i * 7) % 40)}`,
  );
  const mixed = others.flatMap((other) => [other, text]);
  const results = await Promise.all(mixed.map((item) => embedder.embed(item)));
  results.forEach(({ vector }, i) => {
    if (mixed[i] === text) assert.equal(vector, alone, `seed ${seed}`);
  });
});

test('a prefix is part of what is embedded', async () => {
  const prefixed = await onnxEmbedder({ workers: 1, prefix: 'query: ' });
  const [a, b] = await Promise.all([prefixed.embed('cheap flights'), embedder.embed('query: cheap flights')]);
  assert.equal(a.vector, b.vector);
  await prefixed.close();
});

test('the beginning of a long text is embedded, and the result says so', async () => {
  const whole = await embedder.embed('word '.repeat(254));
  const longer = await embedder.embed('word '.repeat(255));
  assert.equal([whole.tokens, whole.truncated], [256, false]);
  assert.equal([longer.tokens, longer.truncated, longer.matchable], [257, true, false]);
  assert.equal(longer.vector, whole.vector);
});

test('ten million characters of any kind take no worker away', async () => {
  for (const filler of ['a', ' ', '漢', 'lorem ipsum ', '\0', '\ud800', `${'abcdefghi'.repeat(11)} `]) {
    const text = filler.repeat(1e7 / filler.length);
    const result = await embedder.embed(text);
    assert.is(result.truncated, true, JSON.stringify(filler.slice(0, 12)));
    assert.is(result.matchable, false);
  }
  assert.is(embedder.stats().deaths, 0);
});

test('a text of which nothing is read gets a vector that must not be matched', async () => {
  for (const text of ['', '\0\0', '\u200b']) {
    const { tokens, matchable, truncated, vector } = await embedder.embed(text);
    assert.equal([tokens, matchable, truncated], [2, false, false]);
    assert.ok(Math.abs(dotProduct(vector, vector) - 1) < 1e-6);
  }
});

test('the real model passes the check of meaning', async () => {
  const { sane, detail } = await embedderIsSane(embedder);
  assert.ok(sane, detail);
});

test('no text, no embedding', async () => {
  assert.instance(await rejection(embedder.embed(undefined as unknown as string)), InvalidArgumentError);
});

test('a text too many is refused, an aborted one rejects with its reason', async () => {
  const small = await onnxEmbedder({ workers: 1, maxQueue: 1 });
  await small.warm();
  const abort = new AbortController();
  const running = small.embed('one');
  const waiting = small.embed('two', { signal: abort.signal });
  const refused = await rejection(small.embed('three'));
  assert.instance(refused, BusyError);
  const reason = new Error('left');
  abort.abort(reason);
  assert.is(await rejection(waiting), reason);
  assert.is((await running).tokens, 3);
  await small.close();
});

test('close finishes what runs, refuses what comes, and may be repeated', async () => {
  const small = await onnxEmbedder({ workers: 1 });
  const running = small.embed('one');
  const closing = small.close();
  assert.is((await running).tokens, 3);
  await Promise.all([closing, small.close()]);
  assert.instance(await rejection(small.embed('two')), ClosedError);
  assert.instance(await rejection(small.warm()), ClosedError);
});

test('a folder without a model, or with damaged files, is refused by the name of the file', async () => {
  const absent = await rejection(onnxEmbedder({ directory: join(tmpdir(), 'llm-cache-absent') }));
  assert.instance(absent, ConfigError);
  assert.match(absent.message, /llm-cache-absent.*model\.onnx/);

  const cases: [string, (path: string) => void][] = [
    ['model.onnx', (path) => truncateSync(path, 1_000_000)],
    ['model.onnx', (path) => truncateSync(path, 0)],
    ['model.onnx', (path) => writeFileSync(path, 'this is no model, but it has some length')],
    ['tokenizer.json', (path) => truncateSync(path, 1000)],
    ['tokenizer.json', (path) => writeFileSync(path, '{}')],
    ['tokenizer_config.json', (path) => writeFileSync(path, 'null')],
    ['tokenizer_config.json', (path) => rmSync(path)],
  ];
  for (const [name, damage] of cases) {
    const folder = copyOfModel();
    damage(join(folder, name));
    const error = await rejection(
      onnxEmbedder({ directory: folder, workers: 1 }).then((opened: OnnxEmbedder) =>
        opened.warm().finally(() => opened.close()),
      ),
    );
    assert.ok(error instanceof ConfigError || error instanceof EmbedError, `${name}: ${error}`);
    assert.ok(error.message.includes(join(folder, name)), error.message);
  }
});

test('another model under the same name has another fingerprint', async () => {
  const folder = copyOfModel();
  const path = join(folder, 'model.onnx');
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  writeFileSync(path, bytes);
  const other = await onnxEmbedder({ directory: folder });
  assert.is.not(other.fingerprint, embedder.fingerprint);
  await other.close();
});

test('a model file that changes after opening is not run under the old fingerprint', async () => {
  const folder = copyOfModel();
  const opened = await onnxEmbedder({ directory: folder, workers: 1 });
  const path = join(folder, 'model.onnx');
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  writeFileSync(path, bytes);
  const error = await rejection(opened.embed('hello'));
  assert.instance(error, EmbedError);
  assert.match(error.message, /has changed/);
  await opened.close();
});

test('twenty embedders used and closed leave the process in order', async () => {
  for (let i = 0; i < 20; i++) {
    const short = await onnxEmbedder({ workers: 1 });
    if (i % 2 === 0) await short.warm();
    assert.is((await short.embed(`number ${i}`)).truncated, false);
    await short.close();
  }
});

test('options out of range are refused', async () => {
  for (const options of [{ pooling: 'max' as 'mean' }, { maxTokens: 2 }, { workers: 0 }, { timeoutMs: -1 }]) {
    assert.instance(await rejection(onnxEmbedder(options)), InvalidArgumentError, JSON.stringify(options));
  }
});

test.run();
