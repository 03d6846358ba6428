// QueryService, the product for retrieval: the cascade in front of a search of the corpus. open.ts builds it; the public face exports it.

import type { SemanticCache } from './cache.js';
import type { CacheStats, Health, Match } from './cache-types.js';
import type { Embedder } from './core/embedder.js';
import { ClosedError, InvalidArgumentError, TierError } from './core/errors.js';
import { checkQuestion } from './core/key.js';
import { longestLabel, mostLabels } from './core/labels.js';
import { checkOptions } from './core/options.js';
import type { ScopeFields } from './core/scope.js';
import type { Refusal } from './decide/decide.js';
import { type IngestOptions, type IngestReport, ingest } from './ingest/pipeline.js';
import type { OpenOptions } from './open.js';
import type { VectorDatabase } from './vectordb/database.js';
import { type Filter, type MetadataValue, parseFilter } from './vectordb/filter.js';

/** A passage of the corpus. */
export interface QueryResult {
  readonly id: string;
  /** Cosine of the passage and the question the search was made for, in [-1, 1]. */
  readonly similarity: number;
  readonly text: string;
  /** File, or file and line, that the passage comes from. */
  readonly source: string;
  /** Number of the passage within its document, from 0. */
  readonly chunkIndex: number;
  readonly metadata: Readonly<Record<string, MetadataValue>>;
}

/** What `query` returns. */
export interface QueryAnswer {
  /** Best first. */
  readonly results: readonly QueryResult[];
  /** Name of the tier that had the results; `corpus` when the corpus was searched. */
  readonly tier: string;
  readonly latencyMs: number;
  /** Milliseconds of it spent on the embedding. */
  readonly embedMs: number;
  readonly decision: {
    readonly match: Match;
    /** Cosine of the question and the past one whose results these are; 0 for none. */
    readonly similarity: number;
    /** That past question. */
    readonly question: string | undefined;
    readonly refused: Refusal | null;
  };
  /** The question is longer than the embedder reads: the search went by its beginning. */
  readonly truncated: boolean;
}

export interface QueryOptions {
  /** Passages wanted, 1 to 1,000. Default 5. */
  readonly topK?: number | undefined;
  /** Metadata the passages must have. */
  readonly filter?: Filter | undefined;
  /** Whose cached results these are; corpora are shared by all. */
  readonly scope?: Omit<ScopeFields, 'corpus'> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What `ingest` takes: a path or documents, and how to cut them. */
export type ServiceIngestOptions = Omit<
  IngestOptions,
  'database' | 'embedder' | 'scope' | 'manifest' | 'clock' | 'onChange'
>;

/** What a service is made of. */
export interface QueryServiceParts {
  /** Tiers A and B; it owns the embedder and what everything is built on. */
  readonly cache: SemanticCache;
  readonly embedder: Embedder;
  readonly database: VectorDatabase;
  /** Partition of the corpus within the database: 64 hexadecimal digits. */
  readonly corpusScope: string;
  readonly ingest: Pick<IngestOptions, 'manifest' | 'chunking' | 'batchSize' | 'clock'>;
}

const mostResults = 1000;
const mostInvalidated = 1000;
const queryOptions = new Set(['topK', 'filter', 'scope', 'signal']);

/** Answers questions with passages of the ingested documents, and past questions from the cache. */
export class QueryService {
  readonly #parts: QueryServiceParts;
  #closing: Promise<void> | undefined;
  #ingesting: Promise<unknown> = Promise.resolve();
  #lastVersion = 'unknown';

  /** Opens a service; the same as `openQueryService`. */
  static async open(options?: OpenOptions): Promise<QueryService> {
    // Loaded here, because the composition root imports this class.
    const { openQueryService } = await import('./open.js');
    return openQueryService(options);
  }

  constructor(parts: QueryServiceParts) {
    this.#parts = parts;
  }

  /**
   * The passages nearest to the question. Results of an earlier question are served only for the same corpus, `topK`, filter and
   * scope, so after an ingestion none of before is.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {EmbedError} ERR_LLM_CACHE_EMBED · {ClosedError} ERR_LLM_CACHE_CLOSED ·
   * {TierError} ERR_LLM_CACHE_TIER when no tier has an answer and the database cannot be searched
   */
  async query(text: string, options: QueryOptions = {}): Promise<QueryAnswer> {
    this.#checkOpen();
    checkOptions(options, queryOptions);
    checkQuestion(text, 'text');
    const { topK = 5, filter, scope = {}, signal } = options;
    if (typeof scope !== 'object' || scope === null) {
      throw new InvalidArgumentError('scope', 'an object', scope);
    }
    if (!Number.isInteger(topK) || topK < 1 || topK > mostResults) {
      throw new InvalidArgumentError('topK', `an integer from 1 to ${mostResults}`, topK);
    }
    parseFilter(filter);
    const corpus = await this.#corpusVersion();
    const answer = await this.#parts.cache.ask(
      text,
      async ({ vector, signal, addSources }) => {
        const results = await this.#search(vector ?? (await this.#embed(text, signal)), topK, filter, signal);
        addSources(...labelsOf(results));
        return results;
      },
      { scope: { ...scope, corpus, extra: { retrieval: { topK, filter }, caller: scope.extra } }, signal },
    );
    const { match, similarity, question, refused, latencyMs, embedMs, truncated } = answer;
    const tier = match === 'none' ? 'corpus' : answer.tier;
    return {
      results: answer.value,
      tier,
      latencyMs,
      embedMs,
      decision: { match, similarity, question, refused },
      truncated,
    };
  }

  /**
   * Takes documents into the corpus; resolves when they are on stable storage. Answers and results that name a document which changed or
   * went (`sources`) are misses from then on, in every cache that shares this one's removals. @throws as `ingest` of the pipeline.
   */
  async ingest(options: ServiceIngestOptions): Promise<IngestReport> {
    this.#checkOpen();
    // One after the other: two at once would each take the other's half-written documents for unchanged.
    const run = this.#ingesting.then(() => {
      this.#checkOpen();
      const { database, embedder, corpusScope } = this.#parts;
      const onChange = (sources: readonly string[]) => this.#invalidate(sources);
      return ingest({ ...this.#parts.ingest, ...options, database, embedder, scope: corpusScope, onChange });
    });
    this.#ingesting = run.catch(() => {});
    return run;
  }

  /** Passages in the corpus. */
  async count(): Promise<number> {
    return this.#parts.database.count(this.#parts.corpusScope);
  }

  /** Bytes of the corpus, on disk and in memory. */
  async bytes(): Promise<number> {
    return this.#parts.database.bytes();
  }

  /** Counts and latencies since `open`, and what each tier holds. */
  stats(): Promise<CacheStats> {
    return this.#parts.cache.stats();
  }

  /** What is in service. */
  health(): Health {
    return this.#parts.cache.health();
  }

  /**
   * Releases files, sockets and workers. An ingestion or a search under way is not waited for and ends with `ClosedError`; documents
   * that were taken in completely stay. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#parts.cache.idle();
      try {
        await this.#parts.database.close();
      } finally {
        await this.#parts.cache.close();
      }
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #invalidate(sources: readonly string[]): Promise<void> {
    const named = sources.flatMap((source) => [source, ...containersOf(source)]).filter(isLabel);
    const names = [...new Set(named)];
    for (let at = 0; at < names.length; at += mostInvalidated) {
      await this.#parts.cache.invalidate({ sources: names.slice(at, at + mostInvalidated) });
    }
  }

  /** A database that cannot be reached cannot have been searched since: what was found before still stands. */
  async #corpusVersion(): Promise<string> {
    const { database, corpusScope } = this.#parts;
    try {
      this.#lastVersion = await database.version(corpusScope);
    } catch (error) {
      if (!(error instanceof TierError)) throw error;
    }
    return this.#lastVersion;
  }

  async #search(
    vector: Float32Array,
    topK: number,
    filter: Filter | undefined,
    signal: AbortSignal,
  ): Promise<QueryResult[]> {
    const { database, corpusScope } = this.#parts;
    const found = await database.search(vector, { scope: corpusScope, topK, filter, signal });
    return found.map(({ document: { id, text, metadata }, similarity }) => {
      const { source, chunkIndex, ...rest } = metadata;
      return {
        id,
        similarity,
        text,
        source: String(source ?? ''),
        chunkIndex: Number(chunkIndex ?? 0),
        metadata: rest,
      };
    });
  }

  async #embed(text: string, signal: AbortSignal): Promise<Float32Array> {
    return (await this.#parts.embedder.embed(text, { signal })).vector;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('the query service');
  }
}

/** The documents that results come from, as many as an entry can name; the version of the corpus in its scope guards the rest. */
function labelsOf(results: readonly QueryResult[]): string[] {
  return [...new Set(results.map(({ source }) => source).filter(isLabel))].slice(0, mostLabels);
}

/** The file of a line or row: who names the file means each of them. */
function containersOf(source: string): string[] {
  const at = source.indexOf('#');
  return at > 0 ? [source.slice(0, at)] : [];
}

function isLabel(name: string): boolean {
  return name !== '' && name.length <= longestLabel && name.isWellFormed();
}
