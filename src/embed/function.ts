// Makes an embedder of a user's function; imported by the composition root.
import { createHash } from 'node:crypto';
import type { Embedder } from '../core/embedder.js';
import { CacheError, ClosedError, EmbedError, InvalidArgumentError } from '../core/errors.js';
import { toUnit } from './vector.js';

/** What a user's embedding function is and does. */
export interface FunctionEmbedderOptions {
  /** Shown in errors and statistics. */
  readonly name: string;
  /** Length of the vectors, at least 1. */
  readonly dimension: number;
  /**
   * Anything that changes when the vectors change, such as a model's version. Default: the name, so change the name when the
   * function gives other vectors.
   */
  readonly fingerprint?: string | undefined;
  /** Text to vector, of any length but zero. It runs on this thread: do not compute here for more than about 0.3 ms. */
  readonly embed: (
    text: string,
    options: { readonly signal?: AbortSignal | undefined },
  ) => Promise<ArrayLike<number>> | ArrayLike<number>;
  /** Tells whether a text is too long for the model; then it is never matched by meaning. Default: never. */
  readonly isTruncated?: ((text: string) => boolean) | undefined;
  /** Tokens of each text as the model counts them, special ones left out; without it documents cannot be cut by tokens. */
  readonly countTokens?:
    | ((texts: readonly string[]) => Promise<ArrayLike<number>> | ArrayLike<number>)
    | undefined;
  /** Called once by `close()`. */
  readonly close?: (() => Promise<void> | void) | undefined;
}

/**
 * Wraps a function as an embedder. Its results are checked (length, finite, not zero) and copied at unit length. `tokens` is 0,
 * as the function does not say.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when an option is unusable.
 */
export function functionEmbedder(options: FunctionEmbedderOptions): Embedder {
  const { name, dimension, embed, isTruncated, countTokens } = options;
  if (typeof name !== 'string' || name === '') throw new InvalidArgumentError('name', 'a text', name);
  if (!Number.isSafeInteger(dimension) || dimension < 1) {
    throw new InvalidArgumentError('dimension', 'a positive integer', dimension);
  }
  if (typeof embed !== 'function') throw new InvalidArgumentError('embed', 'a function', embed);
  let closing: Promise<void> | undefined;
  return {
    name,
    dimension,
    fingerprint: createHash('sha256')
      .update(JSON.stringify(['function embedder 1', name, options.fingerprint ?? '', dimension]))
      .digest('hex'),
    async embed(text, { signal } = {}) {
      if (closing) throw new ClosedError(`embedder ${name}`);
      signal?.throwIfAborted();
      const values = await heed(
        call(() => embed(text, { signal })),
        signal,
      );
      if (typeof values !== 'object' || values === null || values.length !== dimension) {
        throw new EmbedError(name, `the function must give ${dimension} numbers, gave ${shapeOf(values)}`);
      }
      const vector = toUnit(values);
      if (!vector) throw new EmbedError(name, 'the function gave a vector that is zero or not finite');
      const truncated = isTruncated?.(text) ?? false;
      return { vector, tokens: 0, truncated, matchable: !truncated };
    },
    ...(countTokens && { countTokens: async (texts: readonly string[]) => countTokens(texts) }),
    async warm() {},
    close() {
      closing ??= Promise.resolve(options.close?.());
      return closing;
    },
  };

  async function call(run: () => Promise<ArrayLike<number>> | ArrayLike<number>): Promise<ArrayLike<number>> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof CacheError || (error as Error | undefined)?.name === 'AbortError') throw error;
      throw new EmbedError(name, (error as Error | undefined)?.message ?? String(error), { cause: error });
    }
  }
}

function shapeOf(values: unknown): string {
  const length = (values as ArrayLike<number> | null | undefined)?.length;
  return typeof length === 'number' ? String(length) : `a ${typeof values}`;
}

/** The promise, or the signal's reason when that comes first: a function may ignore its signal, its caller must not wait. */
function heed<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
