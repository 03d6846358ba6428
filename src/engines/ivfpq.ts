// The engine for large partitions: inverted lists of product codes, built by the addon's own threads; exact for small ones. tiers and
// vectordb may import it.
import { ClosedError, DimensionError } from '../core/errors.js';
import type { Engine, Neighbour } from './engine.js';
import {
  checkInteger,
  checkMatrix,
  checkRows,
  checkVector,
  FlatEngine,
  greatestNumber,
  translate,
} from './flat.js';
import { build, IdList, type Lists, type Material, rowsByPartition } from './ivfpq-lists.js';
import { checkedOptions, type IvfPqEngineOptions, type IvfPqShape } from './ivfpq-options.js';

// Rows that arrive are coded this much worse than those that were learnt from: the data has changed.
const driftFactor = 1.5;
// Lists for so many times as many rows as were learnt from are too long.
const growthFactor = 4;
// A mean of fewer is chance.
const leastSince = 4_096;
// Rows copied in one turn of the event loop: about a millisecond.
const gatheredAtOnce = 512;

interface Building {
  cancel(): void;
  /** Ids that were set or removed since the rows were copied. */
  readonly changed: Set<number>;
  readonly done: Promise<void>;
}

/**
 * Approximate nearest neighbours for partitions of `trainFrom` rows and more, exact ones below. A partition that has grown large is
 * learnt from and coded by threads of the addon while the exact index goes on serving; so is one whose rows have changed in kind (their
 * codes err by half as much again) or grown fourfold. What changes meanwhile is brought over before the exchange, which takes no time.
 * At d = 384 about 470 bytes a row; recall and latencies are those of `npm run bench -- index`.
 */
export class IvfPqEngine implements Engine {
  readonly name: string;
  readonly approximate = true;
  /** Lists that a search looks at; may be changed at any time. Undefined: an eighth of them, at least 64. */
  nprobe: number | undefined;
  readonly dimension: number;
  readonly #options: IvfPqShape;
  readonly #flat: FlatEngine;
  /** Rows of the exact index. */
  readonly #partitionOf = new Map<number, number>();
  readonly #small = new Map<number, Set<number>>();
  readonly #large = new Map<number, Lists>();
  readonly #buildings = new Map<number, Building>();
  /** Rows of a partition at which the next attempt is made, after one that failed. */
  readonly #retryFrom = new Map<number, number>();
  #lastFailure: unknown;
  #closed = false;
  #ids = new Uint32Array(16);
  #products = new Float32Array(16);

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
  constructor(dimension: number, options: IvfPqEngineOptions = {}, name = 'ivfpq') {
    this.name = name;
    this.#flat = new FlatEngine(dimension);
    this.dimension = dimension;
    this.#options = checkedOptions(dimension, options);
    this.nprobe = this.#options.nprobe;
  }

  get size(): number {
    let size = this.#flat.size;
    for (const { index } of this.#large.values()) size += index.size;
    return size;
  }

  get bytes(): number {
    let bytes = this.#flat.bytes + this.#partitionOf.size * 100;
    for (const { index, ids } of this.#large.values()) bytes += index.bytes + ids.bytes;
    return bytes;
  }

  /** Rows that are kept in lists. */
  get rowsInLists(): number {
    let rows = 0;
    for (const { index } of this.#large.values()) rows += index.size;
    return rows;
  }

  /** Why the last build failed; undefined when it did not. */
  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  /** Resolves when nothing is being built. */
  async settled(): Promise<void> {
    while (this.#buildings.size > 0) await Promise.all([...this.#buildings.values()].map(({ done }) => done));
  }

  set(id: number, partition: number, vector: Float32Array): void {
    checkInteger('id', id, 0, greatestNumber);
    checkInteger('partition', partition, 0, greatestNumber);
    checkVector(vector, this.dimension);
    const lists = this.#large.get(partition);
    if (lists === undefined) {
      this.#flat.set(id, partition, vector);
      this.#removeFromLists(id);
      this.#move(id, partition);
    } else {
      attempt(() => lists.index.set(id, vector));
      lists.ids.add(id, lists.index);
      lists.since++;
      this.#removeFromLists(id, partition);
      if (this.#partitionOf.has(id)) this.#removeFromFlat(id);
    }
    this.#note(id);
    this.#consider(partition);
  }

  /**
   * As `set` for each row of `vectors` (ids.length x dimension, row-major), or for none when one is refused; if an id comes twice, the
   * later row stands. In lists a row costs some 10 microseconds a thread, so whoever serves meanwhile gives a few hundred at a time.
   */
  setMany(ids: Uint32Array, partition: number, vectors: Float32Array): void {
    checkInteger('partition', partition, 0, greatestNumber);
    checkRows(this.dimension, ids, vectors);
    const lists = this.#large.get(partition);
    if (lists === undefined) {
      this.#flat.setMany(ids, partition, vectors);
    } else {
      attempt(() => lists.index.setMany(ids, vectors, this.#options.threads));
      lists.since += ids.length;
    }
    for (const id of ids) {
      this.#removeFromLists(id, partition);
      if (lists === undefined) this.#move(id, partition);
      else {
        lists.ids.add(id, lists.index);
        if (this.#partitionOf.has(id)) this.#removeFromFlat(id);
      }
      this.#note(id);
    }
    this.#consider(partition);
  }

  /**
   * Empties a partition and makes lists for `rows` rows that `setMany` then brings in pieces: an index of more vectors than there is
   * memory for, with `rescore: 'none'`. What is common to them is learnt off the event loop from a sample (rows of `dimension` numbers
   * of unit length, about 40 a list, at least as many as lists); the sample is not kept.
   * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT (as rejections); the partition is exact then
   */
  async prepare(partition: number, rows: number, sample: Float32Array): Promise<void> {
    checkInteger('partition', partition, 0, greatestNumber);
    checkInteger('rows', rows, 1, greatestNumber);
    checkMatrix('sample', sample, this.dimension);
    this.clear(partition);
    await this.settled();
    this.#lastFailure = undefined;
    await this.#begin(partition, rows, async () => ({ ids: new Uint32Array(0), vectors: sample, rows }));
    if (!this.#large.has(partition)) throw this.#lastFailure ?? new ClosedError('engine');
  }

  remove(id: number): boolean {
    checkInteger('id', id, 0, greatestNumber);
    const removed = this.#partitionOf.has(id) ? this.#removeFromFlat(id) : this.#removeFromLists(id);
    if (removed) this.#note(id);
    return removed;
  }

  search(vector: Float32Array, partition: number, k: number): Neighbour[] {
    const lists = this.#large.get(partition);
    if (lists === undefined) return this.#flat.search(vector, partition, k);
    checkVector(vector, this.dimension);
    checkInteger('k', k, 1, Number.MAX_SAFE_INTEGER);
    const wanted = Math.max(1, Math.min(k, lists.index.size));
    if (wanted > this.#ids.length) {
      this.#ids = new Uint32Array(wanted);
      this.#products = new Float32Array(wanted);
    }
    const { nlist } = lists.index;
    const nprobe = Math.min(nlist, this.nprobe ?? Math.max(64, Math.round(nlist / 8)));
    const rescored = Math.min(lists.index.size, wanted * this.#options.rescoreFactor);
    const count = attempt(() =>
      lists.index.search(vector, wanted, nprobe, rescored, this.#ids, this.#products),
    );
    return Array.from({ length: count }, (_, i) => ({
      id: this.#ids[i] as number,
      similarity: Math.min(1, Math.max(-1, this.#products[i] as number)),
    }));
  }

  clear(partition?: number): void {
    if (partition !== undefined) checkInteger('partition', partition, 0, greatestNumber);
    const partitions = partition === undefined ? [...this.#buildings.keys()] : [partition];
    for (const one of partitions) this.#buildings.get(one)?.cancel();
    this.#flat.clear(partition);
    if (partition === undefined) {
      for (const part of [this.#partitionOf, this.#small, this.#large, this.#retryFrom]) part.clear();
      return;
    }
    for (const id of this.#small.get(partition) ?? []) this.#partitionOf.delete(id);
    for (const part of [this.#small, this.#large, this.#retryFrom]) part.delete(partition);
  }

  /**
   * Replaces everything by these rows, off the event loop; large partitions are put into lists at once.
   * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT (as rejections)
   */
  async load(ids: Uint32Array, partitions: Uint32Array, vectors: Float32Array): Promise<void> {
    if (partitions.length !== ids.length) {
      throw new DimensionError('partitions', ids.length, partitions.length);
    }
    checkRows(this.dimension, ids, vectors);
    this.clear();
    await this.settled();
    const small: number[] = [];
    for (const [partition, rows] of rowsByPartition(ids, partitions)) {
      if (rows.length < this.#options.trainFrom) {
        for (const row of rows) small.push(row);
        continue;
      }
      const [own, matrix] = this.#pick(rows, ids, vectors);
      try {
        const material = { ids: own, vectors: matrix, rows: own.length };
        const { promise } = build(this.dimension, this.#options, material);
        this.#large.set(partition, {
          index: await promise,
          ids: IdList.of(own),
          since: 0,
          learnt: own.length,
        });
      } catch (error) {
        this.#lastFailure = error;
        this.#retryFrom.set(partition, rows.length * 2);
        for (const row of rows) small.push(row);
      }
    }
    const [own, matrix] = this.#pick(small, ids, vectors);
    const ofRows = Uint32Array.from(small, (row) => partitions[row] as number);
    await this.#flat.load(own, ofRows, matrix);
    for (const [at, id] of own.entries()) this.#move(id, ofRows[at] as number);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.clear();
    await this.settled();
    await this.#flat.close();
  }

  #pick(rows: readonly number[], ids: Uint32Array, vectors: Float32Array): [Uint32Array, Float32Array] {
    const d = this.dimension;
    const matrix = new Float32Array(rows.length * d);
    for (const [at, row] of rows.entries()) matrix.set(vectors.subarray(row * d, (row + 1) * d), at * d);
    return [Uint32Array.from(rows, (row) => ids[row] as number), matrix];
  }

  #move(id: number, partition: number): void {
    const before = this.#partitionOf.get(id);
    if (before === partition) return;
    if (before !== undefined) this.#small.get(before)?.delete(id);
    this.#partitionOf.set(id, partition);
    const ids = this.#small.get(partition);
    if (ids === undefined) this.#small.set(partition, new Set([id]));
    else ids.add(id);
  }

  #removeFromFlat(id: number): boolean {
    const partition = this.#partitionOf.get(id) as number;
    this.#partitionOf.delete(id);
    const ids = this.#small.get(partition);
    ids?.delete(id);
    if (ids?.size === 0) this.#small.delete(partition);
    return this.#flat.remove(id);
  }

  #removeFromLists(id: number, but?: number): boolean {
    for (const [partition, { index }] of this.#large) {
      if (partition !== but && index.remove(id)) {
        if (index.size === 0) this.#large.delete(partition);
        return true;
      }
    }
    return false;
  }

  /** What is being built was copied before this change. */
  #note(id: number): void {
    for (const { changed } of this.#buildings.values()) changed.add(id);
  }

  /** Builds lists for a partition that has grown large, or whose lists do not fit it any more. */
  #consider(partition: number): void {
    if (this.#closed || this.#buildings.has(partition)) return;
    const lists = this.#large.get(partition);
    const rows = lists?.index.size ?? this.#small.get(partition)?.size ?? 0;
    if (rows < (this.#retryFrom.get(partition) ?? this.#options.trainFrom)) return;
    if (lists !== undefined) {
      const { index, since, learnt } = lists;
      const hasDrifted = since >= leastSince && index.recentError > driftFactor * index.trainingError;
      if (!hasDrifted && rows < growthFactor * learnt) return;
    }
    this.#begin(partition, rows, (isOver) => this.#gather(partition, isOver));
  }

  /** Builds lists in the background and lets them serve; resolves when that is over, however it ended. */
  #begin(
    partition: number,
    expected: number,
    gather: (isOver: () => boolean) => Promise<Material>,
  ): Promise<void> {
    let cancelled = false;
    let cancel = () => {};
    const changed = new Set<number>();
    const isOver = () => cancelled || this.#closed;
    const work = async () => {
      const material = await gather(isOver);
      if (isOver()) return;
      const building = build(this.dimension, this.#options, material);
      cancel = building.cancel;
      const index = await building.promise;
      if (isOver()) return;
      const { ids, rows } = material;
      this.#exchange(partition, { index, ids: IdList.of(ids), since: 0, learnt: rows }, changed);
      this.#lastFailure = undefined;
      this.#retryFrom.delete(partition);
    };
    const done = work()
      .catch((error: unknown) => {
        if (isOver()) return;
        this.#lastFailure = error;
        this.#retryFrom.set(partition, expected * 2);
      })
      .finally(() => this.#buildings.delete(partition));
    const stop = () => {
      cancelled = true;
      cancel();
    };
    this.#buildings.set(partition, { cancel: stop, changed, done });
    return done;
  }

  /** Copies of a partition's rows, a few each turn of the event loop. What changes meanwhile is noted by the building. */
  async #gather(partition: number, isOver: () => boolean): Promise<Material> {
    const d = this.dimension;
    const lists = this.#large.get(partition);
    const ids = lists === undefined ? [...(this.#small.get(partition) ?? [])] : lists.ids.living(lists.index);
    const kept: number[] = [];
    const vectors = new Float32Array(ids.length * d);
    for (let first = 0; first < ids.length; first += gatheredAtOnce) {
      await new Promise(setImmediate);
      if (isOver()) break;
      for (const id of ids.slice(first, first + gatheredAtOnce)) {
        const out = vectors.subarray(kept.length * d, (kept.length + 1) * d);
        if (this.#read(id, partition, out)) kept.push(id);
      }
    }
    return {
      ids: Uint32Array.from(kept),
      vectors: vectors.subarray(0, kept.length * d),
      rows: kept.length,
    };
  }

  #read(id: number, partition: number, out: Float32Array): boolean {
    const lists = this.#large.get(partition);
    if (lists !== undefined) return lists.index.read(id, out);
    if (this.#partitionOf.get(id) !== partition) return false;
    const vector = this.#flat.read(id);
    if (vector !== undefined) out.set(vector);
    return vector !== undefined;
  }

  /** Brings over what has changed, and lets the new lists serve. */
  #exchange(partition: number, lists: Lists, changed: ReadonlySet<number>): void {
    const vector = new Float32Array(this.dimension);
    for (const id of changed) {
      if (this.#read(id, partition, vector)) {
        lists.index.set(id, vector);
        lists.ids.add(id, lists.index);
      } else lists.index.remove(id);
    }
    if (!this.#large.has(partition)) {
      for (const id of this.#small.get(partition) ?? []) this.#partitionOf.delete(id);
      this.#small.delete(partition);
      this.#flat.clear(partition);
    }
    this.#large.set(partition, lists);
  }
}

function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    return translate(error);
  }
}
