// The Qdrant database: documents as points of one collection on a server. open.ts and ./testing may import it.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import { ClosedError, ConfigError, InvalidArgumentError, TierError } from '../core/errors.js';
import { native } from '../core/native.js';
import { checkId, checkScope, checkSearch } from './checks.js';
import type { Found, SearchOptions, StoredDocument, VectorDatabase } from './database.js';
import { type Clause, type Filter, parseFilter, passes } from './filter.js';
import { batches, chunks, idsPerRequest, QdrantCalls } from './qdrant/calls.js';
import { connectQdrant } from './qdrant/connection.js';
import { all, type Condition, type IndexKind, translateClause } from './qdrant/filter.js';
import { type QdrantDatabaseOptions, type QdrantSettings, qdrantSettings } from './qdrant/options.js';
import {
  isRecord,
  type Ownership,
  type Point,
  pointId,
  toDocument,
  toKey,
  toMetadata,
  toPoint,
  toVector,
  versionId,
} from './qdrant/points.js';
import { WriteOrder } from './qdrant/write-order.js';

export type { IndexKind } from './qdrant/filter.js';
export type { QdrantDatabaseOptions } from './qdrant/options.js';

/** A database on a Qdrant server. */
export interface QdrantDatabase extends VectorDatabase {
  /** Rows of answers left out because they were not what was asked for: of another scope or embedder, damaged, or at odds with themselves. */
  readonly dropped: number;
}

const rowsPerPage = 256;
const sampledRows = 64;
// Above this a search is first told how many there are, so that no server makes room for a number out of the air.
const largestBlindLimit = 1_000;
// Score and vector of a row both say how near it is; more than the error of float16 apart, one of them is wrong.
const scoreTolerance = 0.01;
const sweepEveryMs = 60_000;
// Clocks of machines differ; what one believes expired another may still serve.
const sweepGraceMs = 60_000;
const mostWrites = 1_024;
const namedIds = 5;
const longestWelcomeMs = 2_000;

/**
 * Opens a database on a Qdrant server. The collection is made on first use; one that exists is checked and never changed but for missing
 * payload indexes. A server that cannot be reached is no error here: each call tries again and fails with a `TierError` until it can.
 * Every write is acknowledged by the server's log (`wait`) and its points are read back by id. Other processes see it at once.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG when the collection keeps vectors of another dimension or metric, or the key is refused ·
 * {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 * @example const database = await openQdrantDatabase({ host: 'qdrant', collection: 'docs', dimension: 384, embedder: fingerprint });
 */
export async function openQdrantDatabase(options: QdrantDatabaseOptions): Promise<QdrantDatabase> {
  const settings = qdrantSettings(options);
  const calls = new QdrantCalls(await connectQdrant(settings.connection), settings.collection);
  await welcome(calls, settings.clock).catch(async (error) => {
    await calls.release();
    throw error;
  });
  return new Qdrant(settings, calls);
}

/** Waits for the collection, but not for long: a server that is silent is left to the calls. */
function welcome(calls: QdrantCalls, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(longestWelcomeMs, resolve);
    calls
      .ready()
      .catch((error) => {
        if (error instanceof ConfigError) reject(error);
      })
      .finally(() => {
        cancel();
        resolve();
      });
  });
}

class Qdrant implements QdrantDatabase {
  readonly name = 'qdrant';
  readonly #settings: QdrantSettings;
  readonly #calls: QdrantCalls;
  readonly #owner: Ownership;
  readonly #indexed: ReadonlyMap<string, IndexKind>;
  readonly #clock: Clock;
  readonly #order = new WriteOrder('the Qdrant database', mostWrites);
  #sweptAt: number;
  #dropped = 0;
  #closed = false;

  constructor(settings: QdrantSettings, calls: QdrantCalls) {
    const { collection, embedder, clock } = settings;
    this.#settings = settings;
    this.#calls = calls;
    this.#owner = { embedder, dimension: collection.dimension };
    this.#indexed = new Map(Object.entries(collection.indexedFields ?? {}));
    this.#clock = clock;
    this.#sweptAt = clock.mono();
  }

  get dropped(): number {
    return this.#dropped;
  }

  async upsert(documents: readonly StoredDocument[]): Promise<void> {
    this.#checkOpen();
    // The last of equal ids stands.
    const points = new Map<string, Point>();
    for (const document of documents) {
      const point = toPoint(document, this.#owner, this.#indexed);
      points.set(point.id, point);
    }
    for (const scope of new Set(documents.map((document) => document.scope))) {
      const ofScope = [...points.values()].filter(({ payload }) => payload._scope === scope);
      const ids = new Set(ofScope.map(({ id }) => id));
      await this.#order.run({ scope, ids }, async () => {
        for (const batch of batches(ofScope, this.#settings.batchBytes)) await this.#put(scope, batch);
      });
    }
    if (points.size > 0) this.#sweep();
  }

  async search(
    vector: Float32Array,
    { scope, topK, filter, signal }: SearchOptions,
  ): Promise<readonly Found[]> {
    signal?.throwIfAborted();
    this.#checkOpen();
    checkSearch(vector, { scope, topK }, this.#owner.dimension);
    const clause = parseFilter(filter);
    const passing = this.#passing(scope, clause);
    if (passing === undefined) return [];
    const limit =
      topK <= largestBlindLimit ? topK : Math.min(topK, await this.#calls.count(passing, 'search', signal));
    if (limit === 0) return [];
    const { efSearch } = this.#settings;
    const answer = await this.#calls.read(
      'search',
      (api, collection, init) =>
        api.queryPoints(
          {
            ...collection,
            query: Array.from(vector),
            filter: passing,
            limit,
            with_payload: true,
            with_vector: true,
            params: { quantization: { rescore: true }, ...(efSearch !== undefined && { hnsw_ef: efSearch }) },
          },
          init,
        ),
      signal,
    );
    return this.#judge(isRecord(answer) ? answer.points : undefined, vector, scope, clause).slice(0, topK);
  }

  async get(scope: string, ids: readonly string[]): Promise<(StoredDocument | undefined)[]> {
    const selection = { with_payload: true, with_vector: true };
    return this.#byId(scope, ids, selection, (point) => toDocument(point, this.#owner, scope));
  }

  async vectors(scope: string, ids: readonly string[]): Promise<(Float32Array | undefined)[]> {
    const selection = { with_payload: ['_scope', '_embedder', '_id'], with_vector: true };
    return this.#byId(scope, ids, selection, (point) =>
      toKey(point, this.#owner, scope) === undefined
        ? undefined
        : toVector((point as { vector: unknown }).vector, this.#owner.dimension),
    );
  }

  async delete(scope: string, which: readonly string[] | Filter): Promise<number> {
    this.#checkOpen();
    checkScope(scope);
    // Nothing given is not everything meant.
    if (!isRecord(which) && !Array.isArray(which))
      throw new InvalidArgumentError('which', 'ids or a filter', which);
    if (!Array.isArray(which)) return this.#deletePassing(scope, parseFilter(which as Filter));
    const ids = new Set((which as readonly string[]).map((id) => this.#pointId(scope, id)));
    if (ids.size === 0) return 0;
    return this.#order.run({ scope, ids }, async () => {
      let removed = 0;
      for (const chunk of chunks([...ids], idsPerRequest)) removed += await this.#remove(scope, chunk);
      return removed;
    });
  }

  async clear(scope?: string): Promise<void> {
    this.#checkOpen();
    if (scope !== undefined) checkScope(scope);
    const filter = { must: scope === undefined ? [this.#mine] : [this.#mine, isOf(scope)] };
    // Versions outlive what they were versions of: a scope that is filled again must not have one it had before.
    const renewal =
      scope === undefined
        ? { set_payload: { payload: { _version: randomUUID() }, filter: { must: [this.#myVersions] } } }
        : { upsert: { points: [this.#newVersion(scope)] } };
    await this.#order.run({ scope }, () => this.#calls.batch('clear', [{ delete: { filter } }, renewal]));
  }

  async count(scope?: string, filter?: Filter): Promise<number> {
    this.#checkOpen();
    if (scope !== undefined) checkScope(scope);
    const clause = parseFilter(filter);
    if (scope === undefined && filter !== undefined) {
      throw new InvalidArgumentError('scope', 'given with a filter', scope);
    }
    const passing = scope === undefined ? { must: [this.#mine] } : this.#passing(scope, clause);
    return passing === undefined ? 0 : this.#calls.count(passing, 'count');
  }

  /** An estimate: documents times the bytes of a vector and of an average payload, taken from the first 64. The server's graph comes on top. */
  async bytes(): Promise<number> {
    this.#checkOpen();
    const filter = { must: [this.#mine] };
    const documents = await this.#calls.count(filter, 'bytes');
    if (documents === 0) return 0;
    const { points } = await this.#calls.scroll('bytes', filter, { with_payload: true, limit: sampledRows });
    const sampled = points.reduce<number>((sum, point) => sum + JSON.stringify(point).length, 0);
    return Math.round(documents * (this.#owner.dimension * 4 + sampled / Math.max(1, points.length)));
  }

  async version(scope: string): Promise<string> {
    this.#checkOpen();
    checkScope(scope);
    const [point] = await this.#calls.retrieve('version', [versionId(this.#owner.embedder, scope)], {
      with_payload: true,
    });
    if (point === undefined) return 'empty';
    const { _version, _versionOf } = (isRecord(point) && isRecord(point.payload) && point.payload) || {};
    if (typeof _version !== 'string' || _versionOf !== scope) {
      throw new TierError('qdrant', 'version', 'the version of another scope was given');
    }
    return _version;
  }

  /** Waits for the writes under way: each is in the server's log once it resolves. */
  async flush(): Promise<void> {
    this.#checkOpen();
    await this.#order.idle();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#calls.close();
    await this.#order.idle();
    await this.#calls.release();
  }

  get #mine(): Condition {
    return { key: '_embedder', match: { value: this.#owner.embedder } };
  }

  get #myVersions(): Condition {
    return { key: '_versionBy', match: { value: this.#owner.embedder } };
  }

  /** The point without a vector that holds a scope's version; no field of it is one of a document's. */
  #newVersion(scope: string) {
    const { embedder } = this.#owner;
    const payload = { _version: randomUUID(), _versionOf: scope, _versionBy: embedder };
    return { id: versionId(embedder, scope), vector: {}, payload };
  }

  #pointId(scope: string, id: string): string {
    checkId(id);
    return pointId(this.#owner.embedder, scope, id);
  }

  /** The filter of a scope's documents that pass; undefined when none can. */
  #passing(scope: string, clause: Clause): { must: Condition[] } | undefined {
    const condition = all([this.#mine, isOf(scope), translateClause(clause, this.#indexed)]);
    return typeof condition === 'object' ? (condition as { must: Condition[] }) : undefined;
  }

  /** Writes a batch with a new version of its scope, and asks for its ids: servers have acknowledged points and dropped them. */
  async #put(scope: string, batch: readonly Point[]): Promise<void> {
    await this.#calls.write('upsert', (api, collection, init) => {
      const points = [...batch, this.#newVersion(scope)];
      return api.upsertPoints({ ...collection, wait: true, points } as never, init);
    });
    const held = new Set(
      await this.#calls.held(
        'upsert',
        batch.map(({ id }) => id),
      ),
    );
    const missing = batch.filter(({ id }) => !held.has(id)).map(({ payload }) => String(payload._id));
    if (missing.length === 0) return;
    const named = missing
      .slice(0, namedIds)
      .map((id) => JSON.stringify(id))
      .join(', ');
    const more = missing.length > namedIds ? ` and ${missing.length - namedIds} more` : '';
    const text = `acknowledged ${batch.length} documents, of which ${missing.length} are not there: ${named}${more}`;
    throw new TierError('qdrant', 'upsert', text);
  }

  async #remove(scope: string, ids: readonly string[]): Promise<number> {
    const held = await this.#calls.held('delete', ids);
    if (held.length === 0) return 0;
    await this.#calls.batch('delete', [
      { delete: { points: held } },
      { upsert: { points: [this.#newVersion(scope)] } },
    ]);
    return held.length;
  }

  // By id, page by page: a server that mistook the filter must not take other documents with it.
  async #deletePassing(scope: string, clause: Clause): Promise<number> {
    const filter = this.#passing(scope, clause);
    if (filter === undefined) return 0;
    return this.#order.run({ scope }, async () => {
      let removed = 0;
      for (let offset: unknown; offset !== null; ) {
        const selection = { with_payload: ['_scope', '_embedder', '_id', 'meta'], limit: rowsPerPage };
        const page = await this.#calls.persist(() =>
          this.#calls.scroll('delete', filter, { ...selection, ...(offset !== undefined && { offset }) }),
        );
        const ids = page.points
          .filter((point) => this.#doesPass(point, scope, clause))
          .map((point) => point.id);
        if (ids.length > 0) removed += await this.#remove(scope, ids as string[]);
        if (page.next !== null && offset !== undefined && String(page.next) <= String(offset)) {
          throw new TierError('qdrant', 'delete', 'the pages of the answer do not advance');
        }
        offset = page.next;
      }
      return removed;
    });
  }

  #doesPass(point: Record<string, unknown>, scope: string, clause: Clause): boolean {
    const metadata = isRecord(point.payload) ? toMetadata(point.payload.meta) : undefined;
    const ours = toKey(point, this.#owner, scope) !== undefined && metadata !== undefined;
    if (ours && passes(clause, metadata)) return true;
    this.#dropped++;
    return false;
  }

  /** The rows of a search that are what was asked for, nearest first. How near is worked out from the vectors themselves. */
  #judge(rows: unknown, vector: Float32Array, scope: string, clause: Clause): Found[] {
    if (!Array.isArray(rows)) throw new TierError('qdrant', 'search', 'an answer without points');
    const found = new Map<string, Found>();
    for (const row of rows) {
      const document = toDocument(row, this.#owner, scope);
      const score = (row as { score?: unknown } | null)?.score;
      const similarity = document && Math.min(1, Math.max(-1, native.dot(vector, document.vector)));
      const agrees = typeof score === 'number' && Math.abs(score - (similarity ?? 2)) < scoreTolerance;
      if (!document || similarity === undefined || !agrees || !passes(clause, document.metadata)) {
        this.#dropped++;
      } else found.set(document.id, { document, similarity });
    }
    return [...found.values()].sort((a, b) => b.similarity - a.similarity);
  }

  async #byId<T>(
    scope: string,
    ids: readonly string[],
    selection: Record<string, unknown>,
    open: (point: unknown) => T | undefined,
  ): Promise<(T | undefined)[]> {
    this.#checkOpen();
    checkScope(scope);
    const pointIds = ids.map((id) => this.#pointId(scope, id));
    const asked = new Set<unknown>(pointIds);
    const opened = new Map<unknown, T>();
    for (const chunk of chunks([...new Set(pointIds)], rowsPerPage)) {
      for (const point of await this.#calls.retrieve('get', chunk, selection)) {
        const value = isRecord(point) && asked.has(point.id) ? open(point) : undefined;
        if (value === undefined) this.#dropped++;
        else opened.set((point as { id: unknown }).id, value);
      }
    }
    return pointIds.map((id) => opened.get(id));
  }

  /** Removes what has expired, now and then and behind the scenes: what it fails to remove now goes later. */
  #sweep(): void {
    const now = this.#clock.mono();
    if (now - this.#sweptAt < sweepEveryMs || this.#closed) return;
    this.#sweptAt = now;
    const expired = { key: '_expires', range: { lte: this.#clock.wall() - sweepGraceMs } };
    const filter = { must: [this.#mine, expired] };
    this.#calls
      .change('sweep', (api, collection, init) => api.deletePoints({ ...collection, filter }, init))
      .catch(() => {});
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError('the vector database');
  }
}

function isOf(scope: string): Condition {
  return { key: '_scope', match: { value: scope } };
}
