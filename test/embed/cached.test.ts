// Tests of the memory of embeddings: hits, shared computations, who may abort them, bounds.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Embedder, Embedding } from '#dist/core/embedder.js';
import { ClosedError, EmbedError } from '#dist/core/errors.js';
import { cachedEmbedder } from '#dist/embed/cached.js';
import { mockEmbedder } from '#dist/embed/mock.js';

interface Pending {
  readonly text: string;
  readonly signal: AbortSignal | undefined;
  answer(): void;
  fail(error: Error): void;
}

/** An embedder whose answers the test gives by hand. */
function byHand(): { embedder: Embedder; pending: Pending[] } {
  const mock = mockEmbedder();
  const pending: Pending[] = [];
  const embedder: Embedder = {
    ...mock,
    embed: (text, { signal } = {}) =>
      new Promise<Embedding>((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
        pending.push({ text, signal, answer: () => resolve(mock.embed(text)), fail: reject });
      }),
  };
  return { embedder, pending };
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

const test = suite('cached embedder');

test('a text is computed once and remembered by every character', async () => {
  const mock = mockEmbedder();
  const cached = cachedEmbedder(mock);
  const first = await cached.embed('hello');
  assert.is(await cached.embed('hello'), first);
  assert.is.not(await cached.embed('Hello'), first);
  assert.is(mock.calls, 2);
  const { hits, misses, shared, entries, bytes } = cached.stats();
  assert.equal([hits, misses, shared, entries], [1, 2, 0, 2]);
  assert.ok(bytes > 2 * 384 * 4);
  assert.equal(
    [cached.name, cached.dimension, cached.fingerprint],
    [mock.name, mock.dimension, mock.fingerprint],
  );
});

test('equal texts at the same time are computed once', async () => {
  const { embedder, pending } = byHand();
  const cached = cachedEmbedder(embedder);
  const runs = Array.from({ length: 50 }, () => cached.embed('same'));
  assert.is(pending.length, 1);
  pending[0]?.answer();
  assert.is(new Set(await Promise.all(runs)).size, 1);
  assert.is(cached.stats().shared, 49);
});

test('one caller that leaves does not take the computation from the others', async () => {
  const { embedder, pending } = byHand();
  const cached = cachedEmbedder(embedder);
  const leaving = new AbortController();
  const a = cached.embed('same', { signal: leaving.signal });
  const b = cached.embed('same', { signal: new AbortController().signal });
  const reason = new Error('left');
  leaving.abort(reason);
  assert.is(await rejection(a), reason);
  assert.is(pending[0]?.signal?.aborted, false);
  pending[0]?.answer();
  assert.is((await b).vector.length, 384);
});

test('when every caller has left the computation is aborted, and the next caller starts anew', async () => {
  const { embedder, pending } = byHand();
  const cached = cachedEmbedder(embedder);
  const callers = [new AbortController(), new AbortController()];
  const runs = callers.map(({ signal }) => rejection(cached.embed('same', { signal })));
  for (const caller of callers) caller.abort(new Error('left'));
  await Promise.all(runs);
  assert.is(pending[0]?.signal?.aborted, true);
  const next = cached.embed('same');
  assert.is(pending.length, 2);
  pending[1]?.answer();
  assert.is((await next).vector.length, 384);
});

test('a caller without a signal never leaves', async () => {
  const { embedder, pending } = byHand();
  const cached = cachedEmbedder(embedder);
  const stays = cached.embed('same');
  const leaving = new AbortController();
  const leaves = rejection(cached.embed('same', { signal: leaving.signal }));
  leaving.abort(new Error('left'));
  await leaves;
  assert.is(pending[0]?.signal?.aborted, false);
  pending[0]?.answer();
  await stays;
});

test('a failure reaches all who wait and is not remembered', async () => {
  const { embedder, pending } = byHand();
  const cached = cachedEmbedder(embedder);
  const runs = [cached.embed('x'), cached.embed('x')].map(rejection);
  const failure = new EmbedError('mock', 'broken');
  pending[0]?.fail(failure);
  assert.equal(await Promise.all(runs), [failure, failure]);
  const again = cached.embed('x');
  pending[1]?.answer();
  assert.is((await again).vector.length, 384);
});

test('the memory is bounded by entries and by bytes', async () => {
  const cached = cachedEmbedder(mockEmbedder(), { maxEntries: 10 });
  for (let i = 0; i < 100; i++) await cached.embed(`text ${i}`);
  assert.is(cached.stats().entries, 10);
  const small = cachedEmbedder(mockEmbedder(), { maxBytes: 10_000 });
  for (let i = 0; i < 100; i++) await small.embed(`text ${i}`);
  assert.ok(small.stats().bytes <= 10_000 && small.stats().entries > 1);
  await small.embed('long '.repeat(10_000));
  assert.ok(small.stats().bytes <= 10_000);
});

test('a signal aborted before, and a closed embedder, stop a call at once', async () => {
  const mock = mockEmbedder();
  const cached = cachedEmbedder(mock);
  const reason = new Error('before');
  assert.is(await rejection(cached.embed('x', { signal: AbortSignal.abort(reason) })), reason);
  await Promise.all([cached.close(), cached.close()]);
  assert.instance(await rejection(cached.embed('x')), ClosedError);
  assert.is(mock.calls, 0);
});

test.run();
