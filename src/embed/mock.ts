// A deterministic embedder without a model, for tests and demonstrations; any test may import it.
import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.js';
import type { Embedder, Embedding } from '../core/embedder.js';
import { ClosedError, EmbedError, InvalidArgumentError } from '../core/errors.js';
import { toUnit } from './vector.js';

/** How the mock behaves. */
export interface MockEmbedderOptions {
  /** Length of the vectors; default 384. */
  readonly dimension?: number | undefined;
  /** Texts for which `embed` rejects with `EmbedError`. */
  readonly failOn?: ((text: string) => boolean) | undefined;
  /** Time an `embed` takes in milliseconds, on `clock`; default none. */
  readonly delayMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** The mock, with a count of what it was asked. */
export interface MockEmbedder extends Embedder {
  /** Calls of `embed` so far. */
  readonly calls: number;
}

// A word weighs more than its parts, so that texts with the same words are nearer than texts with similar ones.
const WORD_WEIGHT = 1;
const TRIGRAM_WEIGHT = 0.25;
const MAX_TOKENS = 256;

/**
 * An embedder whose vectors come from the words and letter trigrams of a text: each is hashed (SHA-256) to four places of the
 * vector with a sign. Texts that share words are near (order does not count), unrelated ones close to orthogonal, equal ones
 * equal. It knows no meaning: `car` and `automobile` are strangers. Longer texts than 254 words count as truncated.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when `dimension` is not an integer of at least 8.
 */
export function mockEmbedder(options: MockEmbedderOptions = {}): MockEmbedder {
  const { dimension = 384, failOn, delayMs = 0, clock = systemClock } = options;
  if (!Number.isSafeInteger(dimension) || dimension < 8) {
    throw new InvalidArgumentError('dimension', 'an integer of at least 8', dimension);
  }
  const name = 'mock';
  let calls = 0;
  let closed = false;

  function embedNow(text: string): Embedding {
    if (failOn?.(text)) throw new EmbedError(name, 'told to fail on this text');
    const words = wordsOf(text);
    const read = words.slice(0, MAX_TOKENS - 2);
    const sum = new Float64Array(dimension);
    for (const word of read) {
      addFeature(sum, `w:${word}`, WORD_WEIGHT);
      const padded = `^${word}$`;
      for (let i = 0; i + 3 <= padded.length; i++) {
        addFeature(sum, `t:${padded.slice(i, i + 3)}`, TRIGRAM_WEIGHT);
      }
    }
    const truncated = words.length > read.length;
    let vector = toUnit(sum);
    if (!vector) {
      // Nothing to read, or features that cancel out: a vector of the text as a whole.
      addFeature(sum.fill(0), `x:${text}`, 1);
      vector = toUnit(sum) as Float32Array;
    }
    return { vector, tokens: words.length + 2, truncated, matchable: !truncated && words.length > 0 };
  }

  return {
    name,
    dimension,
    fingerprint: createHash('sha256').update(`mock 1 ${dimension}`).digest('hex'),
    get calls() {
      return calls;
    },
    async embed(text, { signal } = {}) {
      if (closed) throw new ClosedError(`embedder ${name}`);
      signal?.throwIfAborted();
      calls++;
      if (delayMs > 0) await pause(clock, delayMs, signal);
      return embedNow(text);
    },
    async countTokens(texts) {
      return texts.map((text) => wordsOf(text).length);
    },
    async warm() {
      if (closed) throw new ClosedError(`embedder ${name}`);
    },
    async close() {
      closed = true;
    },
  };
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}\p{S}]+/gu) ?? [];
}

function addFeature(sum: Float64Array, feature: string, weight: number): void {
  const bytes = createHash('sha256').update(feature).digest();
  const taken = new Set<number>();
  for (let at = 0; taken.size < 4; at += 4) {
    // Places differ within a feature, so that it never cancels itself out.
    let place = bytes.readUInt32LE(at % 28) % sum.length;
    while (taken.has(place)) place = (place + 1) % sum.length;
    taken.add(place);
    const sign = ((bytes[28 + (taken.size % 4)] as number) & 1) === 0 ? 1 : -1;
    sum[place] = (sum[place] as number) + sign * weight;
  }
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
