// Caches with the mock embedder, opened or put together by hand; imported by the tests of cache and service.
import { SemanticCache } from '#dist/cache.js';
import { type Clock, systemClock } from '#dist/core/clock.js';
import type { Embedder } from '#dist/core/embedder.js';
import type { Leases } from '#dist/core/lease.js';
import { type Ledger, LocalLedger } from '#dist/core/ledger.js';
import type { Tier } from '#dist/core/tier.js';
import { type Policy, policy } from '#dist/decide/policy.js';
import { encodeValue } from '#dist/disk/codec.js';
import type { FreshnessOptions } from '#dist/freshness.js';
import { type OpenOptions, openCache } from '#dist/open.js';
import type { StorePolicy } from '#dist/store-policy/policy.js';
import type { Hub } from '#dist/telemetry/hub.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { type GuardOptions, guard } from '#dist/tiers/guard.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { temporaryDirectory } from '../disk/support.js';

/** Opens a cache on a directory (a new one by default) with the mock embedder and nothing read from outside. */
export function openMock({
  directory = temporaryDirectory(),
  cache,
  ...options
}: OpenOptions & { directory?: string } = {}) {
  return openCache({
    embedder: mockEmbedder(),
    file: null,
    env: {},
    ...options,
    cache: { directory, minSimilarity: 0.8, ...cache },
  });
}

export interface AssembleOptions {
  readonly tiers?: readonly Tier[];
  readonly embedder?: Embedder;
  readonly policy?: Policy;
  readonly clock?: Clock;
  readonly ttlMs?: number;
  readonly semantic?: () => boolean;
  readonly guard?: GuardOptions;
  readonly embedTimeoutMs?: number;
  readonly ledger?: Ledger;
  readonly leases?: Leases;
  readonly maxStreamBytes?: number;
  readonly freshness?: FreshnessOptions;
  readonly storePolicy?: StorePolicy;
  readonly hub?: Hub;
}

/** A cache over tiers of the test's own; one memory tier by default. */
export function assemble(options: AssembleOptions = {}): SemanticCache {
  const { embedder = mockEmbedder(), clock = systemClock, semantic = () => true } = options;
  const tiers = options.tiers ?? [memoryTier({ dimension: embedder.dimension, clock })];
  return new SemanticCache({
    tiers: tiers.map((tier) => guard(tier, { clock, ...options.guard })),
    ledger: options.ledger ?? new LocalLedger(),
    leases: options.leases,
    maxStreamBytes: options.maxStreamBytes,
    freshness: options.freshness,
    storePolicy: options.storePolicy,
    hub: options.hub,
    embedder,
    policy: options.policy ?? policy({ minSimilarity: 0.8 }),
    candidates: 4,
    semantic,
    clock,
    embedTimeoutMs: options.embedTimeoutMs ?? 10_000,
    ttlMs: options.ttlMs ?? 3_600_000,
    checkValue: (value) => void encodeValue(value),
    release: async () => {},
  });
}

/** A promise and the means to settle it. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Lets everything that waits for no clock and no thread run. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
