// What is kept of a message on disk, one record a message: its node and all edges that begin there. For memory-graph.ts and store.ts.
import { decodeRecord, encodeRecord } from '../../disk/codec.js';
import type { GraphMessage } from '../graph-index.js';
import type { Mention } from './analyse.js';
import type { Statement } from './facts.js';

/** A mention and the entity that it was found to be. */
export interface Resolved extends Mention {
  readonly entity: number;
  /** Vector of the surface, where it was needed to find the entity. */
  readonly vector?: Int8Array | undefined;
}

/** A message in the graph. */
export interface MessageRecord {
  readonly id: string;
  readonly role: string;
  readonly createdAtMs: number;
  readonly replyTo?: string | undefined;
  readonly user?: string | undefined;
  /** The first 240 characters of the content. */
  readonly preview: string;
  readonly mentions: readonly Resolved[];
  readonly statements: readonly Statement[];
  readonly vector?: Int8Array | undefined;
  /** Messages near by meaning: sequence number and cosine. */
  readonly similar: readonly (readonly [number, number])[];
}

/** Characters of a message that the graph shows. */
export const previewLength = 240;
/** Entity numbers of a message are its sequence number times this, and up. */
export const entitiesPerMessage = 64;

/** The bytes of a record. */
export function packRecord(record: MessageRecord): Uint8Array {
  return encodeRecord(record);
}

/** Reads what `packRecord` wrote. @throws {CodecError} ERR_LLM_CACHE_CODEC */
export function unpackRecord(bytes: Buffer): MessageRecord {
  return decodeRecord<MessageRecord>(bytes);
}

/** The first characters of a message in one line. */
export function previewOf({ content }: GraphMessage): string {
  return content.slice(0, previewLength).toWellFormed().replace(/\s+/g, ' ').trim();
}
