// The metrics that the Python package llm-semantic-cache names in its README, for dashboards made for it. The public face exports it.
import type { CacheStats } from './cache-types.js';

/** Gauges under the names of the Python package. */
export interface PythonGauges {
  /** Share of queries answered from memory, 0 to 1. */
  readonly cache_hit_rate_local_hnsw: number;
  /** Share of queries answered by tier B, 0 to 1. */
  readonly cache_hit_rate_redis: number;
  /** Share of queries that no tier could answer, 0 to 1. */
  readonly cache_miss_rate_vector_db: number;
  /** Milliseconds, all queries. */
  readonly query_latency_p50: number;
  readonly query_latency_p95: number;
  readonly query_latency_p99: number;
  /** Megabytes (10^6 bytes) of tier A. */
  readonly memory_usage_local_hnsw_mb: number;
  /** Megabytes of tier B: in Redis, or on disk where it is there. */
  readonly memory_usage_redis_mb: number;
  /** Queries that reached the vector database or what lies behind the tiers. */
  readonly vector_db_query_count: number;
  /** Calls to Redis that found no connection. */
  readonly redis_connection_errors: number;
  readonly vector_db_timeout_errors: number;
  readonly embedding_failures: number;
}

const tierA = 'memory';
const tierC = 'vector';

/** The statistics of a cache or a query service, since it was opened, as the Python package would name them. All 0 before the first query. */
export function pythonGauges(stats: CacheStats): PythonGauges {
  const { queries, misses, embedErrors, latency, tiers } = stats;
  const named = (name: string) => tiers.find((tier) => tier.name === name);
  const b = tiers.find(({ name }) => name !== tierA && name !== tierC);
  const hits = (tier: typeof b) => (tier === undefined ? 0 : tier.exact.count + tier.semantic.count);
  const share = (count: number) => (queries === 0 ? 0 : count / queries);
  const megabytes = (tier: typeof b) => (tier?.bytes ?? 0) / 1e6;
  return {
    cache_hit_rate_local_hnsw: share(hits(named(tierA))),
    cache_hit_rate_redis: share(hits(b)),
    cache_miss_rate_vector_db: share(misses),
    query_latency_p50: latency.p50Ms,
    query_latency_p95: latency.p95Ms,
    query_latency_p99: latency.p99Ms,
    memory_usage_local_hnsw_mb: megabytes(named(tierA)),
    memory_usage_redis_mb: megabytes(b),
    vector_db_query_count: misses + hits(named(tierC)),
    redis_connection_errors: b?.health.counts.connection ?? 0,
    vector_db_timeout_errors: named(tierC)?.health.counts.timeouts ?? 0,
    embedding_failures: embedErrors,
  };
}
