// The embedded vector database: documents in LMDB, an engine of this process over their vectors. open.ts, tiers and ./testing import it.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../core/clock.js';
import { InvalidArgumentError } from '../core/errors.js';
import { native } from '../core/native.js';
import type { MaybePromise } from '../core/tier.js';
import type { Environment } from '../disk/environment.js';
import type { Engine } from '../engines/engine.js';
import { exactly } from '../engines/exactly.js';
import { FlatEngine } from '../engines/flat.js';
import { isMappable } from '../engines/mapped.js';
import type { Change } from './change-log.js';
import { checkSearch } from './checks.js';
import type { Found, SearchOptions, StoredDocument, VectorDatabase } from './database.js';
import { Documents, type Row, scopeOf } from './documents.js';
import { type Clause, type Filter, parseFilter, passes } from './filter.js';
import { IndexFile, type IndexState } from './index-file.js';
import { Names } from './names.js';

/** Which documents, how long their vectors are, and what finds the nearest. */
export interface EmbeddedDatabaseOptions {
  /** Names the databases within the environment: 1 to 40 of `[a-z0-9-]`. */
  readonly name: string;
  /** Components of each vector. */
  readonly dimension: number;
  /** An empty engine of that dimension, this database's own from now on. Default a `FlatEngine`, which is exact. */
  readonly engine?: Engine | undefined;
  /**
   * Rows from which on the index is kept in a file beside the documents, so that the next start maps it instead of building it: with
   * engines that are `MappableEngine`s. Removed documents' vectors stay in the file for a while. Default never.
   */
  readonly keepIndexFrom?: number | undefined;
  readonly clock?: Clock | undefined;
}

const rowsPerTurn = 512;
// Documents judged one by one, nearest first, before a filter counts as selective and is judged ahead of nearness: some 5 ms.
const mostJudged = 512;

/**
 * Opens the database and builds its index from what is stored: about 5 microseconds a document with the default engine. A write is on
 * stable storage when it resolves. What other processes write is found at once, by id and by nearness: before each search the index
 * follows the log of changes, which takes 3 microseconds when nothing is new.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export async function openEmbeddedDatabase(
  environment: Environment,
  options: EmbeddedDatabaseOptions,
): Promise<VectorDatabase> {
  const database = new EmbeddedDatabase(environment, options);
  await database.open();
  return database;
}

class EmbeddedDatabase implements VectorDatabase {
  readonly name = 'embedded';
  readonly #documents: Documents;
  readonly #engine: Engine;
  readonly #names = new Names();
  readonly #file: IndexFile | undefined;
  readonly #partitions = new Map<string, number>();
  /** Up to where in the log the index stands; undefined while it does not. */
  #cursor: number | undefined;
  #following: Promise<void> | undefined;

  constructor(environment: Environment, options: EmbeddedDatabaseOptions) {
    const { name, dimension, engine, keepIndexFrom, clock } = options;
    this.#documents = new Documents(environment, { name, dimension, clock });
    this.#engine = engine ?? new FlatEngine(dimension);
    if (this.#engine.dimension !== dimension) {
      throw new InvalidArgumentError('engine', `of dimension ${dimension}`, this.#engine.dimension);
    }
    if (keepIndexFrom !== undefined && isMappable(this.#engine)) {
      const state: IndexState = {
        engine: this.#engine,
        cursor: () => this.#cursor,
        generation: () => this.#names.resets,
        limit: () => this.#names.limit,
        id: (held) => this.#names.find(held),
        partition: (scope) => this.#partitions.get(scope),
      };
      this.#file = new IndexFile(environment, this.#documents, state, { name, least: keepIndexFrom });
    }
  }

  async open(): Promise<void> {
    await this.#follow();
  }

  async upsert(documents: readonly StoredDocument[]): Promise<void> {
    await this.#documents.upsert(documents);
    await this.#follow();
  }

  search(vector: Float32Array, options: SearchOptions): MaybePromise<readonly Found[]> {
    const { scope, topK, filter, signal } = options;
    signal?.throwIfAborted();
    checkSearch(vector, options, this.#documents.dimension);
    const clause = filter === undefined ? undefined : parseFilter(filter);
    const following = this.#follow();
    if (following === undefined) return this.#search(vector, scope, topK, clause, signal);
    const own = vector.slice();
    return following.then(() => {
      signal?.throwIfAborted();
      return this.#search(own, scope, topK, clause, signal);
    });
  }

  get(scope: string, ids: readonly string[]): readonly (StoredDocument | undefined)[] {
    return this.#documents.get(scope, ids);
  }

  vectors(scope: string, ids: readonly string[]): readonly (Float32Array | undefined)[] {
    return this.#documents.vectors(scope, ids);
  }

  async delete(scope: string, which: readonly string[] | Filter): Promise<number> {
    const removed = await this.#documents.delete(scope, which);
    await this.#follow();
    return removed;
  }

  async clear(scope?: string): Promise<void> {
    await this.#documents.clear(scope);
    await this.#follow();
  }

  count(scope?: string, filter?: Filter): MaybePromise<number> {
    return this.#documents.count(scope, filter);
  }

  bytes(): number {
    return this.#documents.bytes() + this.#engine.bytes;
  }

  version(scope: string): string {
    // May be newer than the index, but not than the one of a search that follows.
    return this.#documents.version(scope);
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    await this.#file?.close();
    this.#documents.close();
    await this.#following?.catch(() => {});
    await this.#engine.close();
    this.#forgetAll();
  }

  #search(
    vector: Float32Array,
    scope: string,
    topK: number,
    clause: Clause | undefined,
    signal: AbortSignal | undefined,
  ): MaybePromise<readonly Found[]> {
    const partition = this.#partitions.get(scope);
    if (partition === undefined) return [];
    if (clause === undefined) return this.#nearest(vector, partition, topK);
    for (let k = topK * 4; k <= mostJudged; k *= 4) {
      const nearest = this.#nearest(vector, partition, k);
      const found = nearest.filter(({ document }) => passes(clause, document.metadata));
      if (found.length >= topK) return found.slice(0, topK);
      if (nearest.length < k) break;
    }
    return this.#selective(vector, scope, topK, clause, signal);
  }

  /** The nearest documents of a partition. One that cannot be read leaves the index and makes room for the next. */
  #nearest(vector: Float32Array, partition: number, k: number): Found[] {
    for (;;) {
      const neighbours = this.#engine.search(vector, partition, k);
      const found: Found[] = [];
      for (const { id, similarity } of neighbours) {
        const name = this.#names.at(id) as string;
        const document = this.#documents.read(name);
        if (document === undefined) this.#forget(name);
        else found.push({ document, similarity });
      }
      if (found.length === neighbours.length || neighbours.length < k) {
        return exactly(this.#engine, vector, found, ({ document }) => document.vector);
      }
    }
  }

  /** The nearest of the documents that pass, by judging all of the scope first: exact whatever the filter and the engine. */
  async #selective(
    vector: Float32Array,
    scope: string,
    topK: number,
    clause: Clause,
    signal: AbortSignal | undefined,
  ): Promise<readonly Found[]> {
    const own = vector.slice();
    const scored: { readonly name: string; readonly similarity: number }[] = [];
    let turn = 0;
    for (const name of await this.#documents.passing(scope, clause)) {
      if (++turn % rowsPerTurn === 0) await nextTurn();
      signal?.throwIfAborted();
      const held = this.#documents.vector(name);
      if (held !== undefined) scored.push({ name, similarity: native.dot(own, held) });
    }
    scored.sort((a, b) => b.similarity - a.similarity || (a.name < b.name ? -1 : 1));
    const found: Found[] = [];
    for (const { name, similarity } of scored) {
      if (found.length === topK) break;
      const document = this.#documents.read(name);
      if (document !== undefined) found.push({ document, similarity: Math.min(1, Math.max(-1, similarity)) });
    }
    return found;
  }

  /** Brings the index up to the log: at once when little is new, otherwise giving way to other work. */
  #follow(): Promise<void> | undefined {
    if (this.#following === undefined && !this.#step()) {
      this.#following = this.#followOn().finally(() => {
        this.#following = undefined;
      });
    }
    return this.#following;
  }

  async #followOn(): Promise<void> {
    do {
      if (this.#cursor === undefined) await this.#build();
      else await nextTurn();
    } while (!this.#step());
  }

  /** Takes over some of what is new; true when nothing is left. */
  #step(): boolean {
    if (this.#cursor === undefined) return false;
    const news = this.#documents.changes(this.#cursor);
    if (news !== undefined) for (const change of news.changes) this.#take(change);
    this.#cursor = news?.cursor;
    this.#file?.changed(news?.changes.length ?? 0);
    if (news?.more !== false) return false;
    this.#file?.keep();
    return true;
  }

  #take(change: Change): void {
    if (change.kind === 'clear') {
      this.#clear(change.prefix);
      return;
    }
    const vector = this.#documents.vector(change.name);
    if (vector === undefined) this.#forget(change.name);
    else this.#engine.set(this.#names.take(change.name), this.#partition(scopeOf(change.name)), vector);
  }

  /** Takes the index over from its file. */
  async #map(): Promise<boolean> {
    const mapped = await this.#file?.map();
    if (mapped === undefined) return false;
    this.#forgetAll();
    this.#names.reset(mapped);
    for (const scope of mapped.scopes) this.#partition(scope);
    this.#cursor = mapped.cursor;
    return true;
  }

  /** Builds the index from all vectors. */
  async #build(): Promise<void> {
    if (await this.#map()) return;
    // Before the vectors: what is written meanwhile is followed afterwards.
    const cursor = this.#documents.cursor();
    this.#forgetAll();
    const { dimension, rows: expected } = this.#documents;
    const partitions = new Uint32Array(expected);
    const vectors = new Float32Array(expected * dimension);
    const late: Row[] = [];
    let rows = 0;
    for (const row of this.#documents.everything()) {
      if (rows === expected) {
        late.push(row);
        continue;
      }
      vectors.set(row.vector, rows * dimension);
      partitions[rows] = this.#partition(row.scope);
      this.#names.take(row.name);
      if (++rows % rowsPerTurn === 0) await nextTurn();
    }
    const ids = Uint32Array.from({ length: rows }, (_, index) => index);
    await this.#engine.load(ids, partitions.subarray(0, rows), vectors.subarray(0, rows * dimension));
    for (const { name, scope, vector } of late) {
      this.#engine.set(this.#names.take(name), this.#partition(scope), vector);
    }
    this.#cursor = cursor;
  }

  #partition(scope: string): number {
    let partition = this.#partitions.get(scope);
    if (partition === undefined) {
      partition = this.#partitions.size;
      this.#partitions.set(scope, partition);
    }
    return partition;
  }

  #forget(name: string): void {
    const id = this.#names.find(name);
    if (id === undefined) return;
    this.#engine.remove(id);
    this.#names.release(name, id);
  }

  #clear(prefix: string): void {
    if (prefix === '') {
      this.#engine.clear();
      this.#forgetAll();
      return;
    }
    const partition = this.#partitions.get(scopeOf(prefix));
    if (partition !== undefined) this.#engine.clear(partition);
    this.#names.releaseAll(prefix);
  }

  #forgetAll(): void {
    this.#names.reset();
    this.#partitions.clear();
  }
}
