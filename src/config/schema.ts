// The table of all configuration keys: kind, default, environment name, unit, effect. Only config/ and its tests import it.

import type { Kind } from './kinds.js';
import * as k from './kinds.js';
import type { Config, ConfigPath, ValueAt } from './types.js';

/** One key of the configuration. */
export interface Key<T = unknown> {
  readonly kind: Kind<Exclude<T, undefined>>;
  /** Undefined for a key that has no value unless somebody gives one. */
  readonly default: T;
  /** Environment variable. */
  readonly env?: string;
  /** Unit of a number, for tables. */
  readonly unit?: string;
  /** Who acts on the value. Undefined: nobody in this version, and `showConfig` says so. */
  readonly usedBy?: string;
}

type Rest<T> = Omit<Key<T>, 'kind' | 'default'>;

/** A key with a default. */
function key<T>(kind: Kind<T>, fallback: T, rest: Rest<T> = {}): Key<T> {
  return { kind: kind as Kind<Exclude<T, undefined>>, default: fallback, ...rest };
}

/** A key that may have no value. */
function optional<T>(kind: Kind<T>, rest: Rest<T> = {}): Key<T | undefined> {
  return { kind: kind as Kind<Exclude<T | undefined, undefined>>, default: undefined, ...rest };
}

/** Seconds in ten years: beyond that `null` (never) says it better. */
const TEN_YEARS = 315_360_000;

/** Every key, by its path in code. The annotation makes a key that is missing here, or has another type, a compile error. */
export const KEYS: { readonly [P in ConfigPath]: Key<ValueAt<Config, P>> } = {
  'cache.directory': key(k.text(), '.llm-cache', { env: 'LLM_CACHE_DIRECTORY', usedBy: 'store on disk' }),
  'cache.ttlSeconds': key(k.secondsOrNever(), 86_400, {
    env: 'LLM_CACHE_TTL_SECONDS',
    unit: 'seconds',
    usedBy: 'all tiers',
  }),
  'cache.minSimilarity': optional(k.decimal(-1, 1), {
    env: 'LLM_CACHE_MIN_SIMILARITY',
    unit: 'cosine',
    usedBy: 'decision',
  }),
  'cache.rules': key(k.ruleNames(), 'all', { usedBy: 'decision' }),
  'cache.candidates': key(k.integer(1, 1000), 4, { unit: 'entries', usedBy: 'decision' }),
  'cache.maxEntries': key(k.integer(1, 100_000_000), 10_000, {
    env: 'HOT_CACHE_SIZE',
    unit: 'entries',
    usedBy: 'tier A',
  }),
  'cache.maxBytes': key(k.bytes(1), 256 * 2 ** 20, { unit: 'bytes', usedBy: 'tier A' }),
  'cache.maxDiskBytes': key(k.bytes(2 ** 20), 4 * 2 ** 30, { unit: 'bytes', usedBy: 'tier B on disk' }),
  'cache.engine': key(k.oneOf(['auto', 'flat', 'ivfpq', 'hnsw']), 'auto', { usedBy: 'tier A' }),
  'cache.eviction': key(k.oneOf(['w-tinylfu', 'lru']), 'w-tinylfu', { usedBy: 'tier A' }),
  'cache.shared': key(k.flag(), false, { env: 'LLM_CACHE_SHARED', usedBy: 'scopes' }),
  'cache.strict': key(k.flag(), false, { usedBy: 'all tiers' }),

  'freshness.staleWhileRevalidateSeconds': key(k.decimal(0, TEN_YEARS), 0, {
    unit: 'seconds',
    usedBy: 'answers',
  }),
  'freshness.graceSeconds': key(k.decimal(0, TEN_YEARS), 0, { unit: 'seconds', usedBy: 'answers' }),
  'freshness.earlyRefresh': key(k.decimal(0, 0.99), 0, { unit: 'share', usedBy: 'answers' }),
  'freshness.softTimeoutMs': optional(k.integer(1, 3_600_000), { unit: 'milliseconds', usedBy: 'answers' }),
  'freshness.hardTimeoutMs': optional(k.integer(1, 3_600_000), { unit: 'milliseconds', usedBy: 'answers' }),
  'freshness.completeInBackground': key(k.flag(), true, { usedBy: 'answers' }),
  'freshness.negativeTtlSeconds': key(k.decimal(0, 86_400), 0, { unit: 'seconds', usedBy: 'answers' }),

  'storing.timeRules': key(k.flag(), true, { usedBy: 'answers' }),
  'storing.momentTtlSeconds': key(k.decimal(0, TEN_YEARS), 0, { unit: 'seconds', usedBy: 'answers' }),
  'storing.dayTtlSeconds': key(k.decimal(0, TEN_YEARS), 0, { unit: 'seconds', usedBy: 'answers' }),
  'storing.personalTtlSeconds': key(k.decimal(0, TEN_YEARS), 0, { unit: 'seconds', usedBy: 'answers' }),
  'storing.temperatureLimit': key(k.decimal(0, 100), 1, { unit: 'temperature', usedBy: 'answers' }),
  'storing.temperatureNever': key(k.decimal(0, 100), 2, { unit: 'temperature', usedBy: 'answers' }),
  'storing.maxStreamBytes': key(k.bytes(1), 8 * 2 ** 20, { unit: 'bytes', usedBy: 'answers' }),

  'savings.prices': optional(k.prices(), { usedBy: 'answers' }),
  'savings.currency': key(k.text(), 'USD', { usedBy: 'answers' }),
  'savings.countTokens': key(k.flag(), false, { usedBy: 'answers' }),

  'telemetry.openTelemetry': key(k.flag(), true, { usedBy: 'telemetry' }),
  'telemetry.includeText': key(k.flag(), false, { usedBy: 'telemetry' }),

  'embedding.model': key(k.text(), 'all-MiniLM-L6-v2', { env: 'EMBEDDING_MODEL', usedBy: 'embedder' }),
  'embedding.dim': optional(k.integer(1, 65_536), {
    env: 'EMBEDDING_DIM',
    unit: 'numbers',
    usedBy: 'embedder (a check)',
  }),
  'embedding.batchSize': key(k.integer(1, 10_000), 32, {
    env: 'EMBEDDING_BATCH_SIZE',
    unit: 'texts',
    usedBy: 'ingestion',
  }),
  'embedding.device': key(
    k.oneOf(['cpu'], { expected: 'cpu (this version embeds on the CPU only)' }),
    'cpu',
    {
      env: 'EMBEDDING_DEVICE',
      usedBy: 'embedder (a check)',
    },
  ),
  'embedding.workers': optional(k.integer(1, 256), { unit: 'threads', usedBy: 'embedder' }),
  'embedding.maxQueue': key(k.integer(1, 1_000_000), 1024, { unit: 'texts', usedBy: 'embedder' }),
  'embedding.timeoutMs': key(k.integer(1, 3_600_000), 10_000, { unit: 'milliseconds', usedBy: 'embedder' }),
  'embedding.useMock': key(k.flag(), false, { env: 'USE_MOCK_EMBEDDER', usedBy: 'embedder' }),

  'flat.storage': key(k.oneOf(['float32', 'float16', 'int8']), 'float32', { usedBy: 'engine flat' }),

  'hnsw.m': key(k.integer(2, 512), 16, { env: 'HNSW_M', unit: 'links', usedBy: 'engine hnsw' }),
  'hnsw.efConstruction': key(k.integer(1, 100_000), 200, {
    env: 'HNSW_EF_CONSTRUCTION',
    unit: 'candidates',
    usedBy: 'engine hnsw',
  }),
  'hnsw.efSearch': key(k.integer(1, 100_000), 50, {
    env: 'HNSW_EF_SEARCH',
    unit: 'candidates',
    usedBy: 'engine hnsw',
  }),
  'hnsw.space': key(k.oneOf(['cosine', 'l2', 'ip']), 'cosine', { env: 'HNSW_SPACE', usedBy: 'engine hnsw' }),

  'ivfpq.trainFrom': optional(k.integer(32, 2 ** 31), { unit: 'rows', usedBy: 'engines ivfpq and auto' }),
  'ivfpq.nlist': optional(k.integer(1, 2 ** 20), { unit: 'lists', usedBy: 'engines ivfpq and auto' }),
  'ivfpq.nprobe': optional(k.integer(1, 2 ** 20), { unit: 'lists', usedBy: 'engines ivfpq and auto' }),
  'ivfpq.m': optional(k.integer(1, 65_536), { unit: 'parts', usedBy: 'engines ivfpq and auto' }),
  'ivfpq.nbits': key(k.oneOf(['4', '8']), '4', { unit: 'bits', usedBy: 'engines ivfpq and auto' }),
  'ivfpq.rotations': key(k.integer(0, 100), 0, { unit: 'rounds', usedBy: 'engines ivfpq and auto' }),
  'ivfpq.rescore': key(k.oneOf(['int8', 'float16', 'none']), 'int8', { usedBy: 'engines ivfpq and auto' }),
  'ivfpq.rescoreFactor': key(k.integer(1, 10_000), 20, { unit: 'rows', usedBy: 'engines ivfpq and auto' }),

  'redis.enabled': key(k.flag(), false, { usedBy: 'tier B' }),
  'redis.host': key(k.host(), 'localhost', { env: 'REDIS_HOST', usedBy: 'tier B' }),
  'redis.port': key(k.port(), 6379, { env: 'REDIS_PORT', unit: 'port', usedBy: 'tier B' }),
  'redis.db': key(k.integer(0, 1_000_000), 0, { env: 'REDIS_DB', unit: 'number', usedBy: 'tier B' }),
  'redis.username': optional(k.text(), { usedBy: 'tier B' }),
  'redis.password': optional(k.secret(), { env: 'REDIS_PASSWORD', usedBy: 'tier B' }),
  'redis.ttlSeconds': key(k.integer(1, TEN_YEARS), 3600, {
    env: 'REDIS_TTL_SECONDS',
    unit: 'seconds',
    usedBy: 'tier B',
  }),
  'redis.maxConnections': key(k.integer(1, 10_000), 10, {
    env: 'REDIS_MAX_CONNECTIONS',
    unit: 'connections',
  }),
  'redis.commandTimeoutMs': key(k.integer(1, 60_000), 50, { unit: 'milliseconds', usedBy: 'tier B' }),
  'redis.connectTimeoutMs': key(k.integer(1, 60_000), 2000, { unit: 'milliseconds', usedBy: 'tier B' }),
  'redis.socketTimeoutMs': key(k.integer(1, 3_600_000), 1000, { unit: 'milliseconds', usedBy: 'tier B' }),
  'redis.cluster': optional(k.nodes(), { env: 'REDIS_CLUSTER', usedBy: 'tier B' }),
  'redis.sentinels': optional(k.nodes(), { env: 'REDIS_SENTINELS', usedBy: 'tier B' }),
  'redis.sentinelName': optional(k.text(), { env: 'REDIS_SENTINEL_NAME', usedBy: 'tier B' }),
  'redis.sentinelPassword': optional(k.secret(), { env: 'REDIS_SENTINEL_PASSWORD', usedBy: 'tier B' }),
  'redis.sentinelUsername': optional(k.text(), { usedBy: 'tier B' }),
  'redis.sentinelTls': key(k.flag(), false, { usedBy: 'tier B' }),
  'redis.maxStaleMs': optional(k.integer(20, 86_400_000), { unit: 'milliseconds', usedBy: 'tier A and C' }),
  'redis.lease': key(k.flag(), false, { usedBy: 'single flight' }),
  'redis.leaseMs': key(k.integer(100, 600_000), 5000, { unit: 'milliseconds', usedBy: 'single flight' }),
  'redis.sliding': key(k.flag(), false, { usedBy: 'tier B' }),
  'redis.ttlJitter': key(k.decimal(0, 0.5), 0.1, { unit: 'part', usedBy: 'tier B' }),
  'redis.maxEntryBytes': key(k.bytes(1024), 8 * 2 ** 20, { unit: 'bytes', usedBy: 'tier B' }),
  'redis.seal': key(k.oneOf(['none', 'hmac-sha256', 'aes-256-gcm']), 'none', { usedBy: 'tier B' }),
  'redis.sealKeys': optional(k.secret(), { env: 'REDIS_SEAL_KEYS', usedBy: 'tier B' }),
  'redis.keyPrefix': key(k.text('1 to 64 letters, digits and ._:-', /^[A-Za-z0-9._:-]{1,64}$/), 'llm-cache', {
    usedBy: 'tier B',
  }),
  'redis.tls.enabled': key(k.tlsSwitch(), false, { usedBy: 'tier B' }),
  'redis.tls.caFile': optional(k.text(), { usedBy: 'tier B' }),
  'redis.tls.certFile': optional(k.text(), { usedBy: 'tier B' }),
  'redis.tls.keyFile': optional(k.text(), { usedBy: 'tier B' }),
  'redis.tls.serverName': optional(k.host(), { usedBy: 'tier B' }),
  'redis.tls.rejectUnauthorized': key(k.flag(), true, { usedBy: 'tier B' }),

  'vectorDb.backend': key(k.oneOf(['embedded', 'faiss', 'qdrant']), 'embedded', {
    env: 'VECTOR_DB_BACKEND',
    usedBy: 'tier C and corpora',
  }),
  'vectorDb.engine': key(k.oneOf(['auto', 'flat', 'ivfpq', 'hnsw']), 'auto', {
    usedBy: 'tier C and corpora',
  }),

  'faiss.indexType': key(k.oneOf(['Flat', 'IVF', 'IVFPQ', 'HNSW']), 'Flat', {
    env: 'FAISS_INDEX_TYPE',
    usedBy: 'Faiss',
  }),
  'faiss.indexPath': optional(k.text(), { env: 'FAISS_INDEX_PATH' }),
  'faiss.nlist': key(k.integer(1, 65_536), 1024, { env: 'FAISS_NLIST', unit: 'lists', usedBy: 'Faiss' }),
  'faiss.nprobe': key(k.integer(1, 65_536), 8, { env: 'FAISS_NPROBE', unit: 'lists', usedBy: 'Faiss' }),
  'faiss.pqEnabled': key(k.flag(), false, { env: 'PQ_ENABLED', usedBy: 'Faiss' }),
  'faiss.pqM': optional(k.integer(1, 4096), { env: 'PQ_M', unit: 'parts', usedBy: 'Faiss' }),
  'faiss.pqNbits': key(k.integer(1, 12), 8, { env: 'PQ_NBITS', unit: 'bits', usedBy: 'Faiss' }),
  'faiss.metric': key(k.oneOf(['L2', 'IP']), 'L2', { usedBy: 'Faiss' }),

  'qdrant.host': key(k.host(), 'localhost', { env: 'QDRANT_HOST', usedBy: 'Qdrant' }),
  'qdrant.port': key(k.port(), 6333, { env: 'QDRANT_PORT', unit: 'port', usedBy: 'Qdrant' }),
  'qdrant.grpcPort': key(k.port(), 6334, { unit: 'port' }),
  'qdrant.collection': key(
    k.text('a collection name of 1 to 255 letters, digits and ._-', /^[A-Za-z0-9._-]{1,255}$/),
    'llm_cache',
    { env: 'QDRANT_COLLECTION', usedBy: 'Qdrant' },
  ),
  'qdrant.apiKey': optional(k.secret(), { env: 'QDRANT_API_KEY', usedBy: 'Qdrant' }),
  'qdrant.useGrpc': key(k.flag(), false, { env: 'QDRANT_USE_GRPC' }),
  'qdrant.timeoutMs': key(k.integer(1, 600_000), 5000, { unit: 'milliseconds', usedBy: 'Qdrant' }),
  'qdrant.lookupTimeoutMs': key(k.integer(1, 60_000), 100, { unit: 'milliseconds', usedBy: 'tier C' }),
  'qdrant.shardNumber': optional(k.integer(1, 1000), { unit: 'shards', usedBy: 'Qdrant' }),
  'qdrant.replicationFactor': optional(k.integer(1, 100), { unit: 'copies', usedBy: 'Qdrant' }),
  'qdrant.writeConsistencyFactor': optional(k.integer(1, 100), { unit: 'copies', usedBy: 'Qdrant' }),
  'qdrant.indexedFields': optional(k.indexedFields(), { env: 'QDRANT_INDEXED_FIELDS', usedBy: 'corpora' }),
  'qdrant.efSearch': optional(k.integer(1, 100_000), { unit: 'candidates', usedBy: 'Qdrant' }),
  'qdrant.onDiskPayload': optional(k.flag(), { usedBy: 'Qdrant' }),
  'qdrant.quantization': optional(k.oneOf(['int8', 'binary']), { usedBy: 'Qdrant' }),
  'qdrant.tls.enabled': key(k.tlsSwitch(), false, { usedBy: 'Qdrant' }),
  'qdrant.tls.caFile': optional(k.text(), { usedBy: 'Qdrant' }),
  'qdrant.tls.certFile': optional(k.text(), { usedBy: 'Qdrant' }),
  'qdrant.tls.keyFile': optional(k.text(), { usedBy: 'Qdrant' }),
  'qdrant.tls.serverName': optional(k.host(), { usedBy: 'Qdrant' }),
  'qdrant.tls.rejectUnauthorized': key(k.flag(), true, { usedBy: 'Qdrant' }),

  'chunking.size': key(k.integer(1, 1_000_000), 512, {
    env: 'CHUNK_SIZE',
    unit: 'characters',
    usedBy: 'ingestion',
  }),
  'chunking.overlap': key(k.integer(0, 999_999), 50, {
    env: 'CHUNK_OVERLAP',
    unit: 'characters',
    usedBy: 'ingestion',
  }),
  'chunking.minSize': key(k.integer(0, 1_000_000), 100, {
    env: 'MIN_CHUNK_SIZE',
    unit: 'characters',
    usedBy: 'ingestion',
  }),
  'chunking.separator': key(k.text(), '\n\n', { usedBy: 'ingestion' }),
  'chunking.unit': key(k.oneOf(['characters', 'tokens']), 'characters', { usedBy: 'ingestion' }),
  'chunking.bySection': key(k.flag(), false, { usedBy: 'ingestion' }),

  'warming.enabled': key(k.flag(), true, { env: 'WARMING_ENABLED', usedBy: 'warming' }),
  'warming.topN': key(k.integer(1, 1_000_000), 100, {
    env: 'WARMING_TOP_N',
    unit: 'questions',
    usedBy: 'warming',
  }),
  'warming.intervalSeconds': key(k.integer(1, 86_400), 300, {
    env: 'WARMING_INTERVAL',
    unit: 'seconds',
    usedBy: 'warming',
  }),
  'warming.minCount': key(k.integer(1, 1_000_000), 3, { unit: 'times', usedBy: 'warming' }),
  'warming.decay': key(k.decimal(0, 1), 0.95, { unit: 'factor', usedBy: 'warming' }),
  'warming.extendedTtlSeconds': key(k.integer(1, TEN_YEARS), 7200, { unit: 'seconds', usedBy: 'warming' }),

  'decide.maxErrorRate': optional(k.decimal(0.0001, 0.5), {
    unit: 'part',
    usedBy: 'decision',
  }),
  'decide.policies': optional(k.text(), { usedBy: 'decision' }),
  'decide.calibration': optional(k.text(), { usedBy: 'decision' }),
  'decide.pairModel': key(k.flag(), true, { usedBy: 'decision' }),
  'decide.pairTimeoutMs': key(k.integer(1, 60_000), 250, { unit: 'milliseconds', usedBy: 'decision' }),
  'decide.shadow': key(k.flag(), false, { usedBy: 'decision' }),
  'decide.learn': key(k.flag(), true, { usedBy: 'learning' }),
  'decide.verifyShare': key(k.decimal(0, 1), 0, { unit: 'part', usedBy: 'learning' }),
  'decide.verifyTimeoutMs': key(k.integer(1, 3_600_000), 120_000, {
    unit: 'milliseconds',
    usedBy: 'learning',
  }),
  'decide.record': optional(k.text(), { usedBy: 'learning' }),
  'decide.recordMaxBytes': key(k.bytes(1024), 64 * 2 ** 20, { unit: 'bytes', usedBy: 'learning' }),

  'rateLimit.requestsPerMinute': optional(k.integer(1, 10_000_000), { unit: 'requests' }),
  'rateLimit.burst': optional(k.integer(1, 10_000_000), { unit: 'requests' }),
  'auth.type': optional(k.text()),
  'auth.issuer': optional(k.text()),

  logLevel: key(
    k.oneOf(['silent', 'error', 'warn', 'info', 'debug'], {
      synonyms: {
        off: 'silent',
        critical: 'error',
        fatal: 'error',
        warning: 'warn',
        trace: 'debug',
        verbose: 'debug',
      },
    }),
    'info',
    { env: 'LOG_LEVEL', usedBy: 'command line' },
  ),
  debug: key(k.flag(), false, { env: 'DEBUG', usedBy: 'command line' }),
};

/** All paths, in the order of the table. */
export const PATHS = Object.keys(KEYS) as readonly ConfigPath[];

/** The key of a path, without its own type. */
export function keyAt(path: ConfigPath): Key {
  return KEYS[path] as unknown as Key;
}

/** The name in YAML of a name or path in code: `cache.maxEntries` is `cache.max_entries`. */
export function yamlName(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What YAML also accepts: names of the reference's README, and of its `to_dict`. */
export interface Alias {
  /** Path in YAML. */
  readonly yaml: string;
  readonly path: ConfigPath;
  /** The value is multiplied by this: seconds to milliseconds. */
  readonly factor?: number;
}

const NESTED = PATHS.filter((path) => /^(faiss|qdrant)\./.test(path));

/** All aliases. A key and its alias in one file must agree. */
export const ALIASES: readonly Alias[] = [
  { yaml: 'hnsw.M', path: 'hnsw.m' },
  { yaml: 'hnsw.max_elements', path: 'cache.maxEntries' },
  { yaml: 'hnsw.hot_cache_size', path: 'cache.maxEntries' },
  { yaml: 'embedding.dimension', path: 'embedding.dim' },
  { yaml: 'redis.socket_timeout', path: 'redis.socketTimeoutMs', factor: 1000 },
  { yaml: 'redis.socket_connect_timeout', path: 'redis.connectTimeoutMs', factor: 1000 },
  { yaml: 'vector_db_backend', path: 'vectorDb.backend' },
  { yaml: 'qdrant.collection_name', path: 'qdrant.collection' },
  { yaml: 'qdrant.prefer_grpc', path: 'qdrant.useGrpc' },
  { yaml: 'chunking.chunk_size', path: 'chunking.size' },
  { yaml: 'chunking.chunk_overlap', path: 'chunking.overlap' },
  { yaml: 'chunking.min_chunk_size', path: 'chunking.minSize' },
  { yaml: 'warming.interval', path: 'warming.intervalSeconds' },
  { yaml: 'warming.min_query_count', path: 'warming.minCount' },
  { yaml: 'warming.popularity_decay', path: 'warming.decay' },
  { yaml: 'warming.extend_ttl_seconds', path: 'warming.extendedTtlSeconds' },
  ...NESTED.map((path) => ({ yaml: `vector_db.${yamlName(path)}`, path })),
  { yaml: 'vector_db.qdrant.collection_name', path: 'qdrant.collection' },
  { yaml: 'vector_db.qdrant.prefer_grpc', path: 'qdrant.useGrpc' },
];
