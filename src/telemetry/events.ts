// What happens in a cache, as its listeners are told; types only. cache-types.ts shows them.
import type { Lookup } from '../cache-types.js';
import type { Key, Usage } from '../core/entry.js';
import type { LedgerHealth } from '../core/ledger.js';
import type { TierHealth } from '../tiers/watch.js';

/** An answer was written. */
export interface StoredEvent {
  readonly key: Key;
  /** Digest of its scope. */
  readonly scope: string;
  /** Names of the tiers that hold it. */
  readonly stored: readonly string[];
  /** Names of the tiers that could not write it. */
  readonly failed: readonly string[];
  /** Milliseconds that its generation took; undefined where that is unknown. */
  readonly costMs: number | undefined;
  readonly usage: Usage | undefined;
}

/** A hit was copied into a tier before the one that had it. */
export interface PromotedEvent {
  readonly key: Key;
  readonly scope: string;
  readonly from: string;
  readonly to: string;
}

/** An answer left memory by itself. */
export interface EvictedEvent {
  readonly key: Key;
  readonly scope: string;
  readonly tier: string;
  /** There was no room for it, or its time to live was over. */
  readonly reason: 'room' | 'expired';
}

/** Answers were removed by a call of this process; what is undefined played no part. */
export interface InvalidatedEvent {
  readonly by: 'invalidate' | 'delete' | 'clear';
  readonly tags: readonly string[] | undefined;
  readonly sources: readonly string[] | undefined;
  /** Digest of the scope. */
  readonly scope: string | undefined;
  readonly key: Key | undefined;
  /** Only answers created then or later, wall-clock milliseconds; absent where the time played no part. */
  readonly createdAfterMs?: number | undefined;
  /** Only answers created before. */
  readonly createdBeforeMs?: number | undefined;
}

/** Something does not do its part, and the cache goes on without it. */
export interface DegradedEvent {
  /** `tier` is given up · `write` one failed · `ledger` others' removals are unknown · `embedder`, `decision` one question was not matched by meaning. */
  readonly part: 'tier' | 'write' | 'ledger' | 'embedder' | 'decision';
  /** Name of the tier, of `tier` and `write`. */
  readonly tier: string | undefined;
  readonly error: unknown;
}

/** Events of a cache. */
export interface CacheEvents {
  hit: [Lookup];
  /** No tier had the answer; `refused` follows where one was near. */
  miss: [Lookup];
  /** A stored question was near enough, and a rule said that it is another one. */
  refused: [Lookup];
  /** The answer is being generated, or looked up, for another caller. */
  joined: [Lookup];
  stored: [StoredEvent];
  promoted: [PromotedEvent];
  evicted: [EvictedEvent];
  invalidated: [InvalidatedEvent];
  degraded: [DegradedEvent];
  /** A tier was given up, or is back. */
  tier: [TierHealth];
  /** Others' removals have been unknown for longer than `redis.max_stale_ms`, or are known again. */
  ledger: [LedgerHealth];
}

/** The events that concern one question. */
export type LookupEvent = 'hit' | 'miss' | 'refused' | 'joined';
/** The other events that are told beyond the cache. */
export type FactEvent = 'stored' | 'promoted' | 'evicted' | 'invalidated' | 'degraded';
