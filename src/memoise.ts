// A function whose answers are kept by what its arguments ask. The public face exports it.
import type { SemanticCache } from './cache.js';
import type { AskOptions, GenerateContext } from './cache-types.js';
import { InvalidArgumentError } from './core/errors.js';

/** How a function is memoised: any option of `ask`, for every call. */
export interface MemoiseOptions<A extends unknown[]> extends Omit<AskOptions, 'signal'> {
  /** The question that the arguments ask: what is matched, by meaning too. Default: the only argument, a text. */
  readonly key?: ((...args: A) => string) | undefined;
}

/**
 * `fn`, answered from the cache where its question, or one that means the same, was answered before. What else an answer depends on
 * belongs into `scope`. `fn` is called with the caller's arguments and, as `this`, the context that `wrap` gives: the signal of all
 * who wait.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT; as rejections of the calls: as `wrap`
 * @example const ask = memoise(cache, (question: string) => llm(question), { scope: { model: 'm1' } });
 */
export function memoise<A extends unknown[], T>(
  cache: Pick<SemanticCache, 'wrap'>,
  fn: (this: GenerateContext, ...args: A) => T | Promise<T>,
  { key, ...options }: MemoiseOptions<A> = {},
): (...args: A) => Promise<T> {
  if (typeof fn !== 'function') throw new InvalidArgumentError('fn', 'a function', fn);
  if (key !== undefined && typeof key !== 'function') {
    throw new InvalidArgumentError('key', 'a function', key);
  }
  return async (...args) => {
    if (key === undefined && args.length !== 1) {
      throw new InvalidArgumentError('key', 'given, for more or less than one argument', args.length);
    }
    const question = key === undefined ? (args[0] as string) : key(...args);
    return cache.wrap(question, async (context) => fn.apply(context, args), options);
  };
}
