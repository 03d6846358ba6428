// The vector database on faiss: documents in LMDB, indices of faiss in a thread of their own. open.ts and ./vectordb/faiss import it.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '../core/clock.js';
import { ClosedError } from '../core/errors.js';
import { native } from '../core/native.js';
import type { MaybePromise } from '../core/tier.js';
import type { Environment } from '../disk/environment.js';
import { checkSearch } from './checks.js';
import type { Found, SearchOptions, StoredDocument, VectorDatabase } from './database.js';
import { Documents, scopeOf } from './documents.js';
import { type FaissDatabaseOptions, type IndexPlan, planOf } from './faiss/options.js';
import { FaissPartition } from './faiss/partition.js';
import type { FaissSpec } from './faiss/protocol.js';
import { type Candidates, LostIndexError } from './faiss/rows.js';
import { FaissThread } from './faiss/thread.js';
import { type Clause, type Filter, parseFilter, passes } from './filter.js';

export type { FaissDatabaseOptions } from './faiss/options.js';

/** What serves a scope at the moment. */
export interface ServingIndex {
  /** `Flat` as long as the scope holds too few documents for the type it is to have. */
  readonly type: FaissSpec['type'];
  /** IVF, IVFPQ: number of lists. */
  readonly nlist?: number | undefined;
  readonly documents: number;
  /** Rows that stand for no document any more. */
  readonly deadRows: number;
}

/** A vector database that tells about its indices. */
export interface FaissDatabase extends VectorDatabase {
  /** The index of a scope; undefined before the scope is searched for the first time. */
  serving(scope: string): ServingIndex | undefined;
}

const attempts = 4;
const documentsPerTurn = 256;
// About 0.1 s. In a greater scope, an index that finds too few has the last word.
const mostScanned = 20_000;

/**
 * Opens a vector database whose indices are faiss', one a scope, in one thread of the process. Documents stand in LMDB; indices are derived
 * from them when a scope is first searched (about 0.1 ms a document of 384 numbers) and never written nor read: no file of faiss' is
 * ever trusted. A scope is searched exactly until it holds `exactBelow` documents; then an index of the wanted type is trained and built
 * while the exact one serves, and again when documents have doubled, or when more than a third of its rows are dead. What other processes
 * write is found by the next search. Filters are exact as long as the scope is; later they are judged on all that the index can find, or on all documents of a scope of up to 20,000.
 *
 * When the thread dies, its indices are built anew; what is searched meanwhile waits. A fault of memory within faiss ends the process.
 * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when faiss-node cannot be loaded
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when an option is out of range
 */
export async function openFaissDatabase(
  environment: Environment,
  options: FaissDatabaseOptions,
): Promise<FaissDatabase> {
  const plan = planOf(options);
  const { name, dimension, clock = systemClock } = options;
  const documents = new Documents(environment, { name, dimension, clock });
  return new Database(documents, plan, await FaissThread.acquire());
}

class Database implements FaissDatabase {
  readonly name = 'faiss';
  readonly #documents: Documents;
  readonly #plan: IndexPlan;
  readonly #thread: FaissThread;
  readonly #partitions = new Map<string, FaissPartition>();
  readonly #waiting = new Set<(reason: unknown) => void>();
  /** Up to where in the log of changes the partitions have been told. */
  #cursor: number;
  #closed = false;

  constructor(documents: Documents, plan: IndexPlan, thread: FaissThread) {
    this.#documents = documents;
    this.#plan = plan;
    this.#thread = thread;
    this.#cursor = documents.cursor();
  }

  async upsert(documents: readonly StoredDocument[]): Promise<void> {
    await this.#documents.upsert(documents);
    this.#refresh(documents.map(({ scope }) => scope));
  }

  async search(vector: Float32Array, options: SearchOptions): Promise<readonly Found[]> {
    const { signal } = options;
    signal?.throwIfAborted();
    this.#checkOpen();
    checkSearch(vector, options, this.#plan.dimension);
    // A copy: the caller may change the vector while the search waits.
    return this.#unlessEnded(this.#search(vector.slice(), options), signal);
  }

  get(scope: string, ids: readonly string[]): readonly (StoredDocument | undefined)[] {
    return this.#documents.get(scope, ids);
  }

  vectors(scope: string, ids: readonly string[]): readonly (Float32Array | undefined)[] {
    return this.#documents.vectors(scope, ids);
  }

  async delete(scope: string, which: readonly string[] | Filter): Promise<number> {
    const removed = await this.#documents.delete(scope, which);
    this.#refresh([scope]);
    return removed;
  }

  async clear(scope?: string): Promise<void> {
    await this.#documents.clear(scope);
    this.#refresh([]);
  }

  count(scope?: string, filter?: Filter): MaybePromise<number> {
    return this.#documents.count(scope, filter);
  }

  bytes(): number {
    let bytes = this.#documents.bytes();
    for (const partition of this.#partitions.values()) bytes += partition.bytes;
    return bytes;
  }

  serving(scope: string): ServingIndex | undefined {
    const rows = this.#partitions.get(scope)?.serving;
    if (rows === undefined) return undefined;
    const { spec, live, dead } = rows;
    const nlist = 'nlist' in spec ? spec.nlist : undefined;
    return { type: spec.type, nlist, documents: live, deadRows: dead };
  }

  version(scope: string): string {
    return this.#documents.version(scope);
  }

  async flush(): Promise<void> {
    this.#checkOpen();
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#documents.close();
      for (const refuse of [...this.#waiting]) refuse(new ClosedError('the vector database'));
      for (const partition of this.#partitions.values()) partition.drop();
      this.#partitions.clear();
    }
    await this.#thread.release();
  }

  async #search(
    vector: Float32Array,
    { scope, topK, filter, signal }: SearchOptions,
  ): Promise<readonly Found[]> {
    const clause = parseFilter(filter);
    // Codes say only about how near a row is, and documents that do not pass take places too.
    const factor = (this.#plan.indexType === 'IVFPQ' ? 4 : 1) * (filter === undefined ? 1 : 4);
    for (let k = topK * factor; ; ) {
      const { names, rows, exhausted } = await this.#candidates(scope, vector, k, signal);
      const found = await this.#best(vector, names, topK, clause);
      if (found.length >= topK || k >= rows || (exhausted && rows > mostScanned)) return found;
      k = exhausted ? rows : k * 4;
    }
  }

  /** The nearest of these that pass, by their stored vectors. */
  async #best(
    vector: Float32Array,
    names: readonly string[],
    topK: number,
    clause: Clause,
  ): Promise<readonly Found[]> {
    let handled = 0;
    const breathe = async () => {
      await nextTurn();
      this.#checkOpen();
    };
    const near: { name: string; similarity: number }[] = [];
    for (const name of names) {
      if (++handled % documentsPerTurn === 0) await breathe();
      const stored = this.#documents.vector(name);
      if (stored !== undefined) near.push({ name, similarity: native.dot(vector, stored) });
    }
    near.sort((a, b) => b.similarity - a.similarity);
    const found: Found[] = [];
    for (const { name } of near) {
      if (found.length === topK) break;
      if (++handled % documentsPerTurn === 0) await breathe();
      const document = this.#documents.read(name);
      if (document === undefined || !passes(clause, document.metadata)) continue;
      // Of the document as it was read: it may have been replaced since.
      const similarity = Math.min(1, Math.max(-1, native.dot(vector, document.vector)));
      found.push({ document, similarity });
    }
    return found.sort((a, b) => b.similarity - a.similarity);
  }

  async #candidates(
    scope: string,
    vector: Float32Array,
    k: number,
    signal: AbortSignal | undefined,
  ): Promise<Candidates> {
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      this.#checkOpen();
      this.#follow();
      let partition = this.#partitions.get(scope);
      if (partition === undefined) {
        partition = new FaissPartition(scope, this.#thread, this.#documents, this.#plan);
        this.#partitions.set(scope, partition);
      }
      try {
        return await partition.search(vector, k, signal);
      } catch (error) {
        if (!(error instanceof LostIndexError) || attempt === attempts) throw error;
      }
    }
  }

  /** Brings indices up to date beside the caller's work, where it may fail: the next search does it again. */
  #refresh(scopes: readonly string[]): void {
    if (this.#closed) return;
    this.#follow();
    for (const scope of new Set(scopes))
      this.#partitions
        .get(scope)
        ?.refresh()
        .catch(() => {});
  }

  /** Tells the partitions what was written since, by any process. */
  #follow(): void {
    for (;;) {
      const news = this.#documents.changes(this.#cursor);
      if (news === undefined) {
        this.#cursor = this.#documents.cursor();
        this.#retire('');
        return;
      }
      for (const change of news.changes) {
        if (change.kind === 'clear') this.#retire(scopeOf(change.prefix));
        else this.#partitions.get(scopeOf(change.name))?.note(change.name);
      }
      this.#cursor = news.cursor;
      if (!news.more) return;
    }
  }

  /** Drops the partitions of the scope, or all when it is empty: they are built anew when next searched. */
  #retire(scope: string): void {
    for (const [own, partition] of this.#partitions) {
      if (!own.startsWith(scope)) continue;
      this.#partitions.delete(own);
      partition.drop();
    }
  }

  /** The outcome of the work, or sooner the reason of an abort or a close. */
  #unlessEnded<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(reject);
      work.then(resolve, reject).finally(() => {
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(reject);
      });
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError('the vector database');
  }
}
