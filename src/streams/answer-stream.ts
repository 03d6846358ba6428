// What a caller of `wrapStream` reads. cache.ts and the public face import it.
import type { PartReader } from './live.js';

/** How a stream is put together. */
export interface AnswerStreamParts<L> {
  readonly lookup: L;
  readonly reader: PartReader;
  /** Ends the reading; what is read next rejects with its reason. */
  readonly signal: AbortSignal | undefined;
  /** Another reader, for one whose source fails before anything of it was read; undefined where it must not be tried again. */
  readonly again: (() => Promise<PartReader>) | undefined;
}

/**
 * An answer part by part, from the store or as it is generated; for one consumer, as an async iterator or as a `ReadableStream`. Parts
 * are this consumer's own. It ends cleanly only if the answer is whole; `return`, `cancel` and the call's signal end it early, and the
 * generation too when nobody else waits for it. One that is neither read nor ended holds on to its generation.
 * @example for await (const part of await cache.wrapStream(prompt, () => llm.stream(prompt))) process.stdout.write(part);
 */
export class AnswerStream<P, L = unknown> implements AsyncIterableIterator<P> {
  /** Where the answer comes from; `value` is undefined while it is being generated. */
  readonly lookup: L;
  #reader: PartReader;
  #again: AnswerStreamParts<L>['again'];
  #hasRead = false;
  #left: { readonly reason: unknown } | 'done' | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;

  constructor({ lookup, reader, signal, again }: AnswerStreamParts<L>) {
    this.lookup = lookup;
    this.#reader = reader;
    this.#again = again;
    this.#signal = signal;
    if (signal === undefined) return;
    this.#onAbort = () => this.#leave({ reason: signal.reason });
    if (signal.aborted) this.#onAbort();
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The next part. Rejects as the generation, or with the signal's reason. */
  next(): Promise<IteratorResult<P, undefined>> {
    return this.#reader.next().then(
      (result) => this.#took(result),
      (error: unknown) => this.#retry(error),
    );
  }

  /** Reads no more. */
  async return(): Promise<IteratorResult<P, undefined>> {
    this.#leave();
    this.#release();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** The same as a web stream, which asks for a part only when it is asked for one. */
  toReadableStream(): ReadableStream<P> {
    return new ReadableStream<P>(
      {
        pull: async (controller) => {
          const { done, value } = await this.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => void this.return(),
      },
      { highWaterMark: 0 },
    );
  }

  #took(result: IteratorResult<unknown, undefined>): IteratorResult<P, undefined> {
    this.#hasRead = true;
    // With it goes all that was known of the call.
    this.#again = undefined;
    if (result.done) this.#release();
    return result as IteratorResult<P, undefined>;
  }

  async #retry(error: unknown): Promise<IteratorResult<P, undefined>> {
    try {
      const again = this.#hasRead || this.#left !== undefined ? undefined : this.#again;
      if (again === undefined) throw error;
      this.#again = undefined;
      this.#reader = await again();
      if (this.#left !== undefined) this.#reader.leave(this.#left === 'done' ? undefined : this.#left);
      return this.#took(await this.#reader.next());
    } catch (failure) {
      this.#release();
      throw failure;
    }
  }

  #leave(because?: { readonly reason: unknown }): void {
    this.#left ??= because ?? 'done';
    this.#reader.leave(because);
  }

  #release(): void {
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
