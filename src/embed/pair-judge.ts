// Makes a pair model of a user's judge, such as a language model that is asked; imported by the public face.
import { createHash } from 'node:crypto';
import { CacheError, ClosedError, EmbedError, InvalidArgumentError } from '../core/errors.js';
import type { PairModel } from '../core/pair-model.js';

/** What a user's judge is and does. */
export interface JudgeOptions {
  /** Shown in errors and statistics. */
  readonly name: string;
  /** Anything that changes when the judge's answers change. Default: the name. */
  readonly fingerprint?: string | undefined;
  /** Whether both ask the same: yes or no, or how probable it is, in [0, 1]. Called once a pair, in the order asked, stored. */
  readonly judge: (
    a: string,
    b: string,
    options: { readonly signal?: AbortSignal | undefined },
  ) => Promise<boolean | number> | boolean | number;
  /** Called once by `close()`. */
  readonly close?: (() => Promise<void> | void) | undefined;
}

// A judge who is certain is believed to about 99.9 %.
const greatestLogit = 7;

/**
 * Wraps a judge as a pair model; its probability becomes a logit within ±7. Rejects with `EmbedError` for a judge that throws or answers
 * with anything else, `ClosedError` after `close()`, or the signal's reason.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when an option is unusable.
 */
export function judgePairModel({ name, fingerprint = name, judge, close }: JudgeOptions): PairModel {
  if (typeof name !== 'string' || name === '') throw new InvalidArgumentError('name', 'a text', name);
  if (typeof judge !== 'function') throw new InvalidArgumentError('judge', 'a function', judge);
  let closing: Promise<void> | undefined;
  return {
    name,
    fingerprint: createHash('sha256')
      .update(JSON.stringify(['pair judge 1', name, fingerprint]))
      .digest('hex'),
    async score(a, b, { signal } = {}) {
      if (closing) throw new ClosedError(`pair model ${name}`);
      signal?.throwIfAborted();
      let answer: unknown;
      try {
        answer = await judge(a, b, { signal });
      } catch (error) {
        if (error instanceof CacheError || (error as Error | undefined)?.name === 'AbortError') throw error;
        throw new EmbedError(name, (error as Error | undefined)?.message ?? String(error), { cause: error });
      }
      signal?.throwIfAborted();
      const p = typeof answer === 'boolean' ? Number(answer) : answer;
      // Written so that a NaN fails too.
      if (typeof p !== 'number' || !(p >= 0 && p <= 1)) {
        throw new EmbedError(name, `the judge must say true, false or a probability, said ${String(p)}`);
      }
      return Math.max(-greatestLogit, Math.min(greatestLogit, Math.log(p) - Math.log1p(-p)));
    },
    close() {
      closing ??= Promise.resolve(close?.());
      return closing;
    },
  };
}
