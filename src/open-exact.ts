// Exact tiers by themselves, without an embedder: for Keyv, for embeddings and for whoever caches by key alone. The public face exports it.
import { join, resolve } from 'node:path';
import { systemClock } from './core/clock.js';
import type { Tier } from './core/tier.js';
import { Environment } from './disk/environment.js';
import { configOf, type OpenOptions } from './open.js';
import { openShared } from './stores.js';
import { guard } from './tiers/guard.js';
import { memoryTier } from './tiers/memory.js';

/** Memory, and behind it the cache directory or Redis. */
export interface ExactGround {
  readonly tiers: readonly Tier[];
  /** Finishes writing and releases files and sockets. Idempotent. */
  close(): Promise<void>;
}

/** The folder below the cache directory that holds them: its values are not answers, and belong to no embedder. */
const folder = 'exact';

/**
 * Opens the exact tiers that the configuration names: `cache.max_entries`, `cache.max_bytes`, `cache.directory`, `redis.*`. No model is
 * loaded. A tier that fails or is late counts as a miss, as in the cache.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG · {DirectoryError} ERR_LLM_CACHE_DIRECTORY
 * @example const exact = await openExactTiers(); const keyv = new Keyv({ store: new KeyvStore(exact) });
 */
export async function openExactTiers(options: Omit<OpenOptions, 'embedder'> = {}): Promise<ExactGround> {
  const { clock = systemClock, redisClient } = options;
  const config = configOf(options);
  const { maxEntries, maxBytes, eviction, directory } = config.cache;
  const environment = new Environment(join(resolve(directory), folder));
  try {
    const shared = await openShared(config, environment, clock, redisClient);
    const timeoutMs = shared.isRemote ? config.redis.commandTimeoutMs : undefined;
    const tiers = [
      memoryTier({ dimension: 1, maxEntries, maxBytes, eviction, clock }),
      guard(shared.tier, { clock, timeoutMs }),
    ];
    let closing: Promise<void> | undefined;
    const close = async () => {
      for (const tier of tiers) await tier.close();
      await shared.ledger.close();
      await shared.leases?.close();
      await shared.close();
      await environment.close();
    };
    return {
      tiers,
      close() {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await environment.close();
    throw error;
  }
}
