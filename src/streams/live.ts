// A stream in flight that many read: the prefix at once, then what comes. stream-origin.ts and streams/ import it.
import type { Clock } from '../core/clock.js';
import { CapacityError } from '../core/errors.js';
import { copyOf, roughBytes } from './source.js';

/** Reads parts one after the other. */
export interface PartReader {
  next(): Promise<IteratorResult<unknown, undefined>>;
  /** Reads no more. With a reason, this and later calls of `next` reject with it; else they are done. */
  leave(because?: { readonly reason: unknown }): void;
}

/** How a stream is held. */
export interface LiveOptions {
  readonly clock: Clock;
  /** Monotonic milliseconds from which the first gap counts. */
  readonly startedMs: number;
  /** Bytes of parts kept for readers that come later, and for storing. */
  readonly maxBytes: number;
  /** Called once when the last reader has left before the end. */
  readonly onStop: (reason: unknown) => void;
}

/** How a stream ended. */
export type Ending = { readonly how: 'clean' } | { readonly how: 'failed'; readonly error: unknown };

const done = { done: true, value: undefined } as const;

/**
 * One source, many readers. The source is asked for a part when a reader has read all there is and wants more, so the fastest sets the
 * pace while the whole stream fits into `maxBytes`. Beyond that nobody new may join, what all have read is dropped, and the slowest sets
 * the pace. The source is stopped when the last reader leaves.
 */
export class LiveStream {
  readonly #source: AsyncIterator<unknown>;
  readonly #options: LiveOptions;
  readonly #parts: unknown[] = [];
  readonly #gapsMs: number[] = [];
  /** Number of the first part that is still here. */
  #first = 0;
  #bytes = 0;
  #lastAt: number;
  #pulling = false;
  #ending: Ending | undefined;
  #isFaithful = true;
  readonly #readers = new Set<LiveReader>();
  #settle!: (ending: Ending) => void;
  /** Resolves when the stream is over. Never rejects. */
  readonly over = new Promise<Ending>((resolve) => {
    this.#settle = resolve;
  });

  constructor(source: AsyncIterator<unknown>, options: LiveOptions) {
    this.#source = source;
    this.#options = options;
    this.#lastAt = options.startedMs;
  }

  /** All parts are here, for a reader that comes now. */
  get isWhole(): boolean {
    return this.#first === 0 && this.#ending?.how !== 'failed';
  }

  /** Parts and gaps; undefined when some were dropped or could not be copied. */
  get recorded(): { readonly parts: readonly unknown[]; readonly gapsMs: readonly number[] } | undefined {
    const isComplete = this.#first === 0 && this.#isFaithful && this.#bytes <= this.#options.maxBytes;
    return isComplete ? { parts: this.#parts, gapsMs: this.#gapsMs } : undefined;
  }

  /** A reader from the first part on. The stream lives as long as it has one. */
  read(): PartReader {
    const reader = new LiveReader(this);
    this.#readers.add(reader);
    return reader;
  }

  /**
   * Resolves with the first part, or the end, at hand; whoever wants to read must say so in the same turn of the event loop. Rejects with
   * the signal's reason, or as the source.
   */
  async begin(signal: AbortSignal): Promise<void> {
    const opener = this.read();
    const free = leaveOn(opener, signal);
    try {
      await opener.next();
      setImmediate(() => opener.leave());
    } catch (error) {
      opener.leave();
      throw error;
    } finally {
      free();
    }
  }

  /** Reads to the end for somebody who wants the whole. Rejects with the signal's reason, or as the source. */
  async drain(signal?: AbortSignal): Promise<void> {
    const reader = this.read();
    const free = leaveOn(reader, signal);
    try {
      while (!(await reader.next()).done);
    } finally {
      free();
    }
  }

  /** Stops the source unless somebody reads it or it is over. */
  #stopIfUnread(reason: unknown): void {
    if (this.#readers.size > 0 || this.#ending !== undefined) return;
    this.#end({ how: 'failed', error: reason });
    this.#options.onStop(reason);
    Promise.resolve()
      .then(() => this.#source.return?.())
      .catch(() => {});
  }

  /** For readers: the part at a place; undefined while it has not come, and then it was asked for. */
  at(place: number): IteratorResult<unknown, undefined> | undefined {
    // Who has read nothing may still read another stream as a whole.
    if (place === 0 && this.#ending?.how === 'failed') throw this.#ending.error;
    const index = place - this.#first;
    if (index < 0) throw new CapacityError('the beginning of a stream in flight is gone');
    if (index < this.#parts.length) {
      const part = this.#parts[index];
      const value = copyOf(part)?.copy ?? part;
      return { done: false, value };
    }
    if (this.#ending?.how === 'clean') return done;
    if (this.#ending !== undefined) throw this.#ending.error;
    this.#pull();
    return undefined;
  }

  /** For readers: one has read the part at a place. */
  advanced(place: number): void {
    if (this.#bytes > this.#options.maxBytes && place === this.#first) this.#trim();
  }

  /** For readers: one reads no more. */
  left(reader: LiveReader, reason: unknown): void {
    if (!this.#readers.delete(reader)) return;
    if (this.#readers.size === 0) this.#stopIfUnread(reason);
    else if (this.#bytes > this.#options.maxBytes) this.#trim();
  }

  #pull(): void {
    if (this.#pulling || this.#ending !== undefined) return;
    // Too much is here already: the slowest must read first.
    if (this.#first > 0 || this.#bytes > this.#options.maxBytes) {
      this.#drop();
      if (this.#bytes > this.#options.maxBytes) return;
    }
    this.#pulling = true;
    Promise.resolve()
      .then(() => this.#source.next())
      .then(
        (result) => (result.done ? this.#end({ how: 'clean' }) : this.#take(result.value)),
        (error: unknown) => this.#end({ how: 'failed', error }),
      );
  }

  #take(part: unknown): void {
    this.#pulling = false;
    if (this.#ending !== undefined) return;
    const now = this.#options.clock.mono();
    const copied = copyOf(part);
    if (copied === undefined) this.#isFaithful = false;
    this.#parts.push(copied === undefined ? part : copied.copy);
    this.#gapsMs.push(now - this.#lastAt);
    this.#lastAt = now;
    this.#bytes += roughBytes(part);
    this.#wake();
  }

  #end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#pulling = false;
    this.#ending = ending;
    this.#settle(ending);
    this.#wake();
  }

  #wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  /** Lets go of what all have read, and goes on if somebody waits. */
  #trim(): void {
    this.#drop();
    if (this.#bytes <= this.#options.maxBytes) this.#wake();
  }

  #drop(): void {
    let slowest = Number.POSITIVE_INFINITY;
    for (const { place } of this.#readers) slowest = Math.min(slowest, place);
    const count = Math.min(this.#parts.length, slowest - this.#first);
    if (count <= 0) return;
    for (const part of this.#parts.splice(0, count)) this.#bytes -= roughBytes(part);
    this.#gapsMs.splice(0, count);
    this.#first += count;
  }
}

/** A call of `next` that is not answered yet. */
interface Waiting {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

/** A place in the stream, and nothing else: with a thousand readers, whatever a reader holds is held a thousand times. */
class LiveReader implements PartReader {
  readonly #live: LiveStream;
  #place = 0;
  #left: { readonly reason: unknown } | 'done' | undefined;
  /** In the order of the calls. */
  readonly #waiting: Waiting[] = [];

  constructor(live: LiveStream) {
    this.#live = live;
  }

  /** Number of the part that it reads next. */
  get place(): number {
    return this.#place;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      const isFirst = this.#waiting.push({ resolve, reject }) === 1;
      if (isFirst) this.wake();
    });
  }

  leave(because?: { readonly reason: unknown }): void {
    if (this.#left !== undefined) return;
    this.#left = because ?? 'done';
    this.#live.left(
      this,
      because?.reason ?? new DOMException('nobody reads the stream any more', 'AbortError'),
    );
    this.wake();
  }

  /** Called when there may be more. */
  wake(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      let result: IteratorResult<unknown, undefined> | undefined;
      try {
        result = this.#now();
      } catch (error) {
        this.#waiting.shift();
        first.reject(error);
        continue;
      }
      if (result === undefined) return;
      this.#waiting.shift();
      first.resolve(result);
      // Last, because it may wake this very reader.
      if (!result.done) this.#live.advanced(this.#place++);
    }
  }

  /** What is to be read at its place; undefined while that has not come. */
  #now(): IteratorResult<unknown, undefined> | undefined {
    if (this.#left === 'done') return done;
    if (this.#left !== undefined) throw this.#left.reason;
    return this.#live.at(this.#place);
  }
}

/** Makes a reader leave when the signal aborts; what comes back takes that away. */
function leaveOn(reader: PartReader, signal: AbortSignal | undefined): () => void {
  const leave = () => reader.leave({ reason: signal?.reason });
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  return () => signal?.removeEventListener('abort', leave);
}
