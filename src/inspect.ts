// Looks into a cache directory without an embedder or a model; the public face exports it, the command line shows what it returns.
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DirectoryError } from './core/errors.js';
import { type EmbedderIdentity, Environment } from './disk/environment.js';
import { type Lifetime, readLifetime } from './disk/lifetime.js';
import { manifestDatabase } from './ingest/disk-manifest.js';
import { answersDatabase, corpusDatabase } from './stores.js';
import { diskDatabases } from './tiers/disk.js';
import { databaseNames } from './vectordb/documents.js';

/** How much a database holds. */
export interface DatabaseSize {
  /** Expired entries that were not swept yet included. */
  readonly entries: number;
  /** Bytes of the pages in use. */
  readonly bytes: number;
}

/** What a cache directory holds. */
export interface DirectoryReport {
  /** Absolute path. */
  readonly directory: string;
  /** Bytes of the file, free pages included. */
  readonly fileBytes: number;
  /** The embedder that the directory is tied to; null while there is none. */
  readonly embedder: EmbedderIdentity | null;
  /** Tier B on disk: answers and retrievals by their exact key. */
  readonly disk: DatabaseSize;
  /** Tier C: answers by meaning. */
  readonly vector: DatabaseSize;
  /** Passages of the ingested documents. */
  readonly corpus: DatabaseSize & { readonly documents: number };
  /** Counts of all processes that closed their cache. */
  readonly lifetime: Lifetime;
}

/**
 * What the cache directory holds. Never creates one; cost a few milliseconds, whatever its size.
 * @throws {DirectoryError} ERR_LLM_CACHE_DIRECTORY when it holds no cache or cannot be opened.
 */
export async function inspectDirectory(path: string): Promise<DirectoryReport> {
  const directory = resolve(path);
  const file = join(directory, 'cache.mdb');
  if (!existsSync(directory))
    throw new DirectoryError(directory, 'it does not exist; run "llm-cache ingest" first');
  if (!statSync(directory).isDirectory()) throw new DirectoryError(directory, 'it is not a directory');
  if (!existsSync(file))
    throw new DirectoryError(directory, 'it holds no cache; run "llm-cache ingest" first');
  const environment = new Environment(directory);
  try {
    const size = (...names: string[]): DatabaseSize => {
      const readers = names.map((name) => environment.reader(name));
      return {
        entries: readers[0]?.count() ?? 0,
        bytes: readers.reduce((sum, reader) => sum + reader.bytes(), 0),
      };
    };
    const answers = databaseNames(answersDatabase);
    const corpus = databaseNames(corpusDatabase);
    const manifest = manifestDatabase(corpusDatabase);
    return {
      directory,
      fileBytes: statSync(file).size,
      embedder: environment.embedder() ?? null,
      disk: size(...Object.values(diskDatabases)),
      vector: size(answers.bodies, answers.vectors),
      corpus: {
        ...size(corpus.bodies, corpus.vectors, manifest),
        documents: environment.reader(manifest).count(),
      },
      lifetime: readLifetime(environment),
    };
  } finally {
    await environment.close();
  }
}
