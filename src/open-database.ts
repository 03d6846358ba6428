// A vector database by itself, for documents of the caller's own. The public face exports its function.
import { join, resolve } from 'node:path';
import { systemClock } from './core/clock.js';
import type { Embedder } from './core/embedder.js';
import { InvalidArgumentError } from './core/errors.js';
import { Environment } from './disk/environment.js';
import { configOf, type OpenOptions } from './open.js';
import { openDatabase } from './stores.js';
import type { VectorDatabase } from './vectordb/database.js';

/** Which database, and of what vectors. */
export interface OpenDatabaseOptions extends Omit<OpenOptions, 'embedder'> {
  /** 1 to 64 of `a-z`, `0-9` and `-`. Default `documents`. */
  readonly name?: string | undefined;
  /** Whose vectors they are: a directory holds those of one embedder. An `Embedder` will do, or the name of a model and its dimension. */
  readonly embedder: Pick<Embedder, 'name' | 'dimension' | 'fingerprint'>;
}

/** A database and what it stands on. */
export interface DatabaseGround {
  readonly database: VectorDatabase;
  /** Closes both. Idempotent. */
  close(): Promise<void>;
}

/** The folder below the cache directory: documents of one's own may be of another embedder than the cache's. */
const folder = 'documents';

/**
 * Opens the vector database that the configuration names (`vector_db.*`, `qdrant.*`, `faiss.*`): embedded in the cache directory unless it says
 * otherwise.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG · {DirectoryError} ERR_LLM_CACHE_DIRECTORY · {EmbedderMismatchError}
 * ERR_LLM_CACHE_EMBEDDER_MISMATCH · {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export async function openVectorDatabase({
  name = 'documents',
  embedder,
  ...options
}: OpenDatabaseOptions): Promise<DatabaseGround> {
  if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new InvalidArgumentError('name', 'of a-z, 0-9 and -', name);
  const config = configOf(options);
  const environment = new Environment(join(resolve(config.cache.directory), folder, name));
  try {
    await environment.bindEmbedder(embedder);
    const { clock = systemClock } = options;
    const database = await openDatabase(name, config, environment, embedder, clock);
    let closing: Promise<void> | undefined;
    return {
      database,
      close() {
        closing ??= database.close().finally(() => environment.close());
        return closing;
      },
    };
  } catch (error) {
    await environment.close();
    throw error;
  }
}
