// What every vector database refuses before it does anything; vectordb/ alone imports it.
import { InvalidArgumentError } from '../core/errors.js';
import { isKey } from '../core/key.js';
import { checkVector } from '../engines/flat.js';
import type { SearchOptions, StoredDocument } from './database.js';
import { checkMetadata } from './filter.js';

/** Longest id in bytes of UTF-8. */
export const longestId = 512;

const utf8 = new TextEncoder();

/** Refuses a document that a database could not give back. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {DimensionError} ERR_LLM_CACHE_DIMENSION */
export function checkDocument(document: StoredDocument, dimension: number): void {
  const { id, scope, text, vector, metadata, data, expiresAtMs } = document;
  checkScope(scope);
  checkId(id);
  if (typeof text !== 'string') throw new InvalidArgumentError('text', 'a string', text);
  checkVector(vector, dimension);
  checkMetadata(metadata);
  if (data !== undefined && !(data instanceof Uint8Array)) {
    throw new InvalidArgumentError('data', 'a Uint8Array', data);
  }
  if (expiresAtMs !== undefined && !(typeof expiresAtMs === 'number' && expiresAtMs >= 0)) {
    throw new InvalidArgumentError('expiresAtMs', 'milliseconds since 1970', expiresAtMs);
  }
}

/** Refuses what no search can be asked for. @throws as `checkDocument` */
export function checkSearch(
  vector: Float32Array,
  { scope, topK }: Pick<SearchOptions, 'scope' | 'topK'>,
  dimension: number,
): void {
  checkScope(scope);
  if (!Number.isSafeInteger(topK) || topK < 1) {
    throw new InvalidArgumentError('topK', 'an integer of at least 1', topK);
  }
  checkVector(vector, dimension);
}

/** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkScope(scope: string): void {
  if (!isKey(scope)) {
    throw new InvalidArgumentError('scope', '64 lower-case hexadecimal digits', scope);
  }
}

/** The id in UTF-8. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkId(id: string): Uint8Array<ArrayBuffer> {
  if (typeof id === 'string' && id.isWellFormed()) {
    const bytes = utf8.encode(id);
    if (bytes.length > 0 && bytes.length <= longestId) return bytes;
  }
  throw new InvalidArgumentError('id', `1 to ${longestId} bytes of UTF-8`, id);
}
