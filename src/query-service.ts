// QueryService, the product for retrieval: the cascade in front of a search of the corpus. open.ts builds it; the public face exports it.

import { EventEmitter } from 'node:events';
import type { SemanticCache } from './cache.js';
import type { CacheStats, Health, Match } from './cache-types.js';
import type { Embedder } from './core/embedder.js';
import { ClosedError, InvalidArgumentError } from './core/errors.js';
import { checkQuestion } from './core/key.js';
import { longestLabel, mostLabels } from './core/labels.js';
import { checkOptions } from './core/options.js';
import type { ScopeFields } from './core/scope.js';
import type { CorpusVersion } from './corpus-version.js';
import type { Refusal } from './decide/decide.js';
import { type IngestOptions, type IngestReport, ingest } from './ingest/pipeline.js';
import { mostInvalidated } from './invalidation.js';
import type { OpenOptions } from './open.js';
import type { TierHealth } from './tiers/guard.js';
import type { VectorDatabase } from './vectordb/database.js';
import { type Filter, type MetadataValue, parseFilter } from './vectordb/filter.js';
import type { PopularQuestion } from './warm/popularity.js';
import type { WarmReport } from './warm/warmer.js';
import type { WarmOptions } from './warming.js';

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

/** What is in service. */
export interface ServiceHealth extends Health {
  /** How the database of the corpus is doing, by what became of asking for its version. While it is lost, only what is cached is answered at once. */
  readonly corpus: TierHealth;
}

/** Events of a service. */
export interface ServiceEvents {
  /** A tier, or the corpus, was given up, or is back. */
  tier: [TierHealth];
}

/** What a service is made of. */
export interface QueryServiceParts {
  /** Tiers A and B; it owns the embedder and what everything is built on. */
  readonly cache: SemanticCache;
  readonly embedder: Embedder;
  readonly database: VectorDatabase;
  readonly version: CorpusVersion;
  /** Partition of the corpus within the database: 64 hexadecimal digits. */
  readonly corpusScope: string;
  readonly ingest: Pick<IngestOptions, 'manifest' | 'chunking' | 'batchSize' | 'clock'>;
}

type OurScope = ScopeFields & {
  readonly extra: { readonly retrieval: { readonly topK: number; readonly filter?: Filter | undefined } };
};

/** A directory may have served a semantic cache too, whose questions are none of ours. */
function isOurs(scope: ScopeFields): scope is OurScope {
  return typeof (scope as Partial<OurScope>).extra?.retrieval?.topK === 'number';
}

const mostResults = 1000;
const queryOptions = new Set(['topK', 'filter', 'scope', 'signal']);

/** Answers questions with passages of the ingested documents, and past questions from the cache. */
export class QueryService extends EventEmitter<ServiceEvents> {
  readonly #parts: QueryServiceParts;
  #closing: Promise<void> | undefined;
  #ingesting: Promise<unknown> = Promise.resolve();

  /** Opens a service; the same as `openQueryService`. */
  static async open(options?: OpenOptions): Promise<QueryService> {
    // Loaded here, because the composition root imports this class.
    const { openQueryService } = await import('./open.js');
    return openQueryService(options);
  }

  constructor(parts: QueryServiceParts) {
    super();
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
    const corpus = await this.#parts.version.read();
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
    const run = this.#ingesting.then(async () => {
      this.#checkOpen();
      const { database, embedder, corpusScope, version } = this.#parts;
      const onChange = (sources: readonly string[]) => this.#invalidate(sources);
      const all = { ...this.#parts.ingest, ...options, database, embedder, scope: corpusScope, onChange };
      const report = await ingest(all);
      if (report.chunks > 0 || report.removed.length > 0) await version.forget();
      return report;
    });
    this.#ingesting = run.catch(() => {});
    return run;
  }

  /** The questions asked most lately. @throws as `SemanticCache.popular` */
  popular(count = 10): Promise<readonly PopularQuestion[]> {
    return this.#parts.cache.popular(count);
  }

  /** A round of warming now: results of popular questions are searched anew where they are gone. @throws as `SemanticCache.warm` */
  warm(options: WarmOptions = {}): Promise<WarmReport | undefined> {
    this.#checkOpen();
    return this.#parts.cache.warm(options);
  }

  /** Begins warming by the clock; `openQueryService` has called it when `warming.enabled`. */
  startWarming(): void {
    this.#parts.cache.startWarming({
      retarget: async (scope) =>
        isOurs(scope) ? { ...scope, corpus: await this.#parts.version.read() } : scope,
      regenerate: async ({ question, scope }, { vector, signal }) => {
        if (!isOurs(scope)) throw new InvalidArgumentError('scope', 'one of this service', scope);
        const { topK, filter } = scope.extra.retrieval;
        return this.#search(vector ?? (await this.#embed(question, signal)), topK, filter, signal);
      },
    });
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
  health(): ServiceHealth {
    return { ...this.#parts.cache.health(), corpus: this.#parts.version.health() };
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
