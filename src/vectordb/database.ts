// The contract of vector databases: tier C and corpora stand on it. tiers and ingest may import it.
import type { MaybePromise } from '../core/tier.js';
import type { Filter, Metadata } from './filter.js';

/** A text with its vector, as stored. */
export interface StoredDocument {
  /** Unique within its scope. */
  readonly id: string;
  /** Hard partition: 64 hexadecimal digits. */
  readonly scope: string;
  readonly text: string;
  /** Unit length. */
  readonly vector: Float32Array;
  readonly metadata: Metadata;
  /** Opaque bytes of the caller's. */
  readonly data?: Uint8Array;
  /** Wall-clock milliseconds from which on the database may remove the document. Default never. */
  readonly expiresAtMs?: number;
}

/** A document found. */
export interface Found {
  readonly document: StoredDocument;
  /** Cosine similarity in [-1, 1]. */
  readonly similarity: number;
}

export interface SearchOptions {
  readonly scope: string;
  /** How many, at least 1. */
  readonly topK: number;
  /** Where the nearest is less similar than this, it alone is enough. Default: all are told. */
  readonly floor?: number | undefined;
  readonly filter?: Filter | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Documents by id and by nearness. */
export interface VectorDatabase {
  readonly name: string;
  /** Inserts or replaces by (scope, id). Resolves when it survives the death of the process. */
  upsert(documents: readonly StoredDocument[]): Promise<void>;
  /** Up to `topK` documents of the scope that pass the filter, most similar first. */
  search(vector: Float32Array, options: SearchOptions): MaybePromise<readonly Found[]>;
  /** What `search` finds for each of the vectors, in their order. Left out by databases that gain nothing by it. */
  searchMany?(
    vectors: readonly Float32Array[],
    options: SearchOptions,
  ): Promise<readonly (readonly Found[])[]>;
  get(scope: string, ids: readonly string[]): MaybePromise<readonly (StoredDocument | undefined)[]>;
  /** The vectors alone, in the order of the ids. */
  vectors(scope: string, ids: readonly string[]): MaybePromise<readonly (Float32Array | undefined)[]>;
  /** Removes by id, or what passes a filter; how many there were. */
  delete(scope: string, which: readonly string[] | Filter): Promise<number>;
  /** Removes everything, or everything of one scope. */
  clear(scope?: string): Promise<void>;
  /** Number of documents: in all, in one scope, or in one scope and passing the filter. */
  count(scope?: string, filter?: Filter): MaybePromise<number>;
  /** Bytes on disk (or on the server) and in memory, as exactly as can be told. */
  bytes(): MaybePromise<number>;
  /** A short text that differs from every earlier one once a document of the scope was written or removed. */
  version(scope: string): MaybePromise<string>;
  /** Resolves when everything acknowledged is on stable storage. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
