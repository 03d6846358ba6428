// Embeds chunks with a bounded number under way, and splits what the model cannot read whole. For pipeline.ts.
import type { Clock } from '../core/clock.js';
import type { Embedder, Embedding } from '../core/embedder.js';
import { BusyError } from '../core/errors.js';
import { codePointBefore } from './boundaries.js';
import { chunks } from './chunk.js';
import type { Part } from './document.js';

/** A text that the model reads whole, with its vector. */
export interface Piece {
  readonly text: string;
  readonly vector: Float32Array;
  /** Page and headings that it begins under. */
  readonly place: Omit<Part, 'start'>;
}

const busyDelayMs = 20;

/** Asks an embedder for at most `limit` texts at a time, first come first served. */
export class ChunkEmbedder {
  readonly #embedder: Embedder;
  readonly #limit: number;
  readonly #signal: AbortSignal | undefined;
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #next = 0;

  constructor(embedder: Embedder, limit: number, signal: AbortSignal | undefined, clock: Clock) {
    this.#embedder = embedder;
    this.#limit = limit;
    this.#signal = signal;
    this.#clock = clock;
  }

  /** The text's pieces in order: one, or more when the model would have cut it. Settles only when nothing of it runs any more. */
  async pieces(text: string, place: Piece['place'] = {}): Promise<Piece[]> {
    const { vector, truncated } = await this.#embed(text);
    const parts = truncated ? halves(text) : [];
    if (parts.length < 2) return [{ text, vector, place }];
    return (await all(parts.map((part) => this.pieces(part, place)))).flat();
  }

  async #embed(text: string): Promise<Embedding> {
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      for (;;) {
        this.#signal?.throwIfAborted();
        try {
          return await this.#embedder.embed(text, { signal: this.#signal });
        } catch (error) {
          // Questions share the queue and go first; documents can wait.
          if (!(error instanceof BusyError)) throw error;
          await new Promise<void>((resolve) => this.#clock.after(busyDelayMs, resolve));
        }
      }
    } finally {
      this.#release();
    }
  }

  // A finished call hands its place on, so that newcomers do not overtake.
  #release(): void {
    const next = this.#waiting[this.#next];
    if (next === undefined) {
      this.#running--;
      return;
    }
    this.#next++;
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#next = 0;
    }
    next();
  }
}

/** As `Promise.all`, but waits for every promise before it rejects: what failed leaves nothing running behind. */
export async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

function halves(text: string): string[] {
  // Cuts fall into the last fifth of a size, so 5/9 puts them around the middle.
  const size = Math.ceil((text.length * 5) / 9);
  const parts = [...chunks(text, { size, overlap: 0, minSize: 0, separator: '\n\n' })].map(
    (chunk) => chunk.text,
  );
  if (parts.length > 1) return parts;
  const middle = codePointBefore(text, Math.floor(text.length / 2));
  return middle > 0 ? [text.slice(0, middle), text.slice(middle)] : [text];
}
