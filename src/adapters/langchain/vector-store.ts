// Our vector databases as a VectorStore of LangChain: filters, deletion, maximal marginal relevance.
import { DimensionError, InvalidArgumentError } from '../../core/errors.js';
import { native } from '../../core/native.js';
import { Scope } from '../../core/scope.js';
import { decodeRecord, encodeRecord } from '../../disk/codec.js';
import type { Found, StoredDocument, VectorDatabase } from '../../vectordb/database.js';
import type { Filter, Metadata, MetadataValue } from '../../vectordb/filter.js';
import {
  Document,
  type DocumentInterface,
  type EmbeddingsInterface,
  type MaxMarginalRelevanceSearchOptions,
  maximalMarginalRelevance,
  VectorStore,
} from './core.js';

/** What a vector store stands on. */
export interface TieredVectorStoreOptions {
  /** From `openVectorDatabase`, or of `llm-tiered-cache/vectordb/*`; it stays the caller's. */
  readonly database: VectorDatabase;
  /** Keeps stores of one database apart: nothing is found across tenants. Default none. */
  readonly tenant?: string | undefined;
}

/** Which documents go. */
export interface DeleteOptions {
  readonly ids?: readonly string[] | undefined;
  readonly filter?: Filter | undefined;
}

// Fields of metadata that filters see; the rest comes back with the document.
const isFilterable = (value: unknown): value is MetadataValue =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value);

/**
 * Documents by nearness in one of our vector databases. Scores are cosine similarities, higher is nearer. Filters are those of this
 * package (equality, any-of, range, exists, and/or/not) over the plain fields of metadata.
 */
export class TieredVectorStore extends VectorStore {
  declare FilterType: Filter;
  readonly #database: VectorDatabase;
  readonly #scope: string;

  constructor(embeddings: EmbeddingsInterface, { database, tenant }: TieredVectorStoreOptions) {
    super(embeddings, {});
    this.#database = database;
    this.#scope = new Scope({ tenant, extra: { kind: 'langchain documents' } }, 'langchain').id;
  }

  static override async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface,
    options: TieredVectorStoreOptions,
  ): Promise<TieredVectorStore> {
    const documents = texts.map((pageContent, at) => {
      const metadata = (Array.isArray(metadatas) ? metadatas[at] : metadatas) as Record<string, unknown>;
      return new Document({ pageContent, metadata: metadata ?? {} });
    });
    return TieredVectorStore.fromDocuments(documents, embeddings, options);
  }

  static override async fromDocuments(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface,
    options: TieredVectorStoreOptions,
  ): Promise<TieredVectorStore> {
    const store = new TieredVectorStore(embeddings, options);
    await store.addDocuments(documents);
    return store;
  }

  _vectorstoreType(): string {
    return 'llm-tiered-cache';
  }

  /** Adds or replaces; their ids. A document without an id gets the digest of its text and metadata, so the same one is stored once. */
  async addDocuments(documents: DocumentInterface[], options?: { ids?: string[] }): Promise<string[]> {
    const vectors = await this.embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent));
    return this.addVectors(vectors, documents, options);
  }

  /**
   * As `addDocuments`, with vectors of any length but zero.
   * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT (as rejections); nothing is stored then
   */
  async addVectors(
    vectors: number[][],
    documents: DocumentInterface[],
    options: { ids?: string[] } = {},
  ): Promise<string[]> {
    if (vectors.length !== documents.length) {
      throw new DimensionError('vectors', documents.length, vectors.length);
    }
    if (options.ids !== undefined && options.ids.length !== documents.length) {
      throw new DimensionError('ids', documents.length, options.ids.length);
    }
    const stored = documents.map(({ pageContent, metadata, id }, at): StoredDocument => {
      const all = metadata ?? {};
      const data = encodeRecord(all);
      return {
        id: options.ids?.[at] ?? id ?? native.sha256Fields(['langchain/1', pageContent, JSON.stringify(all)]),
        scope: this.#scope,
        text: pageContent,
        vector: unit(vectors[at] as number[]),
        metadata: filterable(all),
        data,
      };
    });
    await this.#database.upsert(stored);
    return stored.map(({ id }) => id);
  }

  /** Removes by id, or what passes the filter. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT without either */
  override async delete({ ids, filter }: DeleteOptions = {}): Promise<void> {
    const which = ids ?? filter;
    if (which === undefined) throw new InvalidArgumentError('delete', 'with ids or a filter', undefined);
    await this.#database.delete(this.#scope, which);
  }

  async similaritySearchVectorWithScore(
    query: number[],
    k: number,
    filter?: Filter,
  ): Promise<[Document, number][]> {
    const found = await this.#search(query, k, filter);
    return found.map(({ document, similarity }) => [toDocument(document), similarity]);
  }

  /** The nearest `fetchK` (20) documents, thinned to `k` that differ: `lambda` (0.5) from 0, most different, to 1, most similar. */
  override async maxMarginalRelevanceSearch(
    query: string,
    { k, fetchK = Math.max(20, k), lambda, filter }: MaxMarginalRelevanceSearchOptions<Filter>,
  ): Promise<Document[]> {
    const vector = await this.embeddings.embedQuery(query);
    const found = await this.#search(vector, fetchK, filter);
    const vectors = found.map(({ document }) => Array.from(document.vector));
    return maximalMarginalRelevance(vector, vectors, lambda, k).map((at) =>
      toDocument((found[at] as Found).document),
    );
  }

  async #search(query: number[], topK: number, filter: Filter | undefined): Promise<readonly Found[]> {
    if (topK < 1) return [];
    return this.#database.search(unit(query), { scope: this.#scope, topK, filter });
  }
}

function filterable(metadata: Record<string, unknown>): Metadata {
  const plain = Object.entries(metadata).filter(([, value]) => isFilterable(value));
  return Object.fromEntries(plain) as Metadata;
}

function toDocument({ id, text, data, metadata }: StoredDocument): Document {
  const all = data === undefined ? metadata : decodeRecord<Record<string, unknown>>(Buffer.from(data));
  return new Document({ id, pageContent: text, metadata: all });
}

function unit(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector);
  if (!(length > 0) || !Number.isFinite(length)) {
    throw new InvalidArgumentError('vector', 'finite and not zero', vector);
  }
  return Float32Array.from(vector, (value) => value / length);
}
