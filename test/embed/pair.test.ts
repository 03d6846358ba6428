// Tests of the pair model with the real weights: symmetry, meaning, limits, damaged folders; and of a user's judge in its place.
import { cpSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ClosedError, ConfigError, EmbedError, InvalidArgumentError } from '#dist/core/errors.js';
import { judgePairModel } from '#dist/embed/pair-judge.js';
import { onnxPairModel } from '#dist/embed/pair-onnx.js';

const bundled = (name: string) => fileURLToPath(new URL(`../../models/${name}`, import.meta.url));
const test = suite('pair model');
const model = await onnxPairModel({ workers: 2 });
const folders: string[] = [];

test.after(async () => {
  await model.close();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function copyOfModel(): string {
  const folder = mkdtempSync(join(tmpdir(), 'llm-cache-pair-'));
  folders.push(folder);
  cpSync(bundled('same-question-MiniLM/model.onnx'), join(folder, 'model.onnx'));
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

const asked = 'How can I get back into my account? I forgot my password.';
const stored = 'How do I reset my password?';

test('both orders have one score, to the bit, alone and among many at once', async () => {
  const alone = await model.score(asked, stored);
  const many = Array.from({ length: 12 }, (_, i) => [
    model.score(stored, asked),
    model.score(`Question ${i}: ${'how '.repeat(i)}?`, stored),
    model.score(asked, stored),
  ]).flat();
  for (const [i, score] of (await Promise.all(many)).entries()) if (i % 3 !== 1) assert.is(score, alone);
});

test('tells what the cosine does not: a changed number, negation or side asks something else', async () => {
  const same = await model.score(asked, stored);
  for (const [a, b] of [
    ['Is the meeting before lunch?', 'Is the meeting after lunch?'],
    ['Is it safe to charge a phone overnight?', 'Is it not safe to charge a phone overnight?'],
    ['How many grams are 3 ounces?', 'How many grams are 8 ounces?'],
  ] as const) {
    const score = await model.score(a, b);
    assert.ok(score < same, `${a} / ${b}: ${score}, paraphrase: ${same}`);
    assert.ok(score < 0, `${a} / ${b}: ${score}`);
  }
  assert.ok(same > 0, String(same));
});

test('a pair that the model cannot read whole is refused, and the next one is not', async () => {
  for (const long of ['word '.repeat(520), 'a'.repeat(40_000)]) {
    const error = await rejection(model.score(long, stored));
    assert.instance(error, EmbedError);
    assert.match(error.message, /at most/);
  }
  assert.type(await model.score('word '.repeat(490), 'word'), 'number');
  assert.is(model.stats().deaths, 0);
});

test('an empty or odd text gets a number', async () => {
  for (const text of ['', '\0', '\ud800', '漢字', '[SEP]'])
    assert.type(await model.score(text, stored), 'number');
});

test('no text, no score', async () => {
  const error = await rejection(model.score(undefined as unknown as string, stored));
  assert.instance(error, InvalidArgumentError);
});

test('an aborted pair rejects with its reason', async () => {
  const reason = new Error('enough');
  const abort = new AbortController();
  const score = model.score(asked, stored, { signal: abort.signal });
  abort.abort(reason);
  assert.is(await rejection(score), reason);
});

test('a folder with weights alone is read with the tokenizer of the package', async () => {
  const other = await onnxPairModel({ directory: copyOfModel(), workers: 1 });
  assert.is(other.fingerprint, model.fingerprint);
  assert.is(await other.score(asked, stored), await model.score(asked, stored));
  await other.close();
  assert.instance(await rejection(other.score(asked, stored)), ClosedError);
});

test('a folder without a model, or with a damaged one, is told by its path', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'llm-cache-pair-'));
  folders.push(empty);
  assert.instance(await rejection(onnxPairModel({ directory: empty })), ConfigError);
  const damaged = copyOfModel();
  truncateSync(join(damaged, 'model.onnx'), 1000);
  const broken = await onnxPairModel({ directory: damaged, workers: 1 });
  const error = await rejection(broken.score(asked, stored));
  assert.instance(error, EmbedError);
  assert.match(error.message, damaged);
  await broken.close();
});

test('weights that change after they were opened are not run', async () => {
  const folder = copyOfModel();
  const changed = await onnxPairModel({ directory: folder, workers: 1 });
  writeFileSync(join(folder, 'model.onnx'), 'something else');
  assert.match((await rejection(changed.score(asked, stored))).message, /has changed/);
  await changed.close();
});

test('an embedding model is no pair model', async () => {
  const wrong = await onnxPairModel({ directory: bundled('all-MiniLM-L6-v2'), workers: 1 });
  const error = await rejection(wrong.score(asked, stored));
  assert.instance(error, EmbedError);
  assert.match(error.message, /one finite float32 number/);
  await wrong.close();
});

test('a judge says yes, no or a probability, and nothing else', async () => {
  const answers: unknown[] = [true, false, 0.5, 1, 0, Number.NaN, 1.5, 'yes', undefined];
  const judge = judgePairModel({ name: 'judge', judge: async () => answers.shift() as number });
  const given = [];
  for (let i = 0; i < 5; i++) given.push(await judge.score('a', 'b'));
  assert.equal(given, [7, -7, 0, 7, -7]);
  while (answers.length > 0) assert.instance(await rejection(judge.score('a', 'b')), EmbedError);
});

test('what a judge throws becomes an error of its name; after the end it is not called', async () => {
  let calls = 0;
  const judge = judgePairModel({
    name: 'judge',
    judge: () => {
      calls++;
      throw new Error('rate limit');
    },
  });
  assert.match((await rejection(judge.score('a', 'b'))).message, /judge.*rate limit/);
  await judge.close();
  assert.instance(await rejection(judge.score('a', 'b')), ClosedError);
  assert.is(calls, 1);
});

test.run();
