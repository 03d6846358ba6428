// Documents as points of Qdrant, and points judged and turned back into documents; for qdrant.ts alone.
import { createHash } from 'node:crypto';
import { InvalidArgumentError } from '../../core/errors.js';
import { checkDocument } from '../checks.js';
import type { StoredDocument } from '../database.js';
import type { MetadataValue } from '../filter.js';
import { decodeField, encodeField, type IndexKind } from './filter.js';

/** A document as it is sent. Names that begin with `_` are ours; metadata has an object of its own. */
export interface Point {
  readonly id: string;
  readonly vector: number[];
  readonly payload: Record<string, unknown>;
}

/** What makes points belong to one database: the embedder, and how long its vectors are. */
export interface Ownership {
  readonly embedder: string;
  readonly dimension: number;
}

const namespace = Buffer.from('6f1d3c0e8a5b4c7e9d2f41b7a0c85e13', 'hex');
// Vectors go over the wire as decimals of float32 and may be scaled to unit length by the server.
const unitTolerance = 1e-3;

/**
 * The id of a point: version 5 of UUID (RFC 9562, section 5.5) over the embedder, the scope and the document's id, so that
 * writing a document again, also from elsewhere, replaces it. Cost: one hash.
 */
export function pointId(embedder: string, scope: string, id: string): string {
  return uuidOf(['document', embedder, scope, id]);
}

/** The id of the point that holds the version of a scope. */
export function versionId(embedder: string, scope: string): string {
  return uuidOf(['version', embedder, scope]);
}

function uuidOf(parts: readonly string[]): string {
  const bytes = createHash('sha1').update(namespace).update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/**
 * A document as a point.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {DimensionError} ERR_LLM_CACHE_DIMENSION
 */
export function toPoint(
  document: StoredDocument,
  { embedder, dimension }: Ownership,
  indexed: ReadonlyMap<string, IndexKind>,
): Point {
  const { id, scope, text, vector, metadata, data, expiresAtMs } = document;
  checkDocument(document, dimension);
  for (const [field, value] of Object.entries(metadata)) checkIndexed(field, value, indexed.get(field));
  const meta = Object.fromEntries(
    Object.entries(metadata).map(([field, value]) => [encodeField(field), value]),
  );
  return {
    id: pointId(embedder, scope, id),
    vector: Array.from(vector),
    payload: {
      _scope: scope,
      _embedder: embedder,
      _id: id,
      // JSON cannot carry half a surrogate pair; UTF-8 could not either.
      _text: text.toWellFormed(),
      ...(data && { _data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') }),
      ...(Number.isFinite(expiresAtMs) && { _expires: expiresAtMs }),
      meta,
    },
  };
}

// An index of integers would not find a fraction.
function checkIndexed(field: string, value: MetadataValue, kind: IndexKind | undefined): void {
  if (kind === 'integer' && typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(
      `metadata.${field}`,
      'a whole number, for it has an index of integers',
      value,
    );
  }
}

/**
 * The document that a point stands for, of which the server says that it belongs to the scope; undefined when anything about it is
 * not as this package writes it, or when it belongs to another scope, embedder or id than it should.
 */
export function toDocument(point: unknown, owner: Ownership, scope: string): StoredDocument | undefined {
  const key = toKey(point, owner, scope);
  if (key === undefined) return undefined;
  const { payload, vector: numbers } = point as { payload: Record<string, unknown>; vector: unknown };
  const { _text: text, _data: data, _expires: expiresAtMs } = payload;
  const vector = toVector(numbers, owner.dimension);
  const metadata = toMetadata(payload.meta);
  if (typeof text !== 'string' || vector === undefined || metadata === undefined) return undefined;
  if (data !== undefined && typeof data !== 'string') return undefined;
  if (expiresAtMs !== undefined && typeof expiresAtMs !== 'number') return undefined;
  return {
    id: key,
    scope,
    text,
    vector,
    metadata,
    ...(data !== undefined && { data: new Uint8Array(Buffer.from(data, 'base64')) }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

/** The id of the document that a point stands for; undefined when it belongs elsewhere. Needs the payload's `_scope`, `_embedder` and `_id`. */
export function toKey(point: unknown, { embedder }: Ownership, scope: string): string | undefined {
  if (!isRecord(point) || !isRecord(point.payload)) return undefined;
  const { _scope, _embedder, _id } = point.payload;
  if (_scope !== scope || _embedder !== embedder || typeof _id !== 'string') return undefined;
  return point.id === pointId(embedder, scope, _id) ? _id : undefined;
}

/** A vector as it came; undefined when it is not one of unit length. */
export function toVector(numbers: unknown, dimension: number): Float32Array | undefined {
  if (!Array.isArray(numbers) || numbers.length !== dimension) return undefined;
  const vector = new Float32Array(dimension);
  let squaredLength = 0;
  for (let i = 0; i < dimension; i++) {
    const number: unknown = numbers[i];
    if (typeof number !== 'number') return undefined;
    vector[i] = number;
    squaredLength += number * number;
  }
  return Math.abs(squaredLength - 1) < unitTolerance ? vector : undefined;
}

/** The metadata as it was given; undefined when it is not what `toPoint` makes. */
export function toMetadata(meta: unknown): Record<string, MetadataValue> | undefined {
  if (!isRecord(meta)) return undefined;
  const entries = Object.entries(meta);
  const isValue = (value: unknown) =>
    value === null || ['string', 'number', 'boolean'].includes(typeof value);
  if (!entries.every(([, value]) => isValue(value))) return undefined;
  return Object.fromEntries(entries.map(([name, value]) => [decodeField(name), value as MetadataValue]));
}

/** An object that is no list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
