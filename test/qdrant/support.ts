// Databases of the tests of Qdrant: on the double, or on a real server that QDRANT_URL names; imported by the tests of Qdrant.
import { randomUUID } from 'node:crypto';
import { randomUnitVector, seededRandom } from '#dist/testing/index.js';
import type { StoredDocument } from '#dist/vectordb/database.js';
import { openQdrantDatabase, type QdrantDatabaseOptions } from '#dist/vectordb/qdrant.js';
import { type Double, startDouble } from './double.ts';

const realUrl = process.env.QDRANT_URL;
const realKey = process.env.QDRANT_API_KEY;

/** Which server the tests of this process run against. */
export const ground = realUrl === undefined ? 'the double on 127.0.0.1' : `the server at ${realUrl}`;

export const dimension = 8;
export const scopes = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string];

const random = seededRandom(5);
export function documentOf(id: string, changes: Partial<StoredDocument> = {}): StoredDocument {
  const vector = randomUnitVector(dimension, random);
  return { id, scope: scopes[0], text: `text of ${id}`, vector, metadata: {}, ...changes };
}

/** Options of a database on a collection of its own, and what releases it. */
export async function anywhere(): Promise<{ options: QdrantDatabaseOptions; release: () => Promise<void> }> {
  const collection = `test-${randomUUID()}`;
  const common = { collection, dimension, embedder: 'e1' };
  if (realUrl === undefined) {
    const double = await startDouble();
    return { options: { url: double.url, ...common }, release: () => double.stop() };
  }
  const apiKey = realKey === undefined ? {} : { apiKey: realKey };
  return {
    options: { url: realUrl, ...apiKey, ...common },
    async release() {
      const headers = realKey === undefined ? {} : { 'api-key': realKey };
      await fetch(new URL(`/collections/${collection}`, realUrl), { method: 'DELETE', headers });
    },
  };
}

/** A double and a database on it, for tests that need faults. */
export async function onDouble(changes: Partial<QdrantDatabaseOptions> = {}) {
  const double: Double = await startDouble({ apiKey: changes.apiKey });
  const options = { url: double.url, collection: 'c', dimension, embedder: 'e1', retries: 0, ...changes };
  const database = await openQdrantDatabase(options);
  return {
    double,
    options,
    database,
    async end() {
      await database.close();
      await double.stop();
    },
  };
}
