// The collection that documents are kept in: made when it is missing, checked when it is there, never changed; for qdrant.ts alone.
import { ConfigError } from '../../core/errors.js';
import type { QdrantConnection } from './connection.js';
import { type IndexKind, pathOf } from './filter.js';

/** How a collection is made; of one that exists only the dimension and the metric must agree. */
export interface CollectionOptions {
  readonly collection: string;
  /** Length of the vectors. */
  readonly dimension: number;
  /** Number of shards. Default: the server's. */
  readonly shardNumber?: number | undefined;
  /** Copies of each shard. Default: the server's. Above 1 every read asks for what most copies have. */
  readonly replicationFactor?: number | undefined;
  /** Copies that must have taken a write before it counts. Default: the server's. */
  readonly writeConsistencyFactor?: number | undefined;
  /** Payloads on disk only. Default: the server's. */
  readonly onDiskPayload?: boolean | undefined;
  /** The graph: edges a node and breadth of its construction. Default: the server's. */
  readonly hnsw?: { readonly m?: number | undefined; readonly efConstruct?: number | undefined } | undefined;
  /** Smaller copies of the vectors to search in; what they find is judged by the vectors themselves. Default none. */
  readonly quantization?: 'int8' | 'binary' | undefined;
  /** Metadata fields with a payload index: those that filters name. `integer` fields take whole numbers alone. */
  readonly indexedFields?: Readonly<Record<string, IndexKind>> | undefined;
}

const metric = 'Cosine';

const quantizations = {
  int8: { scalar: { type: 'int8', quantile: 0.99, always_ram: true } },
  binary: { binary: { always_ram: true } },
} as const;

/**
 * Sees to it that the collection is there and fits. Two processes may do so at once. Cost: one request when all is well.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG when it has another dimension, metric or index · what the connection throws
 */
export async function ensureCollection(
  connection: QdrantConnection,
  options: CollectionOptions,
): Promise<void> {
  const { collection: collection_name } = options;
  const describe = () => connection.ask('open', (api, init) => api.getCollection({ collection_name }, init));
  let info: Awaited<ReturnType<typeof describe>>;
  try {
    info = await describe();
  } catch (error) {
    if (connection.statusOf(error) !== 404) throw error;
    await create(connection, options);
    info = await describe();
  }
  checkVectors(collection_name, info.config?.params?.vectors, options.dimension);
  await index(connection, options, info.payload_schema ?? {});
}

async function create(connection: QdrantConnection, options: CollectionOptions): Promise<void> {
  const { collection: collection_name, dimension, hnsw, quantization } = options;
  const { shardNumber, replicationFactor, writeConsistencyFactor, onDiskPayload } = options;
  const body = {
    vectors: { size: dimension, distance: metric },
    ...(shardNumber !== undefined && { shard_number: shardNumber }),
    ...(replicationFactor !== undefined && { replication_factor: replicationFactor }),
    ...(writeConsistencyFactor !== undefined && { write_consistency_factor: writeConsistencyFactor }),
    ...(onDiskPayload !== undefined && { on_disk_payload: onDiskPayload }),
    ...(hnsw && {
      hnsw_config: {
        ...(hnsw.m !== undefined && { m: hnsw.m }),
        ...(hnsw.efConstruct !== undefined && { ef_construct: hnsw.efConstruct }),
      },
    }),
    ...(quantization && { quantization_config: quantizations[quantization] }),
  } as const;
  try {
    await connection.ask('open', (api, init) => api.createCollection({ collection_name, ...body }, init));
  } catch (error) {
    // Another process was faster; what it made is checked like any other.
    if (connection.statusOf(error) !== 409) throw error;
  }
}

function checkVectors(collection: string, vectors: unknown, dimension: number): void {
  const { size, distance, multivector_config } = (vectors ?? {}) as Record<string, unknown>;
  const refuse = (what: string) => {
    throw new ConfigError(
      `the Qdrant collection ${collection} ${what}; it is left as it is: name another collection, or the embedder it was made for`,
    );
  };
  if (typeof size !== 'number' || multivector_config) refuse('does not keep one unnamed vector a point');
  if (size !== dimension) refuse(`keeps vectors of ${size} numbers, this database needs ${dimension}`);
  if (distance !== metric) refuse(`measures ${distance}, this database needs ${metric}`);
}

async function index(
  connection: QdrantConnection,
  { collection, indexedFields = {} }: CollectionOptions,
  held: Record<string, unknown>,
): Promise<void> {
  const wanted: [name: string, kind: IndexKind][] = [
    ['_scope', 'keyword'],
    ['_embedder', 'keyword'],
    ['_expires', 'float'],
    ...Object.entries(indexedFields).map(([field, kind]): [string, IndexKind] => [pathOf(field), kind]),
  ];
  for (const [field_name, type] of wanted) {
    const present = (held[field_name] as { data_type?: string } | undefined)?.data_type;
    if (present === type) continue;
    if (present !== undefined) {
      throw new ConfigError(
        `the Qdrant collection ${collection} has an index of ${present} on ${field_name}, this database needs one of ${type}; drop one of the two`,
      );
    }
    const field_schema = field_name === '_scope' ? ({ type: 'keyword', is_tenant: true } as const) : type;
    await connection.ask('open', (api, init) =>
      // Not waited for: a large collection takes its time, and answers are the same without.
      api.createFieldIndex({ collection_name: collection, field_name, field_schema }, init),
    );
  }
}
