// The calls the Qdrant database makes on its collection, their answers checked for form; for qdrant.ts alone.
import { TierError } from '../../core/errors.js';
import { type CollectionOptions, ensureCollection } from './collection.js';
import type { QdrantApi, QdrantConnection, RequestInit } from './connection.js';
import { isRecord, type Point } from './points.js';

/** Ids a request names at most. */
export const idsPerRequest = 512;

/** The collection as a request names it; a read also says how many copies must agree. */
export interface Target {
  readonly collection_name: string;
  readonly consistency?: 'majority';
}

/** One request on the collection. */
export type Call<T> = (
  api: QdrantApi,
  collection: Target,
  init: RequestInit,
) => Promise<{ data: { result?: T } }>;

/** The calls on one collection, each of which first sees to it that the collection is there. */
export class QdrantCalls {
  readonly #connection: QdrantConnection;
  readonly #options: CollectionOptions;
  #ready: Promise<void> | undefined;

  constructor(connection: QdrantConnection, options: CollectionOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Resolves when the collection is known to be there and to fit; all callers wait for one attempt. @throws as `ensureCollection` */
  ready(): Promise<void> {
    this.#ready ??= ensureCollection(this.#connection, this.#options).catch((error) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  /** Asks once; where there are copies, most of them. @throws as `QdrantConnection.ask`, and the signal's reason. */
  read<T>(operation: string, call: Call<T>, signal?: AbortSignal): Promise<NonNullable<T>> {
    const { collection: collection_name, replicationFactor = 1 } = this.#options;
    // One copy alone may lag behind a write that others have acknowledged.
    const consistency = replicationFactor > 1 ? ({ consistency: 'majority' } as const) : {};
    return this.#ask(operation, call, { collection_name, ...consistency }, signal);
  }

  /** Changes something, in one try. @throws as `read` */
  change<T>(operation: string, call: Call<T>): Promise<NonNullable<T>> {
    return this.#ask(operation, call, { collection_name: this.#options.collection });
  }

  async #ask<T>(
    operation: string,
    call: Call<T>,
    collection: Target,
    signal?: AbortSignal,
  ): Promise<NonNullable<T>> {
    await abortable(this.ready(), signal);
    try {
      return await this.#connection.ask(operation, (api, init) => call(api, collection, init), signal);
    } catch (error) {
      // Somebody has removed the collection: the next call makes it anew.
      if (this.#connection.statusOf(error) === 404) this.#ready = undefined;
      throw error;
    }
  }

  /** Asks until it is done or has been tried often enough. @throws as `read` */
  write<T>(operation: string, call: Call<T>): Promise<NonNullable<T>> {
    return this.persist(() => this.change(operation, call));
  }

  /** Repeats work that belongs to a write. @throws as `read` */
  persist<T>(work: () => Promise<T>): Promise<T> {
    return this.#connection.persist(work);
  }

  /** Several changes, one after another, in one request. @throws as `read` */
  batch(operation: string, operations: readonly object[]): Promise<unknown> {
    return this.write(operation, (api, collection, init) =>
      api.batchUpdate({ ...collection, wait: true, operations } as never, init),
    );
  }

  /** The exact number of points that pass. @throws as `read` */
  async count(filter: object, operation: string, signal?: AbortSignal): Promise<number> {
    const { count } = await this.read(
      operation,
      (api, collection, init) => api.countPoints({ ...collection, filter, exact: true }, init),
      signal,
    );
    if (Number.isSafeInteger(count) && count >= 0) return count;
    throw new TierError('qdrant', operation, `a count of ${count}`);
  }

  /** Points by id, as they come. @throws as `read` */
  async retrieve(
    operation: string,
    ids: readonly string[],
    selection: Record<string, unknown>,
  ): Promise<unknown[]> {
    const points: unknown = await this.read(operation, (api, collection, init) =>
      api.getPoints({ ...collection, ids: [...ids], ...selection }, init),
    );
    if (!Array.isArray(points)) throw new TierError('qdrant', operation, 'an answer without points');
    return points;
  }

  /** Which of the ids are there. @throws as `read` */
  async held(operation: string, ids: readonly string[]): Promise<string[]> {
    const held = new Set<unknown>();
    for (const chunk of chunks(ids, idsPerRequest)) {
      const points = await this.persist(() => this.retrieve(operation, chunk, { with_payload: false }));
      for (const point of points) if (isRecord(point)) held.add(point.id);
    }
    return ids.filter((id) => held.has(id));
  }

  /** A page of the points that pass, in the order of their ids; `next` is null after the last. @throws as `read` */
  async scroll(
    operation: string,
    filter: object,
    selection: Record<string, unknown>,
  ): Promise<{ points: Record<string, unknown>[]; next: unknown }> {
    const answer: unknown = await this.read(operation, (api, collection, init) =>
      api.scrollPoints({ ...collection, filter, ...selection }, init),
    );
    if (!isRecord(answer) || !Array.isArray(answer.points)) {
      throw new TierError('qdrant', operation, 'an answer without points');
    }
    return { points: answer.points.filter(isRecord), next: answer.next_page_offset ?? null };
  }

  /** Ends the pauses between tries. */
  close(): void {
    this.#connection.close();
  }

  /** Ends the connections. */
  release(): Promise<void> {
    return this.#connection.release();
  }
}

function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** A list in parts of at most `size`. */
export function* chunks<T>(list: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < list.length; i += size) yield list.slice(i, i + size);
}

/** Lists of points whose requests keep below a number of bytes, but for points that exceed it alone. */
export function* batches(points: readonly Point[], mostBytes: number): Generator<Point[]> {
  let batch: Point[] = [];
  let bytes = 0;
  for (const point of points) {
    const size = Buffer.byteLength(JSON.stringify(point)) + 1;
    if (batch.length > 0 && bytes + size > mostBytes) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(point);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
