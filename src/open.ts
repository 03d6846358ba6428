// The composition root: configuration → tiers, embedder, databases. The only file that knows them all; index.ts exports its functions.

import { resolve } from 'node:path';
import { announce, announceLedger, type Logger } from './announce.js';
import { SemanticCache } from './cache.js';
import type { CacheParts } from './cache-parts.js';
import type { CacheStats } from './cache-types.js';
import { type LoadOptions, loadConfig } from './config/load.js';
import type { Config, ConfigInput } from './config/types.js';
import { type Clock, systemClock } from './core/clock.js';
import type { Embedder } from './core/embedder.js';
import type { Entry } from './core/entry.js';
import { native } from './core/native.js';
import type { Tier } from './core/tier.js';
import { CorpusVersion } from './corpus-version.js';
import { encodeValue } from './disk/codec.js';
import { Environment } from './disk/environment.js';
import { bindOrder } from './disk/ledger.js';
import { addLifetime, type Lifetime } from './disk/lifetime.js';
import { remembered } from './disk/remembered.js';
import { cachedEmbedder } from './embed/cached.js';
import { diskManifest } from './ingest/disk-manifest.js';
import { answersPolicy, freshness } from './open-answers.js';
import { type DecisionHooks, type DecisionParts, decisionParts } from './open-decision.js';
import { checkDimension, openEmbedder, startCanary } from './open-embedder.js';
import { savingsParts } from './open-savings.js';
import { withShipped } from './open-verifier.js';
import { QueryService } from './query-service.js';
import type { RedisOptions } from './redis/connection.js';
import type { StoreHook } from './store-policy/policy.js';
import {
  answersDatabase,
  corpusDatabase,
  corpusPlace,
  openDatabase,
  openEngine,
  openShared,
  type Shared,
} from './stores.js';
import { Hub } from './telemetry/hub.js';
import { openTelemetrySink } from './telemetry/otel.js';
import { guard, type TierHealth } from './tiers/guard.js';
import { memoryTier } from './tiers/memory.js';
import { vectorTier } from './tiers/vector.js';
import { diskStore } from './warm/disk-store.js';
import type { WarmHooks, WarmingParts } from './warming.js';

/** How a cache or a service is opened: any configuration key, and what only code can give. */
export interface OpenOptions extends ConfigInput, DecisionHooks {
  /** Replaces the embedder that the configuration names; `close` closes it. */
  readonly embedder?: Embedder | undefined;
  /** An ioredis client of yours for tier B, used as it is and never closed; switches Redis on in the place of `redis.host` and its kind. */
  readonly redisClient?: RedisOptions['client'];
  /**
   * Tier B of your own, such as `keyvTier(keyv)`, in the place of the directory or Redis; `close` closes it. Removals are heard by the
   * processes that share the cache directory, not by other machines.
   */
  readonly sharedTier?: Tier | undefined;
  /** YAML file; null reads none. Default: `LLM_CACHE_CONFIG`, or `llm-cache.yaml` when it exists. */
  readonly file?: LoadOptions['file'];
  /** Default `process.env`. */
  readonly env?: LoadOptions['env'];
  /** Settings of a command line, `section.key=value` each, stronger than all else. */
  readonly flags?: LoadOptions['flags'];
  readonly clock?: Clock | undefined;
  /** Whether a generated answer is kept: asked after the rules of the configuration, which it overrules, and after a call's own `cacheable`. Default: the rules. */
  readonly storePolicy?: StoreHook | undefined;
  /** Makes the answer to a popular question anew, so that warming can do so before it is asked for. Default: it cannot, and keeps alive what there is. */
  readonly regenerate?: WarmHooks['regenerate'];
  /** Told once when a tier is lost and once when it is back; a `console` or a logger such as pino will do. Default: nobody, listen to `tier` events. */
  readonly logger?: Logger | undefined;
}

// A database of the directory answers in microseconds unless the machine is in trouble, and then a late answer beats an old one.
const longestLocalMs = 5_000;

/**
 * Opens a semantic cache: tier A in memory, B on disk or in Redis, C in the embedded vector database. The embedder's workers
 * start at once and are not waited for.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG · {DirectoryError} ERR_LLM_CACHE_DIRECTORY · {EmbedderMismatchError}
 * ERR_LLM_CACHE_EMBEDDER_MISMATCH · {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE
 * @example await using cache = await openCache({ cache: { directory: '.llm-cache' } });
 */
export async function openCache(options: OpenOptions = {}): Promise<SemanticCache> {
  return build(options, async (ground) => {
    const { config, environment, embedder, clock } = ground;
    const database = await openDatabase(answersDatabase, config, environment, embedder, clock);
    const savings = await savingsParts(config);
    const cache = assemble(ground, [vectorTier(database, { clock })], {
      freshness: freshness(config),
      storePolicy: answersPolicy(config, options.storePolicy),
      ...savings,
    });
    if (config.warming.enabled) cache.startWarming({ regenerate: options.regenerate });
    return cache;
  });
}

/**
 * Opens the retrieval service over the corpus of the cache directory, with tiers A and B in front of it.
 * @throws as `openCache`
 */
export async function openQueryService(options: OpenOptions = {}): Promise<QueryService> {
  return build(options, async (ground) => {
    const { config, environment, embedder, clock } = ground;
    const database = await openDatabase(corpusDatabase, config, environment, embedder, clock);
    const place = corpusPlace(config);
    const manifest = diskManifest(environment, corpusDatabase, place);
    const corpusScope = native.sha256Fields(['corpus/1', embedder.fingerprint]);
    const isRemote = place !== '';
    const version = new CorpusVersion({
      database,
      scope: corpusScope,
      timeoutMs: isRemote ? config.qdrant.lookupTimeoutMs : longestLocalMs,
      remembered: isRemote
        ? remembered(environment, `version of ${native.sha256Fields([place])}`)
        : undefined,
      onChange: (health) => announce(ground.logger, health, service),
      clock,
    });
    const cache = assemble(ground, []);
    const service = new QueryService({
      cache,
      embedder,
      database,
      version,
      corpusScope,
      ingest: { manifest, chunking: config.chunking, batchSize: config.embedding.batchSize, clock },
    });
    cache.on('tier', (health) => void service.emit('tier', health));
    if (config.warming.enabled) service.startWarming();
    return service;
  });
}

interface Ground {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
  readonly embedder: Embedder;
  readonly decision: DecisionParts;
  readonly environment: Environment;
  /** The partition of calls without a tenant; undefined where they share one. */
  readonly home: string | undefined;
  readonly hub: Hub;
  readonly memory: Tier;
  readonly shared: Shared;
}

/** The configuration that the options amount to. @throws {ConfigError} ERR_LLM_CACHE_CONFIG */
export function configOf(options: OpenOptions): Config {
  const {
    file,
    env,
    flags,
    embedder,
    clock,
    logger,
    redisClient,
    sharedTier,
    regenerate,
    storePolicy,
    ...rest
  } = options;
  const { verifier, pairModel, calibration, policies, answerJudge, ...overrides } = rest;
  return loadConfig({ file, env, flags, overrides }).config;
}

/** Opens what both products stand on; whatever was opened is closed again if a later part fails. */
async function build<T>(options: OpenOptions, make: (ground: Ground) => Promise<T>): Promise<T> {
  const { embedder: given, clock = systemClock, logger, redisClient } = options;
  const config = configOf(options);
  const opened: { close(): Promise<void> }[] = [];
  const keep = <R extends { close(): Promise<void> }>(resource: R): R => {
    opened.unshift(resource);
    return resource;
  };
  try {
    const embedder = keep(cachedEmbedder(given ?? (await openEmbedder(config, clock))));
    checkDimension(config, embedder);
    const environment = keep(new Environment(resolve(config.cache.directory)));
    await environment.bindEmbedder(embedder);
    const home = config.cache.shared ? undefined : await environment.home();
    const hooks = withShipped(config, embedder.fingerprint, options, clock);
    const decision = decisionParts(config, embedder, hooks, environment, clock);
    keep({ close: async () => decision.close() });
    const { maxEntries, maxBytes, eviction, engine: kind } = config.cache;
    const { dimension } = embedder;
    const engine = await openEngine(kind, dimension, config);
    const { openTelemetry, includeText } = config.telemetry;
    const hub = new Hub({ includeText, sink: openTelemetry ? await openTelemetrySink(clock) : undefined });
    const onEvict = ({ key, scope }: Entry, reason: 'room' | 'expired') =>
      hub.fact('evicted', { key, scope, tier: 'memory', reason });
    const memory = keep(memoryTier({ dimension, maxEntries, maxBytes, eviction, engine, onEvict, clock }));
    const shared = await openShared(config, environment, clock, redisClient, embedder, options.sharedTier);
    for (const part of [shared, shared.tier, shared.ledger, ...(shared.leases ? [shared.leases] : [])])
      keep(part);
    await bindOrder(environment, shared.order, shared.ledger);
    return await make({ config, clock, logger, embedder, decision, environment, home, hub, memory, shared });
  } catch (error) {
    for (const resource of opened) await resource.close().catch(() => {});
    throw error;
  }
}

type OfAnswers = Pick<CacheParts, 'freshness' | 'storePolicy' | 'savings' | 'countUsage'>;

function assemble(ground: Ground, last: readonly Tier[], ofAnswers: OfAnswers = {}): SemanticCache {
  const { config, clock, logger, embedder, decision, environment, home, hub, shared, memory } = ground;
  const { ttlSeconds, candidates, strict } = config.cache;
  const onChange = (health: TierHealth) => {
    announce(logger, health, cache);
    const { tier, state, lastError } = health;
    if (state === 'lost') hub.fact('degraded', { part: 'tier', tier, error: lastError });
  };
  const guarded = { onChange, clock, strict };
  const { commandTimeoutMs } = config.redis;
  const { lookupTimeoutMs } = config.qdrant;
  const onServer = config.vectorDb.backend === 'qdrant';
  const watch = startCanary(embedder);
  const cache: SemanticCache = new SemanticCache({
    ledger: shared.ledger,
    leases: shared.leases,
    home,
    hub,
    warming: warmingParts(ground),
    tiers: [
      guard(memory, guarded),
      guard(shared.tier, { ...guarded, timeoutMs: shared.isRemote ? commandTimeoutMs : undefined }),
      ...last.map((tier) => guard(tier, { ...guarded, timeoutMs: onServer ? lookupTimeoutMs : undefined })),
    ],
    embedder,
    ...decision,
    candidates,
    semantic: () => watch.sane,
    clock,
    embedTimeoutMs: config.embedding.timeoutMs,
    ttlMs: ttlSeconds === null ? Number.POSITIVE_INFINITY : ttlSeconds * 1000,
    checkValue: (value) => void encodeValue(value),
    maxStreamBytes: config.storing.maxStreamBytes,
    ...ofAnswers,
    async release(stats: CacheStats) {
      // Damaged counts are not worth a failed `close`.
      await addLifetime(environment, totals(stats)).catch(() => {});
      try {
        await decision.close();
        await shared.close();
      } finally {
        await environment.close();
      }
    },
  });
  shared.ledger.watch((health) => {
    announceLedger(logger, health, cache);
    if (health.state === 'lost') hub.fact('degraded', { part: 'ledger', tier: undefined, error: undefined });
  });
  return cache;
}

const leastCounted = 1_000;
const mostCounted = 100_000;

/** With warming switched off nothing is counted. */
function warmingParts({
  config,
  clock,
  environment,
  home,
  embedder,
  shared,
}: Ground): WarmingParts | undefined {
  const { enabled, topN, intervalSeconds, minCount, decay, extendedTtlSeconds } = config.warming;
  if (!enabled) return undefined;
  const intervalMs = intervalSeconds * 1000;
  const capacity = Math.min(mostCounted, Math.max(leastCounted, 4 * topN));
  const embedderFingerprint = embedder.fingerprint;
  return {
    options: {
      topN,
      mostLoaded: config.cache.maxEntries,
      intervalMs,
      minCount,
      decay,
      extendedTtlMs: extendedTtlSeconds * 1000,
    },
    capacity,
    store: diskStore(environment, { capacity, decay, intervalMs, clock, embedderFingerprint, home }),
    ...shared.warming,
  };
}

function totals({ queries, misses, refused, tiers }: CacheStats): Lifetime {
  const hits = Object.fromEntries(
    tiers.map(({ name, exact, semantic }) => [name, exact.count + semantic.count]),
  );
  return { queries, misses, refused, hits };
}
