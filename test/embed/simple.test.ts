// Tests of the embedders without a model (mock, function) and of the check of meaning.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, ClosedError, EmbedError, InvalidArgumentError } from '#dist/core/errors.js';
import { embedderIsSane } from '#dist/embed/canary.js';
import { type FunctionEmbedderOptions, functionEmbedder } from '#dist/embed/function.js';
import { mockEmbedder } from '#dist/embed/mock.js';
import { dotProduct } from '#dist/embed/vector.js';
import { manualClock } from '../workers/fixtures/clock.js';

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

const test = suite('embedders without a model');

test('the mock gives unit vectors, the same for the same text, in any instance', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.constantFrom(8, 16, 384), async (text, dimension) => {
      const { vector } = await mockEmbedder({ dimension }).embed(text);
      assert.is(vector.length, dimension);
      assert.ok(Math.abs(dotProduct(vector, vector) - 1) < 1e-5);
      assert.equal((await mockEmbedder({ dimension }).embed(text)).vector, vector);
    }),
    { numRuns: 100, seed: Number(process.env.TEST_SEED ?? 1) },
  );
});

test('in the mock, texts are the nearer the more words they share', async () => {
  const mock = mockEmbedder();
  const of = async (text: string) => (await mock.embed(text)).vector;
  const base = await of('how do I reset my password');
  const near = dotProduct(base, await of('how do I change my password'));
  const far = dotProduct(base, await of('the capital of France is Paris'));
  assert.ok(near > 0.6 && near < 0.999, `${near}`);
  assert.ok(Math.abs(far) < 0.3, `${far}`);
  assert.ok(dotProduct(base, await of('How do I reset my password?')) > 0.999999);
});

test('the mock fails, waits and counts as told', async () => {
  const clock = manualClock();
  const mock = mockEmbedder({ failOn: (text) => text === 'bad', delayMs: 10, clock });
  const slow = mock.embed('good');
  let done = false;
  void slow.then(() => {
    done = true;
  });
  clock.advance(9);
  await Promise.resolve();
  assert.is(done, false);
  clock.advance(1);
  assert.is((await slow).tokens, 3);
  const bad = rejection(mock.embed('bad'));
  clock.advance(10);
  assert.instance(await bad, EmbedError);
  const abort = new AbortController();
  const left = rejection(mock.embed('good', { signal: abort.signal }));
  const reason = new Error('left');
  abort.abort(reason);
  assert.is(await left, reason);
  assert.is(mock.calls, 3);
});

test('the mock says when a text is too long or empty', async () => {
  const mock = mockEmbedder();
  assert.equal(await mock.embed('w '.repeat(254)).then((e) => [e.tokens, e.truncated, e.matchable]), [
    256,
    false,
    true,
  ]);
  assert.equal(await mock.embed('w '.repeat(255)).then((e) => [e.tokens, e.truncated, e.matchable]), [
    257,
    true,
    false,
  ]);
  assert.is((await mock.embed('')).matchable, false);
  await mock.close();
  assert.instance(await rejection(mock.embed('x')), ClosedError);
});

const basics = { name: 'mine', dimension: 3 };

test('a function becomes an embedder whose vectors have unit length and are copies', async () => {
  const shared = new Float32Array([0, 3, 4]);
  const embedder = functionEmbedder({ ...basics, embed: () => shared });
  const { vector, matchable } = await embedder.embed('x');
  shared.fill(9);
  assert.equal(
    [...vector].map((value) => Math.round(value * 10)),
    [0, 6, 8],
  );
  assert.is(matchable, true);
  const promised = functionEmbedder({ ...basics, embed: async () => [2, 0, 0] });
  assert.equal([...(await promised.embed('x')).vector], [1, 0, 0]);
});

test('what a function must not give is refused', async () => {
  const answers = [
    [1, 2],
    [1, 2, 3, 4],
    [0, 0, 0],
    [1, Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 0, 0],
    [1e200, 1e200, 1e200],
    undefined,
    null,
    'abc',
    42,
  ];
  for (const answer of answers) {
    const embedder = functionEmbedder({ ...basics, embed: () => answer as number[] });
    assert.instance(await rejection(embedder.embed('x')), EmbedError, String(answer));
  }
});

test('a function that throws is an embedding error, typed errors of this package pass', async () => {
  const cause = new Error('no network');
  const broken = functionEmbedder({
    ...basics,
    embed: () => {
      throw cause;
    },
  });
  const error = (await rejection(broken.embed('x'))) as EmbedError;
  assert.instance(error, EmbedError);
  assert.is(error.cause, cause);
  const busy = new BusyError('endpoint', 1);
  assert.is(
    await rejection(functionEmbedder({ ...basics, embed: () => Promise.reject(busy) }).embed('x')),
    busy,
  );
});

test('a function that ignores its signal does not keep its caller', async () => {
  const embedder = functionEmbedder({ ...basics, embed: () => new Promise(() => {}) });
  const abort = new AbortController();
  const run = rejection(embedder.embed('x', { signal: abort.signal }));
  const reason = new Error('left');
  abort.abort(reason);
  assert.is(await run, reason);
});

test('the fingerprint of a function depends on name, version and dimension', () => {
  const embed = () => [1, 0, 0];
  const prints = [
    functionEmbedder({ ...basics, embed }),
    functionEmbedder({ ...basics, name: 'other', embed }),
    functionEmbedder({ ...basics, fingerprint: 'v2', embed }),
    functionEmbedder({ ...basics, dimension: 4, embed }),
  ].map(({ fingerprint }) => fingerprint);
  assert.is(new Set(prints).size, 4);
  assert.ok(prints.every((print) => /^[0-9a-f]{64}$/.test(print)));
});

test('options that make no embedder are refused', () => {
  const embed = () => [1];
  for (const options of [
    { name: '', dimension: 1, embed },
    { name: 'x', dimension: 0, embed },
    { name: 'x', dimension: 1 },
  ]) {
    assert.throws(
      () => functionEmbedder(options as FunctionEmbedderOptions),
      (error: unknown) => error instanceof InvalidArgumentError,
    );
  }
  assert.throws(
    () => mockEmbedder({ dimension: 7 }),
    (error: unknown) => error instanceof InvalidArgumentError,
  );
});

test('a function embedder closes once and refuses texts then', async () => {
  let closed = 0;
  const embedder = functionEmbedder({ ...basics, embed: () => [1, 0, 0], close: () => void closed++ });
  await Promise.all([embedder.close(), embedder.close()]);
  assert.is(closed, 1);
  assert.instance(await rejection(embedder.embed('x')), ClosedError);
});

test('the check of meaning accepts words that are shared and refuses constant, random and inverted answers', async () => {
  assert.is((await embedderIsSane(mockEmbedder())).sane, true);
  const constant = functionEmbedder({ ...basics, embed: () => [1, 2, 3] });
  assert.is((await embedderIsSane(constant)).sane, false);
  const lengths = functionEmbedder({ ...basics, embed: (text) => [text.length, 1, 1] });
  const { sane, detail } = await embedderIsSane(lengths);
  assert.is(sane, false);
  assert.match(detail, /mine.*does not tell meanings apart/);
  const mock = mockEmbedder();
  const flipped = functionEmbedder({
    name: 'flipped',
    dimension: 384,
    embed: async (text) =>
      (await mock.embed(text)).vector.map((value) => value * (text.startsWith('What') ? -1 : 1)),
  });
  assert.is((await embedderIsSane(flipped)).sane, false);
});

test.run();
