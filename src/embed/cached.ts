// Remembers embeddings and shares running ones; imported by the composition root.
import type { Clock } from '../core/clock.js';
import type { Embedder, Embedding } from '../core/embedder.js';
import { ClosedError } from '../core/errors.js';
import { boundedMap } from '../lru/lru.js';

/** How much a cached embedder remembers. */
export interface CachedEmbedderOptions {
  /** Most embeddings; default 10,000. */
  readonly maxEntries?: number | undefined;
  /** Most bytes of texts and vectors; default 64 MiB. */
  readonly maxBytes?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** What the cache of embeddings did. */
export interface CachedEmbedderStats {
  /** Answered from memory. */
  readonly hits: number;
  /** Computed. */
  readonly misses: number;
  /** Joined a computation of the same text that was running. */
  readonly shared: number;
  readonly entries: number;
  readonly bytes: number;
}

/** An embedder with a memory. */
export interface CachedEmbedder extends Embedder {
  stats(): CachedEmbedderStats;
}

interface Flight {
  readonly result: Promise<Embedding>;
  readonly abort: AbortController;
  callers: number;
}

// A Map entry, a string header, a typed array and its buffer, as V8 lays them out: about this much beside the content.
const OVERHEAD_BYTES = 300;

/**
 * An embedder that remembers the least recently used texts' vectors by the exact text, and computes equal texts that are asked
 * at the same time once: that computation is aborted only when each of its callers has aborted. Failures are not remembered.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when a bound is not a positive integer.
 */
export function cachedEmbedder(embedder: Embedder, options: CachedEmbedderOptions = {}): CachedEmbedder {
  const known = boundedMap<string, Embedding>({
    maxEntries: options.maxEntries ?? 10_000,
    maxBytes: options.maxBytes ?? 64 * 1024 * 1024,
    sizeOf: ({ vector }, text) => vector.byteLength + 2 * text.length + OVERHEAD_BYTES,
    clock: options.clock,
  });
  const flights = new Map<string, Flight>();
  let hits = 0;
  let misses = 0;
  let shared = 0;
  let closing: Promise<void> | undefined;

  function start(text: string): Flight {
    const abort = new AbortController();
    const result = embedder.embed(text, { signal: abort.signal });
    const flight: Flight = { result, abort, callers: 0 };
    flights.set(text, flight);
    const land = () => {
      if (flights.get(text) === flight) flights.delete(text);
    };
    result.then((embedding) => {
      land();
      if (!closing) known.set(text, embedding);
    }, land);
    return flight;
  }

  function join(text: string, flight: Flight, signal: AbortSignal | undefined): Promise<Embedding> {
    flight.callers++;
    if (!signal) return flight.result;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        reject(signal.reason);
        if (--flight.callers > 0) return;
        // Whoever asks from here on starts anew instead of joining what is being given up.
        if (flights.get(text) === flight) flights.delete(text);
        flight.abort.abort(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      flight.result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  return {
    name: embedder.name,
    dimension: embedder.dimension,
    fingerprint: embedder.fingerprint,
    async embed(text, { signal } = {}) {
      if (closing) throw new ClosedError(`embedder ${embedder.name}`);
      signal?.throwIfAborted();
      const found = known.get(text);
      if (found) {
        hits++;
        return found;
      }
      let flight = flights.get(text);
      if (flight) shared++;
      else {
        misses++;
        flight = start(text);
      }
      return join(text, flight, signal);
    },
    ...(embedder.countTokens && {
      countTokens: (...given: Parameters<NonNullable<Embedder['countTokens']>>) =>
        (embedder.countTokens as NonNullable<Embedder['countTokens']>)(...given),
    }),
    warm: () => embedder.warm(),
    close() {
      closing ??= embedder.close().finally(() => known.clear());
      return closing;
    },
    stats: () => ({ hits, misses, shared, entries: known.size, bytes: known.bytes }),
  };
}
