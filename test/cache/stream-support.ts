// Streams whose parts come when a test says so; imported by the tests of streams.
import { deferred } from './support.js';

/** A source whose parts come when a test says so; it counts what it was asked for. */
export function source() {
  const waiting: ReturnType<typeof deferred<IteratorResult<unknown>>>[] = [];
  const ready: (IteratorResult<unknown> | Error)[] = [];
  const state = { asked: 0, returned: 0, signal: undefined as AbortSignal | undefined };
  const put = (item: IteratorResult<unknown> | Error) => {
    const next = waiting.shift();
    if (next === undefined) ready.push(item);
    else if (item instanceof Error) next.reject(item);
    else next.resolve(item);
  };
  const iterator = {
    next() {
      state.asked++;
      const item = ready.shift();
      if (item instanceof Error) return Promise.reject(item);
      if (item !== undefined) return Promise.resolve(item);
      const next = deferred<IteratorResult<unknown>>();
      waiting.push(next);
      return next.promise;
    },
    async return() {
      state.returned++;
      return { done: true as const, value: undefined };
    },
  };
  return {
    state,
    push: (...parts: unknown[]) => parts.forEach((value) => void put({ done: false, value })),
    end: () => put({ done: true, value: undefined }),
    fail: (message = 'broken') => put(new Error(message)),
    generate: ({ signal }: { signal: AbortSignal }) => {
      state.signal = signal;
      return { [Symbol.asyncIterator]: () => iterator } as AsyncIterable<string>;
    },
  };
}

/** A stream of these texts. */
export async function* texts(...parts: string[]): AsyncGenerator<string> {
  yield* parts;
}

/** All parts of a stream. */
export async function all<P>(stream: AsyncIterable<P>): Promise<P[]> {
  const parts: P[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

/** The message or reason with which a promise rejects. */
export const failed = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no failure',
    (error) => error?.message ?? error,
  );
