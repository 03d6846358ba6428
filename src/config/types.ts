// The configuration as code sees it: every key with its unit, default and environment name. Any folder may import the types.
import type { FreshnessConfig, SavingsConfig, StoringConfig, TelemetryConfig } from './answer-types.js';
import type { FlatConfig, IvfpqConfig } from './engine-types.js';
import type { Secret } from './secret.js';

/** The cache itself: where it lives, how much it holds, when it answers. YAML section `cache`. */
export interface CacheConfig {
  /** Directory of the embedded store, relative to the working directory. Default `.llm-cache`. Environment: LLM_CACHE_DIRECTORY. */
  readonly directory: string;
  /** Seconds an entry lives, 1 to 315,360,000; null = it never expires. Default 86400. Environment: LLM_CACHE_TTL_SECONDS (`never` for null). */
  readonly ttlSeconds: number | null;
  /** Least cosine similarity of a semantic hit, -1 to 1, inclusive. Undefined (the default): what the decision was calibrated to for the embedder. Environment: LLM_CACHE_MIN_SIMILARITY. */
  readonly minSimilarity: number | undefined;
  /** Rules that may refuse a similar question: all, none, or the named ones. Default `all`. */
  readonly rules: 'all' | 'none' | readonly string[];
  /** Nearest entries that the decision looks at, 1 to 1,000. Default 4. */
  readonly candidates: number;
  /** Entries held in memory (tier A), 1 to 100,000,000. Default 10000. Environment: HOT_CACHE_SIZE. */
  readonly maxEntries: number;
  /** Bytes held in memory (tier A), at least 1; as text also `256 MiB`. Default 268435456. */
  readonly maxBytes: number;
  /** Bytes held on disk by tier B, at least 1 MiB; as text also `4 GiB`. Above it, what expires soonest goes. Default 4294967296. */
  readonly maxDiskBytes: number;
  /** Index over the vectors in memory (tier A): `flat`, `ivfpq`, `hnsw`, or `auto`, which is exact for small scopes and `ivfpq` for large ones. Default `auto`. */
  readonly engine: 'auto' | 'flat' | 'ivfpq' | 'hnsw';
  /** What leaves memory (tier A) first: `w-tinylfu` weighs how often, how lately, how dear and how large; `lru` drops the least recently used. Default `w-tinylfu`. */
  readonly eviction: 'w-tinylfu' | 'lru';
  /** Calls without a tenant share their answers with all who use the same stores; otherwise those stay with the cache directory. Default false. Environment: LLM_CACHE_SHARED. */
  readonly shared: boolean;
  /** A failing tier throws instead of counting as a miss. For tests and debugging. Default false. */
  readonly strict: boolean;
}

/** What turns texts into vectors. YAML section `embedding`. */
export interface EmbeddingConfig {
  /** Name of a model that comes with the package, or a folder with an ONNX model. Default `all-MiniLM-L6-v2`. Environment: EMBEDDING_MODEL. */
  readonly model: string;
  /** Length of the vectors, 1 to 65,536. Checked against the model, never trusted. Undefined (the default): the model's. Environment: EMBEDDING_DIM. */
  readonly dim: number | undefined;
  /** Texts handed to the embedder at once, 1 to 10,000; each is still one run of the model. Default 32. Environment: EMBEDDING_BATCH_SIZE. */
  readonly batchSize: number;
  /** Where the model runs; only `cpu`, which is the default. Environment: EMBEDDING_DEVICE. */
  readonly device: 'cpu';
  /** Worker threads, 1 to 256. Undefined (the default): one a core, up to a bound. */
  readonly workers: number | undefined;
  /** Texts that may wait for a worker, 1 to 1,000,000; more are refused. Default 1024. */
  readonly maxQueue: number;
  /** Milliseconds until an embedding is given up, waiting included, 1 to 3,600,000. Default 10000. */
  readonly timeoutMs: number;
  /** Use vectors without meaning, made from a hash: for tests. Default false. Environment: USE_MOCK_EMBEDDER. */
  readonly useMock: boolean;
}

/** Parameters of the graph index. YAML section `hnsw`. */
export interface HnswConfig {
  /** Links a node, 2 to 512. Default 16. Environment: HNSW_M. */
  readonly m: number;
  /** Candidates while building, 1 to 100,000. Default 200. Environment: HNSW_EF_CONSTRUCTION. */
  readonly efConstruction: number;
  /** Candidates while searching, 1 to 100,000. Default 50. Environment: HNSW_EF_SEARCH. */
  readonly efSearch: number;
  /** Distance; on unit vectors all three rank alike. Default `cosine`. Environment: HNSW_SPACE. */
  readonly space: 'cosine' | 'l2' | 'ip';
}

/** Encryption of a connection. YAML section `tls` of `redis` and `qdrant`, or there just `tls: true`. */
export interface TlsConfig {
  /** Default false; true as soon as another key of this section is set, or for a `rediss:` URL. */
  readonly enabled: boolean;
  /** PEM file of the authorities to trust. Undefined (the default): the system's. */
  readonly caFile: string | undefined;
  /** PEM file of the client's certificate; needs `keyFile`. Default undefined. */
  readonly certFile: string | undefined;
  /** PEM file of the client's private key; needs `certFile`. Default undefined. */
  readonly keyFile: string | undefined;
  /** Name the server's certificate must have. Undefined (the default): the host. */
  readonly serverName: string | undefined;
  /** Refuse a server whose certificate is not trusted. Default true. */
  readonly rejectUnauthorized: boolean;
}

/** Tier B on a Redis server. YAML section `redis`. */
export interface RedisConfig {
  /** Use Redis. Default false; true as soon as `host` or `url` is set. */
  readonly enabled: boolean;
  /** Host name or address. Default `localhost`. Environment: REDIS_HOST. */
  readonly host: string;
  /** Port, 1 to 65,535. Default 6379. Environment: REDIS_PORT. */
  readonly port: number;
  /** Number of the database, 0 to 1,000,000. Default 0. Environment: REDIS_DB. */
  readonly db: number;
  /** User of an access list. Default undefined. */
  readonly username: string | undefined;
  /** Secret. Default undefined. Environment: REDIS_PASSWORD. */
  readonly password: Secret | undefined;
  /** Seconds an entry stays in Redis at most, 1 to 315,360,000; never longer than its own time to live. Default 3600. Environment: REDIS_TTL_SECONDS. */
  readonly ttlSeconds: number;
  /** Accepted for compatibility, 1 to 10,000: one pipelined connection carries all commands. Default 10. Environment: REDIS_MAX_CONNECTIONS. */
  readonly maxConnections: number;
  /** Milliseconds a command may take before it counts as a miss, 1 to 60,000. Default 50. */
  readonly commandTimeoutMs: number;
  /** Milliseconds a connection may take to stand, 1 to 60,000. Default 2000. */
  readonly connectTimeoutMs: number;
  /** Milliseconds of silence, with commands waiting, after which a connection is replaced, 1 to 3,600,000. Default 1000. */
  readonly socketTimeoutMs: number;
  /** Nodes of a Redis Cluster to begin with, each `host:port`; `host` and `port` are then not used. Default undefined. Environment: REDIS_CLUSTER (with commas). */
  readonly cluster: readonly string[] | undefined;
  /** Sentinels, each `host:port`; needs `sentinelName`. Default undefined. Environment: REDIS_SENTINELS (with commas). */
  readonly sentinels: readonly string[] | undefined;
  /** Name of the master that the sentinels watch. Default undefined. Environment: REDIS_SENTINEL_NAME. */
  readonly sentinelName: string | undefined;
  /** Secret of the sentinels. Default undefined. Environment: REDIS_SENTINEL_PASSWORD. */
  readonly sentinelPassword: Secret | undefined;
  /** User of the sentinels' access list. Default undefined. */
  readonly sentinelUsername: string | undefined;
  /** Encrypt towards the sentinels too, with the certificates of `tls`. Default false. */
  readonly sentinelTls: boolean;
  /** Milliseconds that this process may go on serving by itself what others may have removed, 20 to 86,400,000, once it cannot hear of removals. Undefined (the default): until it hears again. */
  readonly maxStaleMs: number | undefined;
  /** Only one process at a time generates the answer to a question; the others wait for it. Default false. */
  readonly lease: boolean;
  /** Milliseconds after which the lease of a process that has died is free, 100 to 600,000. Default 5000. */
  readonly leaseMs: number;
  /** A read lengthens the life of an entry in Redis, up to the entry's own. Default false. */
  readonly sliding: boolean;
  /** Part of its time by which an entry may leave Redis early, so that not all leave at once, 0 to 0.5. Default 0.1. */
  readonly ttlJitter: number;
  /** Bytes of the largest entry that is written or read, at least 1024; as text also `8 MiB`. Default 8388608. */
  readonly maxEntryBytes: number;
  /** Protection of entries against whoever else can write to Redis: `none`, `hmac-sha256` (signed) or `aes-256-gcm` (encrypted). Default `none`. */
  readonly seal: 'none' | 'hmac-sha256' | 'aes-256-gcm';
  /** Secret. Keys for `seal`, each `id:64 hexadecimal digits`, with commas; the first writes, all read. Default undefined. Environment: REDIS_SEAL_KEYS. */
  readonly sealKeys: Secret | undefined;
  /** In front of every key: 1 to 64 letters, digits and `._:-`. Default `llm-cache`. */
  readonly keyPrefix: string;
  readonly tls: TlsConfig;
}

/** Which vector database holds tier C and the corpora. YAML section `vector_db`. */
export interface VectorDbConfig {
  /** `embedded` and `faiss` keep their documents in the cache directory, `qdrant` on a server. Default `embedded`. Environment: VECTOR_DB_BACKEND. */
  readonly backend: 'embedded' | 'faiss' | 'qdrant';
  /** Index of the embedded database: `flat`, `ivfpq`, `hnsw`, or `auto`, which is exact for small scopes and `ivfpq` for large ones. Default `auto`. */
  readonly engine: 'auto' | 'flat' | 'ivfpq' | 'hnsw';
}

/** A Faiss index. YAML section `faiss`, also under `vector_db`. */
export interface FaissConfig {
  /** Default `Flat`. Environment: FAISS_INDEX_TYPE. */
  readonly indexType: 'Flat' | 'IVF' | 'IVFPQ' | 'HNSW';
  /** Accepted for compatibility: the index is made from the vectors in the cache directory. Default undefined. Environment: FAISS_INDEX_PATH. */
  readonly indexPath: string | undefined;
  /** Inverted lists, 1 to 65,536. Default 1024. Environment: FAISS_NLIST. */
  readonly nlist: number;
  /** Lists searched, 1 to 65,536. Default 8. Environment: FAISS_NPROBE. */
  readonly nprobe: number;
  /** Compress vectors by product quantisation: makes `IVF` an `IVFPQ`. Default false. Environment: PQ_ENABLED. */
  readonly pqEnabled: boolean;
  /** Parts a vector is cut into, 1 to 4,096; divides the dimension. Undefined (the default): its greatest divisor up to 64. Environment: PQ_M. */
  readonly pqM: number | undefined;
  /** Bits a part, 1 to 12. Default 8. Environment: PQ_NBITS. */
  readonly pqNbits: number;
  /** Distance; on unit vectors both rank alike. Default `L2`. */
  readonly metric: 'L2' | 'IP';
}

/** A Qdrant server. YAML section `qdrant`, also under `vector_db`. */
export interface QdrantConfig {
  /** Host name or address. Default `localhost`. Environment: QDRANT_HOST. */
  readonly host: string;
  /** Port of REST, 1 to 65,535. Default 6333. Environment: QDRANT_PORT. */
  readonly port: number;
  /** Accepted for compatibility, 1 to 65,535: the client speaks REST. Default 6334. */
  readonly grpcPort: number;
  /** Collection, 1 to 255 characters. Default `llm_cache`. Environment: QDRANT_COLLECTION. */
  readonly collection: string;
  /** Secret. Default undefined. Environment: QDRANT_API_KEY. */
  readonly apiKey: Secret | undefined;
  /** Accepted for compatibility: the client speaks REST. Default false. Environment: QDRANT_USE_GRPC. */
  readonly useGrpc: boolean;
  /** Milliseconds a request may take, 1 to 600,000. Default 5000. */
  readonly timeoutMs: number;
  /** Milliseconds that a question waits for tier C on Qdrant before it counts as a miss, 1 to 60,000. Default 100. */
  readonly lookupTimeoutMs: number;
  /** Shards of a collection that is created, 1 to 1,000. Undefined (the default): the server's. */
  readonly shardNumber: number | undefined;
  /** Copies of each shard of a collection that is created, 1 to 100. Undefined (the default): the server's. */
  readonly replicationFactor: number | undefined;
  /** Copies that must acknowledge a write to a collection that is created, 1 to 100. Undefined (the default): the server's. */
  readonly writeConsistencyFactor: number | undefined;
  /** Metadata fields of the corpus with a payload index, each `name` or `name:type` of `keyword` (the default), `integer`, `float`, `bool`; at most 100. Default undefined. Environment: QDRANT_INDEXED_FIELDS. */
  readonly indexedFields: readonly string[] | undefined;
  /** Breadth of a search in the graph, 1 to 100,000. Undefined (the default): the server's. */
  readonly efSearch: number | undefined;
  /** Payloads of a collection that is created stay on disk. Undefined (the default): the server's. */
  readonly onDiskPayload: boolean | undefined;
  /** Smaller copies of the vectors of a collection that is created, to search in; what they find is judged by the vectors. Undefined (the default): none. */
  readonly quantization: 'int8' | 'binary' | undefined;
  readonly tls: TlsConfig;
}

/** How documents are cut. YAML section `chunking`. */
export interface ChunkingConfig {
  /** Characters a chunk has at most, 1 to 1,000,000. Default 512. Environment: CHUNK_SIZE. */
  readonly size: number;
  /** Characters that neighbours share, less than `size`. Default 50, or a tenth of a `size` up to 50. Environment: CHUNK_OVERLAP. */
  readonly overlap: number;
  /** Characters below which a last piece joins the chunk before it, 0 to `size`. Default 100, or `size` if that is less. Environment: MIN_CHUNK_SIZE. */
  readonly minSize: number;
  /** Where to cut if possible. Default a blank line, `"\n\n"`. */
  readonly separator: string;
  /** What the three lengths count: characters, or tokens of the embedder's own tokenizer. Default `characters`. */
  readonly unit: 'characters' | 'tokens';
  /** Cut at every heading and page too. Default false. */
  readonly bySection: boolean;
}

/** Keeping popular answers warm. YAML section `warming`. */
export interface WarmingConfig {
  /** Default true. Environment: WARMING_ENABLED. */
  readonly enabled: boolean;
  /** Questions kept warm, 1 to 1,000,000. Default 100. Environment: WARMING_TOP_N. */
  readonly topN: number;
  /** Seconds between rounds, 1 to 86,400. Default 300. Environment: WARMING_INTERVAL. */
  readonly intervalSeconds: number;
  /** Times a question must have been asked, 1 to 1,000,000. Default 3. */
  readonly minCount: number;
  /** Factor on all counts after a round, 0 to 1. Default 0.95. */
  readonly decay: number;
  /** Seconds from its generation that a popular entry lives at least, if it was given `cache.ttlSeconds`; 1 to 315,360,000. Default 7200. */
  readonly extendedTtlSeconds: number;
}

/** When a stored answer is served for other words, and what is learnt from it. YAML section `decide`. */
export interface DecideConfig {
  /** Share of wrong among semantic hits that is kept, 0.0001 to 0.5. Undefined (the default): `cache.minSimilarity` decides. */
  readonly maxErrorRate: number | undefined;
  /** JSON file with policies by category and scope. Default undefined. */
  readonly policies: string | undefined;
  /** File that `llm-cache calibrate` wrote. Default undefined: what comes with the verifier. */
  readonly calibration: string | undefined;
  /** Ask the pair model of the package where its verifier is in doubt. Default true. */
  readonly pairModel: boolean;
  /** Milliseconds a question waits for the pair model, 1 to 60,000; then it is decided without. Default 250. */
  readonly pairTimeoutMs: number;
  /** Decide and tell, but serve no semantic hit. Default false. */
  readonly shadow: boolean;
  /** Learn from feedback and comparisons. Default true. */
  readonly learn: boolean;
  /** Share of semantic hits that are asked again in the background and compared, 0 to 1. Default 0. */
  readonly verifyShare: number;
  /** Milliseconds one comparison may take, 1 to 3,600,000. Default 120000. */
  readonly verifyTimeoutMs: number;
  /** File that lookups are recorded in, as JSON lines. Default undefined: none. */
  readonly record: string | undefined;
  /** Bytes that file may have, at least 1,024; as text also `64 MiB`. Default 67108864. */
  readonly recordMaxBytes: number;
}

/** Limits of the HTTP server. YAML section `rate_limit`. */
export interface RateLimitConfig {
  /** Requests a minute, 1 to 10,000,000. Default undefined. */
  readonly requestsPerMinute: number | undefined;
  /** Requests at once above that rate, 1 to 10,000,000. Default undefined. */
  readonly burst: number | undefined;
}

/** Who may use the HTTP server. YAML section `auth`. */
export interface AuthConfig {
  /** Scheme, such as `jwt`. Default undefined. */
  readonly type: string | undefined;
  /** Who issues tokens. Default undefined. */
  readonly issuer: string | undefined;
}

/** The whole configuration, resolved and deeply frozen. */
export interface Config {
  readonly cache: CacheConfig;
  readonly freshness: FreshnessConfig;
  readonly storing: StoringConfig;
  readonly savings: SavingsConfig;
  readonly telemetry: TelemetryConfig;
  readonly embedding: EmbeddingConfig;
  readonly flat: FlatConfig;
  readonly hnsw: HnswConfig;
  readonly ivfpq: IvfpqConfig;
  readonly redis: RedisConfig;
  readonly vectorDb: VectorDbConfig;
  readonly faiss: FaissConfig;
  readonly qdrant: QdrantConfig;
  readonly chunking: ChunkingConfig;
  readonly warming: WarmingConfig;
  readonly decide: DecideConfig;
  readonly rateLimit: RateLimitConfig;
  readonly auth: AuthConfig;
  /** How much is reported. Default `info`. Environment: LOG_LEVEL. */
  readonly logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug';
  /** Show the stack of an error. Default false. Environment: DEBUG. */
  readonly debug: boolean;
}

type Leaf = string | number | boolean | null | undefined | Secret | readonly string[];

/** The dotted paths of all keys of `T`, such as `cache.maxEntries`. */
export type LeafPath<T> = {
  [K in keyof T & string]: [T[K]] extends [Leaf] ? K : `${K}.${LeafPath<T[K]>}`;
}[keyof T & string];

/** The type at a dotted path. */
export type ValueAt<T, P extends string> = P extends `${infer Head}.${infer Rest}`
  ? Head extends keyof T
    ? ValueAt<T[Head], Rest>
    : never
  : P extends keyof T
    ? T[P]
    : never;

/** The path of a key of the configuration. */
export type ConfigPath = LeafPath<Config>;

type InputValue<V> =
  | Exclude<V, undefined>
  | (Secret extends V ? string : never)
  | (undefined extends V ? null : never)
  | undefined;

type Input<T> = {
  readonly [K in keyof T]?: ([T[K]] extends [Leaf] ? InputValue<T[K]> : Input<T[K]>) | undefined;
};

type WithTls<T extends { readonly tls: TlsConfig }> = Omit<Input<T>, 'tls'> & {
  /** `true`, or details (which also switch it on). */
  readonly tls?: boolean | Input<TlsConfig> | undefined;
};

/**
 * Configuration as code gives it: any part of `Config`. `undefined` leaves a key as it is, `null` takes away a value where there
 * may be none (and means "never" for `cache.ttlSeconds`). Secrets may be plain text; `cache.maxBytes` may be text such as `256 MiB`.
 */
export interface ConfigInput extends Omit<Input<Config>, 'cache' | 'redis' | 'qdrant' | 'decide'> {
  readonly cache?:
    | (Omit<Input<CacheConfig>, 'maxBytes' | 'maxDiskBytes'> & {
        readonly maxBytes?: number | string | undefined;
        readonly maxDiskBytes?: number | string | undefined;
      })
    | undefined;
  readonly decide?:
    | (Omit<Input<DecideConfig>, 'recordMaxBytes'> & {
        readonly recordMaxBytes?: number | string | undefined;
      })
    | undefined;
  readonly redis?:
    | (Omit<WithTls<RedisConfig>, 'maxEntryBytes'> & {
        readonly maxEntryBytes?: number | string | undefined;
        /** `redis://user:password@host:port/db`, or `rediss:` for TLS; stands for the single keys. */
        readonly url?: string | Secret | undefined;
      })
    | undefined;
  readonly qdrant?: WithTls<QdrantConfig> | undefined;
}

/** Where a value comes from. */
export interface Source {
  readonly from: 'default' | 'yaml' | 'environment' | 'code' | 'flag';
  /** `file:line`, the name of the variable, `code`, `--set key` or `default`. */
  readonly where: string;
  /** Where weaker sources set the key too, the strongest first; absent where none does. */
  readonly over?: readonly string[];
}

/** What `loadConfig` returns. */
export interface LoadedConfig {
  readonly config: Config;
  /** The source of every key, by its YAML path such as `cache.max_entries`. */
  readonly sources: Readonly<Record<string, Source>>;
  /** The file that was read, if any. */
  readonly file: string | undefined;
  /** What the user should know: keys that are set and have no effect, values that were adapted. */
  readonly notes: readonly string[];
}
