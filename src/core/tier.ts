// The one interface every tier has; any folder may import it.
import type { Candidate, Entry, Key } from './entry.js';
import type { Scope } from './scope.js';

/** A value, or a promise of it: tiers in memory answer at once. */
export type MaybePromise<T> = T | Promise<T>;

/** Tells a promise from a value without waiting for it. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === 'function';
}

/** How much a tier holds. */
export interface TierSize {
  /** Number of entries, expired ones that were not swept yet included. */
  readonly entries: number;
  /** Bytes held, as exactly as the tier can tell. */
  readonly bytes: number;
}

/** How an entry is written. */
export interface SetOptions {
  /** Write only where the tier holds no entry of this key: promotion must never overwrite a newer entry. */
  readonly onlyIfAbsent?: boolean;
  /** Write only while this lease is held (`lease.ts`), where the tier can tell: what a holder that was given up brings late is refused. */
  readonly fence?: string | undefined;
}

/** Which entry is removed. */
export interface DeleteOptions {
  /**
   * Remove only where this says so of the entry that the tier holds: what is to make room for a newer one must not take that along.
   * A tier that cannot look and remove at once may leave the entry. Default: whatever is held.
   */
  readonly onlyIf?: ((held: Entry) => boolean) | undefined;
}

/**
 * A place that holds entries. A tier never decides whether a candidate is a hit, never returns an expired entry or one of
 * another scope, and may answer synchronously. Its methods may throw; `guard` turns that into a counted miss.
 */
export interface Tier {
  /** Unique within a cache; shown in statistics and results. */
  readonly name: string;
  /** True when every process of the cache sees the same entries, so that it is no staler here than anywhere. Default false. */
  readonly shared?: boolean;
  /** The entry of this exact key in this scope. */
  get(key: Key, scope: Scope): MaybePromise<Entry | undefined>;
  /**
   * Up to `k` entries of the scope nearest to the unit-length `vector`, best first. Where the best is less similar than `floor`, it
   * alone is enough. Absent where the tier has no index.
   */
  near?(vector: Float32Array, scope: Scope, k: number, floor?: number): MaybePromise<readonly Candidate[]>;
  /** Marks an entry found by `near` as used, where the tier drops the least recently used first. */
  touch?(key: Key): void;
  /**
   * Stores the entry, replacing an earlier one of the same key. Answers when it is as durable as the tier promises: true, or false
   * when the tier keeps no such entry (too large, without a vector, expired).
   */
  set(entry: Entry, options?: SetOptions): MaybePromise<boolean>;
  /** Removes one entry; true when there was one. */
  delete(key: Key, scope: Scope, options?: DeleteOptions): MaybePromise<boolean>;
  /** Removes every entry, or every entry of one scope. */
  clear(scope?: Scope): MaybePromise<void>;
  /** How much the tier holds. */
  size(): MaybePromise<TierSize>;
  /** Releases files, sockets and memory. Idempotent. */
  close(): Promise<void>;
}
