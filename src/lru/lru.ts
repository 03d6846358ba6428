// A map bounded by entries and bytes that drops the least recently used first; the only importer of lru-cache. Any folder may import it.
import { LRUCache } from 'lru-cache';
import { type Clock, systemClock } from '../core/clock.js';
import { InvalidArgumentError } from '../core/errors.js';

/** Why an item left a `BoundedMap`: pushed out, expired, replaced by a newer value, or removed on purpose. */
export type LeaveReason = 'evict' | 'expire' | 'replace' | 'delete';

/** How a `BoundedMap` is bounded. */
export interface BoundedMapOptions<K, V> {
  /** Most entries held, 1 to 2^24; room for the bookkeeping (about 40 bytes an entry) is taken at once. */
  readonly maxEntries: number;
  /** Most bytes held, by `sizeOf`; no bound of bytes by default. */
  readonly maxBytes?: number | undefined;
  /** Bytes of an item; needed with `maxBytes`, and then also behind `bytes`. */
  readonly sizeOf?: ((value: V, key: K) => number) | undefined;
  /** Called after an item left, for whatever reason. May call the map. */
  readonly onLeave?: ((key: K, value: V, reason: LeaveReason) => void) | undefined;
  /** Clock of the time to live; its monotonic side is used. Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** A map that holds at most so many entries and bytes, each for at most its time to live. */
export interface BoundedMap<K, V> {
  /** Items held, expired ones that nobody touched yet included. */
  readonly size: number;
  /** Bytes held, by `sizeOf`; 0 without one. */
  readonly bytes: number;
  /** The value, which becomes the most recently used; undefined when absent or expired. O(1). */
  get(key: K): V | undefined;
  /** The value without counting as a use. O(1). */
  peek(key: K): V | undefined;
  /**
   * Stores a value as the most recently used and pushes out others while a bound is exceeded. False when it was not stored:
   * larger than `maxBytes`, or with a `ttlMs` of 0 or less; an earlier value of the key is gone then too. O(1) amortised.
   */
  set(key: K, value: V, options?: { readonly ttlMs?: number | undefined }): boolean;
  /** True when there was one. */
  delete(key: K): boolean;
  /** Removes all. */
  clear(): void;
  /** Live items, most recently used first. */
  entries(): IterableIterator<[K, V]>;
}

// lru-cache calls an item stale when its age exceeds the time to live; here one that has reached it counts as expired.
const TTL_REACHED_MS = 1e-6;

const reasons: Partial<Record<LRUCache.DisposeReason, LeaveReason>> = {
  evict: 'evict',
  expire: 'expire',
  set: 'replace',
};

/** Refuses bounds that are none. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT as `boundedMap`. */
export function checkBounds<K, V>({ maxEntries, maxBytes, sizeOf }: BoundedMapOptions<K, V>): void {
  if (!Number.isInteger(maxEntries) || maxEntries < 1 || maxEntries > 2 ** 24) {
    throw new InvalidArgumentError('maxEntries', 'an integer from 1 to 2^24', maxEntries);
  }
  if (maxBytes !== undefined && (!Number.isSafeInteger(maxBytes) || maxBytes < 1)) {
    throw new InvalidArgumentError('maxBytes', 'a positive integer', maxBytes);
  }
  if (maxBytes !== undefined && sizeOf === undefined) {
    throw new InvalidArgumentError('sizeOf', 'a function when maxBytes is set', sizeOf);
  }
}

/**
 * Makes a `BoundedMap` that drops the least recently used first.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when a bound is not a positive integer, or `maxBytes` lacks `sizeOf`.
 */
export function boundedMap<K extends {}, V extends {}>(options: BoundedMapOptions<K, V>): BoundedMap<K, V> {
  checkBounds(options);
  const { maxEntries, maxBytes, sizeOf, onLeave, clock = systemClock } = options;
  // lru-cache takes only positive integers for sizes.
  const bytesOf = sizeOf && ((value: V, key: K) => Math.max(1, Math.ceil(sizeOf(value, key))));
  const items = new LRUCache<K, V>({
    max: maxEntries,
    ...(bytesOf && { maxSize: maxBytes ?? Number.MAX_SAFE_INTEGER, sizeCalculation: bytesOf }),
    ...(onLeave && {
      disposeAfter: (value: V, key: K, reason: LRUCache.DisposeReason) =>
        onLeave(key, value, reasons[reason] ?? 'delete'),
    }),
    // A start time of 0 means "no time to live" to lru-cache, so its clock must never show 0; and with a resolution above 0
    // it would read the clock once a timer tick, out of reach of a test's clock.
    perf: { now: () => clock.mono() + 1 },
    ttlResolution: 0,
  });
  return {
    get size() {
      return items.size;
    },
    get bytes() {
      return items.calculatedSize;
    },
    get: (key) => items.get(key),
    peek: (key) => items.peek(key),
    set(key, value, { ttlMs } = {}) {
      if (ttlMs !== undefined && !(ttlMs > 0)) {
        items.delete(key);
        return false;
      }
      const size = bytesOf?.(value, key);
      if (maxBytes !== undefined && size !== undefined && size > maxBytes) {
        items.delete(key);
        return false;
      }
      items.set(key, value, {
        ...(ttlMs !== undefined &&
          Number.isFinite(ttlMs) && { ttl: Math.max(ttlMs - TTL_REACHED_MS, Number.MIN_VALUE) }),
        ...(size !== undefined && { size }),
      });
      return true;
    },
    delete: (key) => items.delete(key),
    clear: () => items.clear(),
    entries: () => items.entries() as IterableIterator<[K, V]>,
  };
}
