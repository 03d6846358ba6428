// The engine for large partitions: inverted lists of product codes, built by the addon's own threads; exact for small ones. tiers and
// vectordb may import it.
import { ClosedError, DimensionError } from '../core/errors.js';
import { type NativeIvfIndex, native } from '../core/native.js';
import type { Neighbour, NeighbourTable } from './engine.js';
import {
  checkInteger,
  checkMatrix,
  checkRows,
  checkVector,
  FlatEngine,
  greatestNumber,
  translate,
} from './flat.js';
import { build, type Material, rowsByPartition } from './ivfpq-lists.js';
import { checkedOptions, type IvfPqEngineOptions, type IvfPqShape, kindOf } from './ivfpq-options.js';
import type { MappableEngine, MappedIndex } from './mapped.js';
import { searchOneByOne } from './one-by-one.js';

// Rows that arrive are coded this much worse than those that were learnt from: the data has changed.
const driftFactor = 1.5;
// Lists for so many times as many rows as were learnt from are too long.
const growthFactor = 4;
// A mean of fewer is chance.
const leastSince = 4_096;
// The nearest of all may be the fiftieth by its code, however few are asked for.
const leastRescored = 100;
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
 * At d = 384 some 475 bytes a row; recall and latencies are those of `npm run bench -- index`.
 */
export class IvfPqEngine implements MappableEngine {
  readonly name: string;
  readonly kind: string;
  readonly approximate = true;
  /** Lists that a search looks at; may be changed at any time. Undefined: a third of them, at least 64. */
  nprobe: number | undefined;
  readonly dimension: number;
  readonly #options: IvfPqShape;
  readonly #flat: FlatEngine;
  /** Partitions in lists; the exact index has the others. */
  readonly #large = new Map<number, NativeIvfIndex>();
  readonly #buildings = new Map<number, Building>();
  /** Rows of a partition at which the next attempt is made, after one that failed. */
  readonly #retryFrom = new Map<number, number>();
  #lastFailure: unknown;
  #built = 0;
  #closed = false;
  #ids = new Uint32Array(16);
  #products = new Float32Array(16);

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
  constructor(dimension: number, options: IvfPqEngineOptions = {}, name = 'ivfpq') {
    this.name = name;
    this.#flat = new FlatEngine(dimension);
    this.dimension = dimension;
    this.#options = checkedOptions(dimension, options);
    this.kind = kindOf(this.#options);
    this.nprobe = this.#options.nprobe;
  }

  get size(): number {
    return this.#flat.size + this.rowsInLists;
  }

  get bytes(): number {
    let bytes = this.#flat.bytes;
    for (const lists of this.#large.values()) bytes += lists.bytes;
    return bytes;
  }

  /** Rows that are kept in lists. */
  get rowsInLists(): number {
    let rows = 0;
    for (const { size } of this.#large.values()) rows += size;
    return rows;
  }

  /** Why the last build failed; undefined when it did not. */
  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  get built(): number {
    return this.#built;
  }

  get building(): boolean {
    return this.#buildings.size > 0;
  }

  inLists(): ReadonlyMap<number, NativeIvfIndex> {
    return new Map(this.#large);
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
    } else {
      attempt(() => lists.set(id, vector));
      this.#removeFromLists(id, partition);
      this.#flat.remove(id);
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
    if (lists === undefined) this.#flat.setMany(ids, partition, vectors);
    else attempt(() => lists.setMany(ids, vectors, this.#options.threads));
    for (const id of ids) {
      this.#removeFromLists(id, partition);
      if (lists !== undefined) this.#flat.remove(id);
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
    const removed = this.#flat.remove(id) || this.#removeFromLists(id);
    if (removed) this.#note(id);
    return removed;
  }

  search(vector: Float32Array, partition: number, k: number): Neighbour[] {
    const lists = this.#large.get(partition);
    if (lists === undefined) return this.#flat.search(vector, partition, k);
    checkVector(vector, this.dimension);
    checkInteger('k', k, 1, Number.MAX_SAFE_INTEGER);
    const wanted = Math.max(1, Math.min(k, lists.size));
    if (wanted > this.#ids.length) {
      this.#ids = new Uint32Array(wanted);
      this.#products = new Float32Array(wanted);
    }
    const { nlist } = lists;
    const nprobe = Math.min(nlist, this.nprobe ?? Math.max(64, Math.round(nlist / 3)));
    const rescored = Math.min(lists.size, Math.max(leastRescored, wanted * this.#options.rescoreFactor));
    const count = attempt(() => lists.search(vector, wanted, nprobe, rescored, this.#ids, this.#products));
    return Array.from({ length: count }, (_, i) => ({
      id: this.#ids[i] as number,
      similarity: Math.min(1, Math.max(-1, this.#products[i] as number)),
    }));
  }

  /**
   * What `search` finds for each query: of a small partition as the exact engine does, on threads of the addon and as of the call; of one in
   * lists a few a turn of the event loop, each as of its turn. @throws as `search`, as rejections
   */
  async searchMany(queries: Float32Array, partition: number, k: number): Promise<NeighbourTable> {
    return this.#large.has(partition)
      ? searchOneByOne(this, queries, partition, k)
      : this.#flat.searchMany(queries, partition, k);
  }

  clear(partition?: number): void {
    if (partition !== undefined) checkInteger('partition', partition, 0, greatestNumber);
    const partitions = partition === undefined ? [...this.#buildings.keys()] : [partition];
    for (const one of partitions) this.#buildings.get(one)?.cancel();
    this.#flat.clear(partition);
    for (const part of [this.#large, this.#retryFrom]) {
      if (partition === undefined) part.clear();
      else part.delete(partition);
    }
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
        this.#large.set(partition, await build(this.dimension, this.#options, material).promise);
        this.#built++;
      } catch (error) {
        this.#lastFailure = error;
        this.#retryFrom.set(partition, rows.length * 2);
        for (const row of rows) small.push(row);
      }
    }
    const [own, matrix] = this.#pick(small, ids, vectors);
    const ofRows = Uint32Array.from(small, (row) => partitions[row] as number);
    await this.#flat.load(own, ofRows, matrix);
  }

  async map(path: string, checksum: string): Promise<MappedIndex> {
    const { flat, partitions, lists, vacant } = await native.IvfIndex.map(
      path,
      this.dimension,
      checksum,
    ).catch(translate);
    const take = () => {
      this.clear();
      this.#flat.adopt(flat);
      for (const [at, each] of lists.entries()) {
        if (each.size > 0) this.#large.set(partitions[at] as number, each);
      }
      for (const partition of [...flat.partitions(), ...this.#large.keys()]) this.#consider(partition);
    };
    return { names: flat, vacant, take };
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

  #removeFromLists(id: number, but?: number): boolean {
    for (const [partition, lists] of this.#large) {
      if (partition !== but && lists.remove(id)) {
        if (lists.size === 0) this.#large.delete(partition);
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
    const rows = lists?.size ?? this.#flat.sizeOf(partition);
    if (rows < (this.#retryFrom.get(partition) ?? this.#options.trainFrom)) return;
    if (lists !== undefined) {
      const { setSince, learnt, recentError, trainingError } = lists;
      const hasDrifted = setSince >= leastSince && recentError > driftFactor * trainingError;
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
      const lists = await building.promise;
      if (isOver()) return;
      this.#exchange(partition, lists, changed);
      this.#built++;
      this.#lastFailure = undefined;
      this.#retryFrom.delete(partition);
    };
    const done = work()
      .catch((error: unknown) => {
        if (isOver()) return;
        this.#lastFailure = error;
        this.#retryFrom.set(partition, expected * 2);
      })
      .finally(() => {
        this.#buildings.delete(partition);
        // Other rows may have come in place of those it was for.
        if (cancelled) this.#consider(partition);
      });
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
    const ids = this.#large.get(partition)?.ids() ?? this.#flat.idsIn(partition);
    const kept: number[] = [];
    const vectors = new Float32Array(ids.length * d);
    for (let first = 0; first < ids.length; first += gatheredAtOnce) {
      await new Promise(setImmediate);
      if (isOver()) break;
      for (const id of ids.subarray(first, first + gatheredAtOnce)) {
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
    if (lists !== undefined) return lists.read(id, out);
    if (this.#flat.partitionOf(id) !== partition) return false;
    const vector = this.#flat.read(id);
    if (vector !== undefined) out.set(vector);
    return vector !== undefined;
  }

  /** Brings over what has changed, and lets the new lists serve. */
  #exchange(partition: number, lists: NativeIvfIndex, changed: ReadonlySet<number>): void {
    const vector = new Float32Array(this.dimension);
    for (const id of changed) {
      if (this.#read(id, partition, vector)) lists.set(id, vector);
      else lists.remove(id);
    }
    if (!this.#large.has(partition)) this.#flat.clear(partition);
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
