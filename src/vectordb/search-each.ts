// Several vectors against one database; memory and the contract of databases import it.
import type { Found, SearchOptions, VectorDatabase } from './database.js';

/** What `search` finds for each of the vectors: together where the database can, else one after the other. */
export async function searchEach(
  database: VectorDatabase,
  vectors: readonly Float32Array[],
  options: SearchOptions,
): Promise<readonly (readonly Found[])[]> {
  if (vectors.length > 1 && database.searchMany !== undefined) return database.searchMany(vectors, options);
  const found: (readonly Found[])[] = [];
  for (const vector of vectors) found.push(await database.search(vector, options));
  return found;
}
