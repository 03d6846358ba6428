// Counts and latencies of a cache; cache.ts writes to it.
import type { CacheStats, Health, Lookup } from './cache-types.js';
import { Counters, Latency } from './core/stats.js';
import type { TierSize } from './core/tier.js';
import type { DecisionStats } from './lessons.js';
import { Savings, type SavingsOptions } from './savings/savings.js';
import type { TierHealth } from './tiers/guard.js';

/** What is counted besides hits. */
export type Count =
  | 'queries'
  | 'misses'
  | 'coalesced'
  | 'refused'
  | 'truncated'
  | 'embedErrors'
  | 'storeErrors'
  | 'uncacheable'
  | 'withheld'
  | 'stale'
  | 'revalidations'
  | 'decideErrors';

interface TierLatencies {
  readonly exact: Latency;
  readonly semantic: Latency;
  readonly semanticWithoutEmbedding: Latency;
}

/** Keeps the statistics of one cache. */
export class Recorder {
  readonly #counts = new Counters<Count>();
  readonly #tiers = new Map<string, TierLatencies>();
  readonly #embedding = new Latency();
  readonly #miss = new Latency();

  /** What hits have saved. */
  readonly savings: Savings;

  constructor(tiers: readonly string[], savings?: SavingsOptions) {
    this.savings = new Savings(savings);
    for (const name of tiers) {
      this.#tiers.set(name, {
        exact: new Latency(),
        semantic: new Latency(),
        semanticWithoutEmbedding: new Latency(),
      });
    }
  }

  count(name: Count): void {
    this.#counts.add(name);
  }

  /** An exact hit that needed no waiting: all that the fastest path can afford. */
  hitAtOnce(tier: string, latencyMs: number): void {
    this.#counts.add('queries');
    this.#tiers.get(tier)?.exact.record(latencyMs);
  }

  /** A query that is done. */
  lookup(lookup: Lookup): void {
    const { match, tier, latencyMs, embedMs } = lookup;
    this.#counts.add('queries');
    if (embedMs > 0) this.#embedding.record(embedMs);
    if (lookup.truncated) this.#counts.add('truncated');
    if (match === 'none') {
      this.#counts.add('misses');
      this.#miss.record(latencyMs);
      if (lookup.refused !== null) this.#counts.add('refused');
      return;
    }
    this.#tiers.get(tier)?.[match].record(latencyMs);
    if (match === 'semantic') this.#tiers.get(tier)?.semanticWithoutEmbedding.record(latencyMs - embedMs);
  }

  stats(
    sizes: readonly TierSize[],
    { tiers: healths, ledger }: Health,
    decision?: DecisionStats,
  ): CacheStats {
    const tiers = [...this.#tiers].map(([name, latencies], index) => ({
      name,
      ...(sizes[index] as TierSize),
      exact: latencies.exact.summary(),
      semantic: latencies.semantic.summary(),
      semanticWithoutEmbedding: latencies.semanticWithoutEmbedding.summary(),
      health: healths[index] as TierHealth,
    }));
    const counts = [
      'queries',
      'misses',
      'coalesced',
      'refused',
      'truncated',
      'embedErrors',
      'storeErrors',
      'decideErrors',
      'uncacheable',
      'withheld',
      'stale',
      'revalidations',
    ] as const;
    return {
      ...(Object.fromEntries(counts.map((name) => [name, this.#counts.get(name)])) as Record<Count, number>),
      hits: tiers.reduce((sum, { exact, semantic }) => sum + exact.count + semantic.count, 0),
      saved: this.savings.stats(),
      embedding: this.#embedding.summary(),
      miss: this.#miss.summary(),
      latency: Latency.together([
        this.#miss,
        ...[...this.#tiers.values()].flatMap(({ exact, semantic }) => [exact, semantic]),
      ]),
      tiers,
      ledger,
      decision,
    };
  }
}
