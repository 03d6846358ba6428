// The exact engine: the addon's FlatIndex behind the engine interface; tiers and vectordb may import it.
import { CapacityError, DimensionError, InvalidArgumentError, NativeError } from '../core/errors.js';
import { type NativeFlatIndex, type NativeIvfIndex, native } from '../core/native.js';
import type { Neighbour, NeighbourTable } from './engine.js';
import type { MappableEngine, MappedIndex } from './mapped.js';

/** Greatest distance of a vector's length from 1. */
export const unitTolerance = 1e-3;

/** Greatest id and greatest number of a partition. */
export const greatestNumber = 2 ** 32 - 2;
const greatestDimension = 65_536;
const greatestThreads = 64;

/** What is kept of a vector beside its codes: all of it, halves, or nothing. */
export type FlatStorage = 'float32' | 'float16' | 'int8';

const bitsOf: Readonly<Record<FlatStorage, number>> = { float32: 32, float16: 16, int8: 8 };

/** How vectors are kept. */
export interface FlatEngineOptions {
  /**
   * Default `float32`: similarities and recall are exact. `float16` and `int8` round the vectors that are set and are exact over the
   * rounded ones. A similarity is then off by up to 0.0005, or with int8 by up to the root of the dimension x the vector's greatest
   * component / 254, and as a rule by less than a tenth of that. Bytes a vector at d = 384: 1,940, 1,172 and 404, and a slot in a table.
   */
  readonly storage?: FlatStorage | undefined;
}

/** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT unless `value` is an integer from `least` to `greatest`. */
export function checkInteger(name: string, value: number, least: number, greatest: number): void {
  if (!Number.isInteger(value) || value < least || value > greatest) {
    throw new InvalidArgumentError(name, `an integer from ${least} to ${greatest}`, value);
  }
}

/** A squared length within the tolerance; false for NaN and infinities. */
function isUnit(squaredLength: number): boolean {
  return squaredLength >= (1 - unitTolerance) ** 2 && squaredLength <= (1 + unitTolerance) ** 2;
}

function refuseLength(name: string, squaredLength: number): never {
  const actual = Number.isFinite(squaredLength) ? Math.sqrt(squaredLength) : squaredLength;
  throw new InvalidArgumentError(name, `of unit length (within ${unitTolerance})`, actual);
}

/** Turns the addon's error into this package's class; its code says which. */
export function translate(error: unknown): never {
  if (!(error instanceof Error)) throw error;
  const { code } = error as { code?: unknown };
  if (code === 'ERR_LLM_CACHE_CAPACITY') throw new CapacityError(error.message, { cause: error });
  if (code === 'ERR_LLM_CACHE_ARGUMENT' || code === 'ERR_LLM_CACHE_DIMENSION') {
    throw new InvalidArgumentError('vector', 'a vector the index can take', error.message, { cause: error });
  }
  throw new NativeError(error.message, { cause: error });
}

/**
 * Exact nearest neighbours: an int8 scan of the partition, then products of the rows that its error bound does not
 * rule out. Recall is 1 by construction, over the vectors as they are kept. Cost of a search: O(rows of the partition x
 * dimension), synchronous; of a change: O(dimension). The method and its proof stand in `native/src/flat_index.hpp`.
 */
export class FlatEngine implements MappableEngine {
  readonly name = 'flat';
  readonly kind = 'flat';
  readonly built = 0;
  readonly building = false;
  readonly dimension: number;
  readonly storage: FlatStorage;
  readonly approximate: boolean;
  #index: NativeFlatIndex;
  // Where a search's results land; grown to the greatest k asked for.
  #ids = new Uint32Array(16);
  #products = new Float32Array(16);

  /**
   * @param dimension components of each vector, 1 to 65,536
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   */
  constructor(dimension: number, { storage = 'float32' }: FlatEngineOptions = {}) {
    checkInteger('dimension', dimension, 1, greatestDimension);
    if (!Object.hasOwn(bitsOf, storage)) {
      throw new InvalidArgumentError('storage', 'float32, float16 or int8', storage);
    }
    this.dimension = dimension;
    this.storage = storage;
    this.approximate = storage !== 'float32';
    this.#index = new native.FlatIndex(dimension, bitsOf[storage]);
  }

  /**
   * Replaces everything by these rows, off the event loop. `vectors` is n x dimension, row-major, rows of unit length; the arrays are
   * copied, so they may be changed afterwards. If an id comes twice, the later row stands.
   * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT (as rejections)
   */
  async load(ids: Uint32Array, partitions: Uint32Array, vectors: Float32Array): Promise<void> {
    if (partitions.length !== ids.length)
      throw new DimensionError('partitions', ids.length, partitions.length);
    checkRows(this.dimension, ids, vectors);
    const bits = bitsOf[this.storage];
    this.#index = await native.FlatIndex.build(this.dimension, ids, partitions, vectors, bits).catch(
      translate,
    );
  }

  inLists(): ReadonlyMap<number, NativeIvfIndex> {
    return new Map();
  }

  /** As the interface says. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT too, where vectors are not kept as float32, as in every file */
  async map(path: string, checksum: string): Promise<MappedIndex> {
    if (this.approximate) throw new InvalidArgumentError('storage', 'float32 to map a file', this.storage);
    const names = await native.FlatIndex.map(path, this.dimension, checksum).catch(translate);
    return { names, vacant: new Uint32Array(), take: () => this.adopt(names) };
  }

  /** Replaces everything by an index of the same dimension; for engines/ alone. */
  adopt(index: NativeFlatIndex): void {
    this.#index = index;
  }

  get size(): number {
    return this.#index.size;
  }

  get bytes(): number {
    return this.#index.bytes + this.#ids.byteLength + this.#products.byteLength;
  }

  /** Rows whose own product the last search computed; the others were ruled out by their bound. */
  get lastRescored(): number {
    return this.#index.lastRescored;
  }

  /**
   * Adds or replaces; a row moves when its partition differs. Cost: O(dimension), about 2 microseconds at 384.
   * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT if not unit length
   * @throws {CapacityError} ERR_LLM_CACHE_CAPACITY when there is no memory left; the index is unchanged
   */
  set(id: number, partition: number, vector: Float32Array): void {
    checkInteger('id', id, 0, greatestNumber);
    checkInteger('partition', partition, 0, greatestNumber);
    checkVector(vector, this.dimension);
    try {
      this.#index.set(id, partition, vector);
    } catch (error) {
      translate(error);
    }
  }

  /** As `set` for each row of `vectors` (ids.length x dimension, row-major), or for none when one is refused. */
  setMany(ids: Uint32Array, partition: number, vectors: Float32Array): void {
    checkInteger('partition', partition, 0, greatestNumber);
    checkRows(this.dimension, ids, vectors);
    try {
      this.#index.setMany(ids, partition, vectors);
    } catch (error) {
      translate(error);
    }
  }

  /** Removes. @throws {CapacityError} ERR_LLM_CACHE_CAPACITY while `searchMany` runs and there is no memory left; nothing has changed */
  remove(id: number): boolean {
    checkInteger('id', id, 0, greatestNumber);
    try {
      return this.#index.remove(id);
    } catch (error) {
      return translate(error);
    }
  }

  has(id: number): boolean {
    checkInteger('id', id, 0, greatestNumber);
    return this.#index.has(id);
  }

  /**
   * A copy of the vector of `id` as it is kept: as it was set, or rounded by the storage, and then not quite of unit length. Undefined when
   * there is none.
   */
  read(id: number): Float32Array | undefined {
    checkInteger('id', id, 0, greatestNumber);
    const out = new Float32Array(this.dimension);
    return this.#index.read(id, out) ? out : undefined;
  }

  /** Vectors of a partition. */
  sizeOf(partition: number): number {
    return this.#index.partitionSize(partition);
  }

  /** The partition of `id`; undefined when there is none. */
  partitionOf(id: number): number | undefined {
    return this.#index.partitionOf(id);
  }

  /** Partitions that have vectors, in no order. */
  partitions(): Uint32Array {
    return this.#index.partitions();
  }

  /** Ids of a partition, in no order. */
  idsIn(partition: number): Uint32Array {
    return this.#index.idsIn(partition);
  }

  search(vector: Float32Array, partition: number, k: number): Neighbour[] {
    checkVector(vector, this.dimension);
    checkInteger('partition', partition, 0, greatestNumber);
    checkInteger('k', k, 1, Number.MAX_SAFE_INTEGER);
    const wanted = Math.max(1, Math.min(k, this.#index.size));
    if (wanted > this.#ids.length) {
      this.#ids = new Uint32Array(wanted);
      this.#products = new Float32Array(wanted);
    }
    let count = 0;
    try {
      count = this.#index.search(vector, partition, wanted, this.#ids, this.#products);
    } catch (error) {
      translate(error);
    }
    const neighbours = new Array<Neighbour>(count);
    for (let i = 0; i < count; i++) {
      const similarity = Math.min(1, Math.max(-1, this.#products[i] as number));
      neighbours[i] = { id: this.#ids[i] as number, similarity };
    }
    return neighbours;
  }

  /**
   * What `search` finds for each of n queries, exactly, off the event loop. `queries`: n x dimension, row-major, rows of unit length;
   * copied, so it may be changed afterwards. The rows are those of the moment of the call: what is set, removed or cleared meanwhile
   * waits for nothing and does not show. A change then copies up to 4 MiB for each block of some 1,024 rows it is first to touch.
   * Cost: O(n x rows of the partition x dimension) on `threads` threads of the addon (1 to 64, default 2); of 64 queries on one
   * thread three quarters of the time of 64 searches over 10,000 rows, less than a third over 100,000. Memory of the results: 8 bytes x n x k.
   * @throws as `search`, and {CapacityError} ERR_LLM_CACHE_CAPACITY when there is no memory left (as rejections)
   */
  async searchMany(
    queries: Float32Array,
    partition: number,
    k: number,
    { threads = 2 }: { readonly threads?: number | undefined } = {},
  ): Promise<NeighbourTable> {
    checkMatrix('queries', queries, this.dimension);
    checkInteger('partition', partition, 0, greatestNumber);
    checkInteger('k', k, 1, Number.MAX_SAFE_INTEGER);
    checkInteger('threads', threads, 1, greatestThreads);
    const wanted = Math.max(1, Math.min(k, this.#index.size));
    const { count, ids, products } = await this.#index
      .searchMany(queries, partition, wanted, threads)
      .catch(translate);
    for (let i = 0; i < products.length; i++) {
      products[i] = Math.min(1, Math.max(-1, products[i] as number));
    }
    return { count, ids, similarities: products };
  }

  clear(partition?: number): void {
    if (partition !== undefined) checkInteger('partition', partition, 0, greatestNumber);
    this.#index.clear(partition);
  }

  async close(): Promise<void> {
    this.#index.clear();
  }
}

/**
 * Refuses what no engine of this dimension takes. Cost: one inner product.
 * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT if not finite or not of unit length
 */
export function checkVector(vector: Float32Array, dimension: number): void {
  if (!(vector instanceof Float32Array)) throw new InvalidArgumentError('vector', 'a Float32Array', vector);
  if (vector.length !== dimension) throw new DimensionError('vector', dimension, vector.length);
  const squaredLength = squaredLengthOf(vector);
  if (!isUnit(squaredLength)) refuseLength('vector', squaredLength);
}

function squaredLengthOf(vector: Float32Array): number {
  try {
    return native.dot(vector, vector);
  } catch (error) {
    return translate(error);
  }
}

/**
 * Refuses rows that no engine of this dimension takes. Cost: one inner product a row.
 * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT if a row is not of unit length
 */
export function checkRows(dimension: number, ids: Uint32Array, vectors: Float32Array): void {
  if (!(ids instanceof Uint32Array)) throw new InvalidArgumentError('ids', 'a Uint32Array', ids);
  checkMatrix('vectors', vectors, dimension, ids.length);
}

/** Rows of `dimension` numbers of unit length: `count` of them, or any number. */
export function checkMatrix(
  name: string,
  rows: Float32Array,
  dimension: number,
  count = Math.ceil((rows?.length ?? 0) / dimension),
): void {
  if (!(rows instanceof Float32Array)) throw new InvalidArgumentError(name, 'a Float32Array', rows);
  if (rows.length !== count * dimension) throw new DimensionError(name, count * dimension, rows.length);
  // The squared distance to the zero vector is the squared length: all rows in one call.
  const squaredLengths = new Float32Array(count);
  try {
    native.squaredL2Many(new Float32Array(dimension), rows, squaredLengths);
  } catch (error) {
    translate(error);
  }
  const bad = squaredLengths.findIndex((squaredLength) => !isUnit(squaredLength));
  if (bad >= 0) refuseLength(`${name}, row ${bad},`, squaredLengths[bad] as number);
}
