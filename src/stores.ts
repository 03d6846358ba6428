// From configuration to what holds entries and documents: tier B with its ledger and leases, engines, vector databases. For open.ts alone.
import { readFileSync } from 'node:fs';
import type { Config, TlsConfig } from './config/types.js';
import type { Clock } from './core/clock.js';
import type { Embedder } from './core/embedder.js';
import { ConfigError } from './core/errors.js';
import type { Leases } from './core/lease.js';
import type { Ledger } from './core/ledger.js';
import { native } from './core/native.js';
import { Scope } from './core/scope.js';
import type { Tier } from './core/tier.js';
import type { Environment } from './disk/environment.js';
import { diskJournal } from './disk/journal.js';
import { diskLedger } from './disk/ledger.js';
import { autoEngine } from './engines/auto.js';
import type { Engine } from './engines/engine.js';
import { FlatEngine } from './engines/flat.js';
import { openHnswEngine } from './engines/hnsw.js';
import { IvfPqEngine } from './engines/ivfpq.js';
import { openRedis, type RedisConnection, type RedisOptions } from './redis/connection.js';
import { Hits } from './redis/hits.js';
import { redisLeases } from './redis/lease.js';
import { redisLedger } from './redis/ledger.js';
import { diskTier } from './tiers/disk.js';
import { redisTier, type SealOptions } from './tiers/redis.js';
import type { VectorDatabase } from './vectordb/database.js';
import { openEmbeddedDatabase } from './vectordb/embedded.js';
import { openFaissDatabase } from './vectordb/faiss.js';
import { type IndexKind, openQdrantDatabase } from './vectordb/qdrant.js';
import type { WarmingParts } from './warming.js';

/** What the processes of a cache have in common besides documents. */
export interface Shared {
  readonly tier: Tier;
  readonly ledger: Ledger;
  /** Names the ledger's order among those that a directory may be tied to. */
  readonly order: string;
  readonly leases: Leases | undefined;
  /** Counts of popular questions of all machines, and the right to a round of warming; undefined: those of the directory. */
  readonly warming?: Pick<WarmingParts, 'counts' | 'lease'>;
  /** On a server. */
  readonly isRemote: boolean;
  /** Releases what the three stand on, after them. */
  close(): Promise<void>;
}

/** Opens tier B: the one `given`, on disk, where the processes of one machine share it, or in Redis. @throws {ConfigError} ERR_LLM_CACHE_CONFIG */
export async function openShared(
  config: Config,
  environment: Environment,
  clock: Clock,
  client?: RedisOptions['client'],
  embedder?: Pick<Embedder, 'fingerprint'>,
  given?: Tier,
): Promise<Shared> {
  const { redis, cache } = config;
  if (given !== undefined) {
    const ledger = diskLedger(environment, { clock });
    return { tier: given, ledger, order: 'disk', leases: undefined, isRemote: true, close: async () => {} };
  }
  if (!redis.enabled && client === undefined) {
    const tier = diskTier(environment, { maxBytes: cache.maxDiskBytes, clock });
    const ledger = diskLedger(environment, { clock });
    return { tier, ledger, order: 'disk', leases: undefined, isRemote: false, close: async () => {} };
  }
  const { keyPrefix, maxStaleMs, leaseMs } = redis;
  const { commandTimeoutMs } = redis;
  const place = client === undefined ? redisOptions(config) : { client, commandTimeoutMs };
  const connection = await openRedis({ ...place, clock });
  try {
    const tier = await openRedisTier(config, connection, clock);
    const journal = diskJournal(environment);
    const ledger = await redisLedger(connection, { keyPrefix, maxStaleMs, journal, clock });
    return {
      tier,
      ledger,
      order: `redis ${keyPrefix}`,
      isRemote: true,
      warming: warmingOf(connection, config, clock, embedder?.fingerprint ?? ''),
      leases: redis.lease ? redisLeases(connection, { keyPrefix, leaseMs, clock }) : undefined,
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Counts by embedder: a scope's digest says nothing to a process that uses another. */
function warmingOf(
  connection: RedisConnection,
  { redis: { keyPrefix, leaseMs } }: Config,
  clock: Clock,
  fingerprint: string,
): Pick<WarmingParts, 'counts' | 'lease'> {
  const of = native.sha256Fields(['popular/1', fingerprint]);
  const leases = redisLeases(connection, { keyPrefix, leaseMs, clock });
  const scope = new Scope({}, fingerprint);
  return {
    counts: new Hits(connection, `${keyPrefix}:popular:${of.slice(0, 16)}`, clock),
    async lease() {
      const lease = await leases.acquire(`warming:${of}`, scope);
      return lease === 'taken' ? undefined : lease;
    },
  };
}

function openRedisTier({ redis }: Config, connection: RedisConnection, clock: Clock): Promise<Tier> {
  const { keyPrefix, ttlSeconds, ttlJitter, sliding, maxEntryBytes } = redis;
  const seal = sealOptions(redis);
  return redisTier({
    connection,
    keyPrefix,
    ttlMs: ttlSeconds * 1000,
    ttlJitter,
    sliding,
    maxEntryBytes,
    seal,
    clock,
  });
}

/** The server that the configuration names. @throws {ConfigError} ERR_LLM_CACHE_CONFIG */
export function redisOptions({ redis }: Config): RedisOptions {
  const { host, port, db, cluster, sentinels, sentinelName } = redis;
  const place =
    cluster !== undefined
      ? { cluster: cluster.map(toAddress) }
      : sentinels !== undefined
        ? {
            sentinels: sentinels.map(toAddress),
            sentinelName,
            sentinelUsername: redis.sentinelUsername,
            sentinelPassword: redis.sentinelPassword?.reveal(),
            sentinelTls: redis.sentinelTls ? tlsOptions('redis', { ...redis.tls, enabled: true }) : undefined,
            db,
          }
        : { host, port, db };
  return {
    ...place,
    username: redis.username,
    password: redis.password?.reveal(),
    tls: tlsOptions('redis', redis.tls),
    commandTimeoutMs: redis.commandTimeoutMs,
    connectTimeoutMs: redis.connectTimeoutMs,
    socketTimeoutMs: redis.socketTimeoutMs,
  };
}

function toAddress(node: string): { host: string; port: number } {
  const colon = node.lastIndexOf(':');
  return { host: node.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(node.slice(colon + 1)) };
}

/** How values in Redis are to be sealed. @throws {ConfigError} ERR_LLM_CACHE_CONFIG */
export function sealOptions({ seal, sealKeys }: Config['redis']): SealOptions | undefined {
  if (seal === 'none' || sealKeys === undefined) return undefined;
  const keys = sealKeys
    .reveal()
    .split(',')
    .map((text) => {
      const [, id, secret] = /^([\w.-]{1,32}):([0-9a-f]{64})$/i.exec(text.trim()) ?? [];
      if (id === undefined || secret === undefined) {
        throw new ConfigError('redis.seal_keys: expected id:64 hexadecimal digits, several with commas');
      }
      return { id, secret };
    });
  return { mode: seal, keys };
}

function tlsOptions(section: string, tls: TlsConfig): object | undefined {
  if (!tls.enabled) return undefined;
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  const { serverName, rejectUnauthorized } = tls;
  try {
    return {
      ca: read(tls.caFile),
      cert: read(tls.certFile),
      key: read(tls.keyFile),
      rejectUnauthorized,
      ...(serverName === undefined ? {} : { servername: serverName }),
    };
  } catch (error) {
    throw new ConfigError(`${section}.tls: ${(error as Error).message}`, { cause: error });
  }
}

/** An empty engine of the kind that the configuration names. @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE for `hnsw` */
export async function openEngine(
  kind: Config['cache']['engine'],
  dimension: number,
  { flat, hnsw, ivfpq }: Config,
): Promise<Engine> {
  if (kind === 'flat') return new FlatEngine(dimension, flat);
  const { m: M, efConstruction, efSearch, space } = hnsw;
  const options = { M, efConstruction, efSearch, space };
  if (kind === 'hnsw') return openHnswEngine(dimension, options);
  const { trainFrom, nbits, ...lists } = ivfpq;
  const given = { ...lists, nbits: nbits === '8' ? 8 : 4 } as const;
  if (kind === 'auto') return autoEngine(dimension, { ...given, crossover: trainFrom });
  return new IvfPqEngine(dimension, { ...given, trainFrom });
}

/** Names of the embedded databases of tier C, of the corpus and of the chat memory. */
export const answersDatabase = 'answers';
export const corpusDatabase = 'corpus';
export const memoryDatabase = 'memory';

/** Rows whose index is worth a file: fewer are indexed within a tenth of a second. */
const leastKeptRows = 20_000;

/** Where the corpus is, to tell what was ingested there from what was elsewhere; empty for the cache directory. */
export function corpusPlace({ vectorDb, qdrant }: Config): string {
  const { host, port, collection } = qdrant;
  return vectorDb.backend === 'qdrant' ? `qdrant ${host.toLowerCase()}:${port}/${collection}` : '';
}

/**
 * Opens a vector database of the configured kind. On Qdrant the corpus has the configured collection, and each other one beside it.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG · {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE
 */
export async function openDatabase(
  name: string,
  config: Config,
  environment: Environment,
  embedder: Pick<Embedder, 'dimension' | 'fingerprint'>,
  clock: Clock,
): Promise<VectorDatabase> {
  const { dimension } = embedder;
  const { backend, engine: kind } = config.vectorDb;
  if (backend === 'qdrant') return openQdrant(name, config, embedder, clock);
  if (backend === 'faiss') {
    const { indexType, metric, nlist, nprobe, pqEnabled, pqM, pqNbits } = config.faiss;
    const { m, efConstruction, efSearch } = config.hnsw;
    return openFaissDatabase(environment, {
      name,
      dimension,
      indexType: indexType === 'IVF' && pqEnabled ? 'IVFPQ' : indexType,
      metric,
      nlist,
      nprobe,
      pqM,
      pqNbits,
      m,
      efConstruction,
      efSearch,
      clock,
    });
  }
  const engine = await openEngine(kind, dimension, config);
  // A file would keep for a while what a conversation has forgotten.
  const keepIndexFrom = name === memoryDatabase ? undefined : leastKeptRows;
  return openEmbeddedDatabase(environment, { name, dimension, engine, keepIndexFrom, clock });
}

function openQdrant(
  name: string,
  { qdrant }: Config,
  { dimension, fingerprint }: Pick<Embedder, 'dimension' | 'fingerprint'>,
  clock: Clock,
): Promise<VectorDatabase> {
  const { host, port, collection, timeoutMs, shardNumber, replicationFactor, writeConsistencyFactor } =
    qdrant;
  const { efSearch, onDiskPayload, quantization } = qdrant;
  const tls = tlsOptions('qdrant', qdrant.tls);
  return openQdrantDatabase({
    host,
    port,
    https: qdrant.tls.enabled,
    tls,
    apiKey: qdrant.apiKey?.reveal(),
    collection: name === corpusDatabase ? collection : `${collection}_${name}`,
    dimension,
    embedder: fingerprint,
    timeoutMs,
    shardNumber,
    replicationFactor,
    writeConsistencyFactor,
    efSearch,
    onDiskPayload,
    quantization,
    // Answers have no metadata that anybody filters by.
    indexedFields: name === corpusDatabase ? indexKinds(qdrant.indexedFields) : undefined,
    clock,
  });
}

function indexKinds(fields: readonly string[] = []): Record<string, IndexKind> {
  return Object.fromEntries(
    fields.map((field) => {
      const [name = '', kind = 'keyword'] = field.split(':');
      return [name, kind as IndexKind];
    }),
  );
}
