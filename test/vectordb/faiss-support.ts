// Faiss databases for tests, and whether there can be any; imported by the tests of faiss.
import type { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Environment } from '#dist/disk/environment.js';
import { cosine, randomUnitVector, vectorAt, vectorDatabaseContract } from '#dist/testing/index.js';
import type { StoredDocument, VectorDatabase } from '#dist/vectordb/database.js';
import { type FaissDatabase, type FaissDatabaseOptions, openFaissDatabase } from '#dist/vectordb/faiss.js';
import { codeOf, temporaryDirectory } from '../disk/support.ts';

export const scope = 'c'.repeat(64);

/** Why there is no faiss here; undefined when there is. Asked of the database: a second thread that loads faiss-node ends the process. */
export async function noFaiss(): Promise<string | undefined> {
  const environment = new Environment(temporaryDirectory());
  let reason: string | undefined;
  const code = await codeOf(async () => {
    try {
      await (await openFaissDatabase(environment, { name: 'probe', dimension: 2 })).close();
    } catch (error) {
      reason = `${(error as Error).message}: ${((error as Error).cause as Error | undefined)?.message}`;
      throw error;
    }
  });
  await environment.close();
  if (code === undefined) return undefined;
  if (code !== 'ERR_LLM_CACHE_MISSING_PACKAGE') throw new Error(`faiss failed: ${reason}`);
  return `faiss-node is not there (node scripts/build-faiss.mjs builds it): ${reason?.split('\n')[0]}`;
}

type Kinds = Record<string, Omit<FaissDatabaseOptions, 'name' | 'dimension'>>;

/** Registers the contract for databases with these options, or a skipped test. */
export async function faissContract(test: ReturnType<typeof suite>, kinds: Kinds): Promise<void> {
  const absent = await noFaiss();
  if (absent !== undefined) {
    console.log(`skipped: ${absent}`);
    test.skip(`the contract: skipped: ${absent}`);
    return;
  }
  for (const [kind, options] of Object.entries(kinds)) {
    const named = (name: string, body: () => Promise<void>) => test(`${kind}: ${name}`, body);
    const make = async ({ dimension }: { dimension: number }) => {
      const directory = temporaryDirectory();
      let opened = await openFaiss({ dimension, ...options }, directory);
      return {
        database: opened.database,
        async reopen() {
          await opened.close();
          opened = await openFaiss({ dimension, ...options }, directory);
          return opened.database;
        },
        release: () => opened.environment.close(),
      };
    };
    vectorDatabaseContract(named, make, assert, { exact: options.indexType === 'Flat' });
  }
}

export interface OpenedFaiss {
  readonly directory: string;
  readonly environment: Environment;
  readonly database: FaissDatabase;
  close(): Promise<void>;
}

export async function openFaiss(
  options: Omit<FaissDatabaseOptions, 'name'>,
  directory = temporaryDirectory(),
): Promise<OpenedFaiss> {
  const environment = new Environment(directory);
  const database = await openFaissDatabase(environment, { name: 'mine', ...options });
  const close = async () => {
    await database.close();
    await environment.close();
  };
  return { directory, environment, database, close };
}

/** Documents whose vectors lie around `centres` directions, as those of texts do around topics. */
export function clustered(
  count: number,
  dimension: number,
  random: () => number,
  centres = 64,
): StoredDocument[] {
  const directions = Array.from({ length: centres }, () => randomUnitVector(dimension, random));
  return Array.from({ length: count }, (_, i) => {
    const centre = directions[Math.floor(random() * centres)] as Float32Array;
    const vector = vectorAt(centre, 0.6 + 0.3 * random(), random);
    return { id: `d${i}`, scope, text: '', vector, metadata: { even: i % 2 === 0 } };
  });
}

/** Ids of the `k` documents nearest to the vector. */
export function nearest(documents: Iterable<StoredDocument>, vector: Float32Array, k: number): string[] {
  return [...documents]
    .map((document) => ({ id: document.id, similarity: cosine(vector, document.vector) }))
    .sort((a, b) => b.similarity - a.similarity)
    .slice(0, k)
    .map(({ id }) => id);
}

/** Share of the true 10 nearest that a search finds, over queries that lie near documents. */
export async function recall(
  database: VectorDatabase,
  documents: readonly StoredDocument[],
  random: () => number,
  queries = 50,
): Promise<number> {
  let found = 0;
  for (let query = 0; query < queries; query++) {
    const near = documents[Math.floor(random() * documents.length)] as StoredDocument;
    const vector = vectorAt(near.vector, 0.8, random);
    const expected = new Set(nearest(documents, vector, 10));
    const results = await database.search(vector, { scope, topK: 10 });
    found += results.filter(({ document }) => expected.has(document.id)).length;
  }
  return found / (queries * 10);
}

/** Writes in groups, as an ingestion does. */
export async function upsertAll(database: VectorDatabase, documents: readonly StoredDocument[]) {
  for (let at = 0; at < documents.length; at += 1000) await database.upsert(documents.slice(at, at + 1000));
}
