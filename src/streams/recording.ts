// How a stream is kept beside its plain value, and how it is played back. stream-origin.ts and streams/ import it.
import type { Clock } from '../core/clock.js';
import type { Recording } from '../core/entry.js';
import { InvalidArgumentError } from '../core/errors.js';
import type { PartReader } from './live.js';
import { copyOf } from './source.js';

/** How parts become a plain answer, and a plain answer parts. */
export interface StreamShape<P, V = unknown> {
  /** Makes the plain answer of all parts. Default: texts are joined; other parts become a list. */
  readonly join?: ((parts: readonly P[]) => V) | undefined;
  /** Makes parts of an answer that did not come as a stream. Default: a list gives its items, anything else is one part. */
  readonly split?: ((value: V) => Iterable<P>) | undefined;
}

/** How a stored stream is played back. */
export interface ReplayOptions {
  /** `at-once`, or `paced` as the stream came. Default `at-once`. */
  readonly replay?: 'at-once' | 'paced' | undefined;
  /** Most milliseconds between two parts of a paced replay, 0 to 60,000. Default 250. */
  readonly maxGapMs?: number | undefined;
}

const longestGapMs = 60_000;

/** The plain answer of all parts. */
export function joined<P, V>({ join }: StreamShape<P, V>, parts: readonly P[]): unknown {
  if (join !== undefined) return join(parts);
  return parts.every((part) => typeof part === 'string') ? parts.join('') : parts;
}

/** What must be kept beside the plain value, so that the parts come back as they were. */
export function record(value: unknown, parts: readonly unknown[], gapsMs: readonly number[]): Recording {
  const gaps = gapsMs.map((gap) => Math.round(gap));
  if (value === parts) return { gapsMs: gaps };
  const areTexts = parts.every((part) => typeof part === 'string');
  if (areTexts && parts.join('') === value) {
    return { lengths: (parts as readonly string[]).map(({ length }) => length), gapsMs: gaps };
  }
  return { parts, gapsMs: gaps };
}

/** The parts of a stored answer. */
export function partsOf<P, V>(
  { split }: StreamShape<P, V>,
  value: V,
  recording: Recording | undefined,
): readonly unknown[] {
  if (recording?.parts !== undefined) return recording.parts;
  if (recording?.lengths !== undefined && typeof value === 'string') {
    let at = 0;
    return recording.lengths.map((length) => {
      at += length;
      return value.slice(at - length, at);
    });
  }
  if (recording !== undefined && Array.isArray(value)) return value;
  if (split !== undefined) return [...split(value)];
  return Array.isArray(value) ? value : [value];
}

/** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkStreamOptions<P, V>(options: StreamShape<P, V> & ReplayOptions): void {
  const { join, split, replay, maxGapMs } = options;
  for (const [name, option] of Object.entries({ join, split })) {
    if (option !== undefined && typeof option !== 'function')
      throw new InvalidArgumentError(name, 'a function', option);
  }
  if (replay !== undefined && replay !== 'at-once' && replay !== 'paced')
    throw new InvalidArgumentError('replay', 'at-once or paced', replay);
  if (
    maxGapMs !== undefined &&
    !(typeof maxGapMs === 'number' && maxGapMs >= 0 && maxGapMs <= longestGapMs)
  ) {
    throw new InvalidArgumentError('maxGapMs', `from 0 to ${longestGapMs} milliseconds`, maxGapMs);
  }
}

/** Plays parts back: at once, or with the gaps that they came with, each no longer than `maxGapMs`. */
export function replayed(
  parts: readonly unknown[],
  gapsMs: readonly number[] | undefined,
  { replay = 'at-once', maxGapMs = 250 }: ReplayOptions,
  clock: Clock,
): PartReader {
  return new Replay(parts, replay === 'paced' ? (gapsMs ?? []) : [], maxGapMs, clock);
}

class Replay implements PartReader {
  readonly #parts: readonly unknown[];
  readonly #gapsMs: readonly number[];
  readonly #maxGapMs: number;
  readonly #clock: Clock;
  #place = 0;
  #left: { readonly reason: unknown } | 'done' | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #endPause = () => {};

  constructor(parts: readonly unknown[], gapsMs: readonly number[], maxGapMs: number, clock: Clock) {
    this.#parts = parts;
    this.#gapsMs = gapsMs;
    this.#maxGapMs = maxGapMs;
    this.#clock = clock;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => {});
    return result;
  }

  leave(because?: { readonly reason: unknown }): void {
    this.#left ??= because ?? 'done';
    this.#endPause();
  }

  async #next(): Promise<IteratorResult<unknown, undefined>> {
    const gapMs = Math.min(this.#gapsMs[this.#place] ?? 0, this.#maxGapMs);
    if (gapMs > 0 && this.#place < this.#parts.length && this.#left === undefined) await this.#pause(gapMs);
    if (this.#left !== undefined && this.#left !== 'done') throw this.#left.reason;
    if (this.#left === 'done' || this.#place >= this.#parts.length) return { done: true, value: undefined };
    const part = this.#parts[this.#place++];
    return { done: false, value: copyOf(part)?.copy ?? part };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }
}
