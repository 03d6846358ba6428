// Vectors as short codes: the addon's ProductQuantiser with checked arguments; engines and vectordb may import it.
import { CapacityError, DimensionError, InvalidArgumentError, NativeError } from '../core/errors.js';
import { type NativeProductQuantiser, native } from '../core/native.js';
import { checkInteger } from './flat.js';

/** Form of the codes. */
export interface PqShape {
  /** Components of each vector, 1 to 65,536. */
  readonly dimension: number;
  /** Parts that a vector is cut into; divides `dimension`. */
  readonly m: number;
  /** Bits of a part's code: 4 or 8; default 8. */
  readonly nbits?: 4 | 8;
}

/** How a quantiser is trained. */
export interface PqTraining extends PqShape {
  /** Rounds of k-means, at most, 1 to 1,000; default 25. */
  readonly iterations?: number;
  /** 0 to 2^32 - 1, default 0. Equal seeds and vectors give equal codebooks, whatever the number of threads. */
  readonly seed?: number;
  /** Threads of the addon's own, 1 to 64; default 2. */
  readonly threads?: number;
  /** Ends the training; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Hears the share done, above 0 to 1. What it throws ends the training. */
  readonly onProgress?: (share: number) => void;
}

const greatestDimension = 65_536;

function checkedShape({ dimension, m, nbits = 8 }: PqShape): Required<PqShape> {
  checkInteger('dimension', dimension, 1, greatestDimension);
  checkInteger('m', m, 1, dimension);
  if (dimension % m !== 0) throw new InvalidArgumentError('m', `a divisor of ${dimension}`, m);
  if (nbits !== 4 && nbits !== 8) throw new InvalidArgumentError('nbits', '4 or 8', nbits);
  return { dimension, m, nbits };
}

/** The rows of `numbers`, `length` elements each. */
function rowsOf(name: string, numbers: Float32Array | Uint8Array, length: number): number {
  const rows = numbers.length / length;
  if (!Number.isInteger(rows)) {
    throw new InvalidArgumentError(name, `rows of ${length}`, numbers);
  }
  return rows;
}

function checkFloats(name: string, value: Float32Array): void {
  if (!(value instanceof Float32Array)) throw new InvalidArgumentError(name, 'a Float32Array', value);
}

function checkBytes(name: string, value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) throw new InvalidArgumentError(name, 'a Uint8Array', value);
}

/** Turns the addon's error into this package's class; its code says which. */
function translate(argument: string, error: unknown): never {
  const { code, message } = error as { code?: unknown; message: string };
  if (code === 'ERR_LLM_CACHE_CAPACITY') throw new CapacityError(message, { cause: error });
  if (code === 'ERR_LLM_CACHE_ARGUMENT' || code === 'ERR_LLM_CACHE_DIMENSION') {
    throw new InvalidArgumentError(argument, 'numbers the quantiser can take', message, { cause: error });
  }
  if (code === 'ERR_LLM_CACHE_NATIVE') throw new NativeError(message, { cause: error });
  throw error;
}

function attempt<T>(argument: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    translate(argument, error);
  }
}

/** What a query's look-up table holds for each centroid. */
export type TableKind = 'product' | 'distance';

/**
 * Product quantiser, immutable once made: each of `m` parts of a vector is coded by the nearest of 2^nbits centroids. Safe to use
 * from several calls at once.
 * Source: Jégou, Douze, Schmid, "Product quantization for nearest neighbor search", PAMI 2011.
 */
export class ProductQuantiser {
  readonly #native: NativeProductQuantiser;

  private constructor(made: NativeProductQuantiser) {
    this.#native = made;
  }

  /**
   * Learns the codebooks from `vectors`, n x dimension, row-major, n at least 2^nbits and not all rows equal. They are copied. Off
   * the event loop; cost: n x 2^nbits x dimension a round.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {CapacityError} ERR_LLM_CACHE_CAPACITY (as rejections)
   */
  static async train(vectors: Float32Array, training: PqTraining): Promise<ProductQuantiser> {
    const { dimension, m, nbits } = checkedShape(training);
    const { iterations = 25, seed = 0, threads = 2, signal, onProgress } = training;
    checkInteger('iterations', iterations, 1, 1_000);
    checkInteger('seed', seed, 0, 2 ** 32 - 1);
    checkInteger('threads', threads, 1, 64);
    checkFloats('vectors', vectors);
    const rows = rowsOf('vectors', vectors, dimension);
    if (rows < 2 ** nbits) throw new InvalidArgumentError('vectors', `at least ${2 ** nbits} rows`, rows);
    signal?.throwIfAborted();
    const { promise, cancel } = attempt('vectors', () =>
      native.ProductQuantiser.train(dimension, m, nbits, vectors, iterations, seed, threads, onProgress),
    );
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return new ProductQuantiser(await promise);
    } catch (error) {
      if ((error as { code?: unknown } | undefined)?.code === 'ABORT_ERR') signal?.throwIfAborted();
      return translate('vectors', error);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /**
   * Takes codebooks that were learnt before, as `codebooks()` gives them: 2^nbits x dimension numbers.
   * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   */
  static from(codebooks: Float32Array, shape: PqShape): ProductQuantiser {
    const { dimension, m, nbits } = checkedShape(shape);
    checkFloats('codebooks', codebooks);
    const length = 2 ** nbits * dimension;
    if (codebooks.length !== length) throw new DimensionError('codebooks', length, codebooks.length);
    return new ProductQuantiser(
      attempt('codebooks', () => new native.ProductQuantiser(dimension, m, nbits, codebooks)),
    );
  }

  get dimension(): number {
    return this.#native.dimension;
  }

  get m(): number {
    return this.#native.m;
  }

  get nbits(): 4 | 8 {
    return this.#native.nbits as 4 | 8;
  }

  /** Bytes of a vector's code: m x nbits / 8, rounded up. */
  get codeBytes(): number {
    return this.#native.codeBytes;
  }

  /** Bytes of native memory held: 2^nbits x dimension x 4 and a norm a centroid. */
  get bytes(): number {
    return this.#native.bytes;
  }

  /** A copy of the codebooks. */
  codebooks(): Float32Array {
    return this.#native.codebooks();
  }

  /**
   * The code of one vector. Synchronous.
   * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   */
  encode(vector: Float32Array): Uint8Array {
    this.#checkVector('vector', vector);
    const code = new Uint8Array(this.codeBytes);
    attempt('vector', () => this.#native.encode(vector, code));
    return code;
  }

  /**
   * The codes of n vectors, n x dimension, off the event loop: n x codeBytes. The vectors are copied.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {CapacityError} ERR_LLM_CACHE_CAPACITY (as rejections)
   */
  async encodeMany(vectors: Float32Array): Promise<Uint8Array> {
    checkFloats('vectors', vectors);
    rowsOf('vectors', vectors, this.dimension);
    return this.#native.encodeMany(vectors).catch((error) => translate('vectors', error));
  }

  /**
   * The vectors that n codes stand for, n x dimension.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   */
  decode(codes: Uint8Array): Float32Array {
    checkBytes('codes', codes);
    const vectors = new Float32Array(rowsOf('codes', codes, this.codeBytes) * this.dimension);
    attempt('codes', () => this.#native.decode(codes, vectors));
    return vectors;
  }

  /**
   * Look-up table of a query: m x 2^nbits inner products, or squared distances, of its parts with the centroids.
   * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   */
  adcTable(query: Float32Array, kind: TableKind): Float32Array {
    this.#checkVector('query', query);
    if (kind !== 'product' && kind !== 'distance') {
      throw new InvalidArgumentError('kind', "'product' or 'distance'", kind);
    }
    const table = new Float32Array(this.m * 2 ** this.nbits);
    attempt('query', () =>
      kind === 'product' ? this.#native.productTable(query, table) : this.#native.distanceTable(query, table),
    );
    return table;
  }

  /**
   * Product or distance of the table's query with each of n codes; of 4-bit codes up to `scanError`. It rearranges the codes first:
   * an index keeps them rearranged.
   * @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   */
  scan(table: Float32Array, codes: Uint8Array): Float32Array {
    this.#checkTable(table);
    checkBytes('codes', codes);
    const rows = rowsOf('codes', codes, this.codeBytes);
    return attempt('table', () => {
      const blocks = this.#native.pack(codes);
      const sums = new Float32Array(blocks.length / this.codeBytes);
      this.#native.scan(table, blocks, sums);
      return sums.subarray(0, rows);
    });
  }

  /** How far a sum of 4-bit codes may be from that of the table, beside the rounding of float32; 0 for 8 bits. */
  scanError(table: Float32Array): number {
    this.#checkTable(table);
    return attempt('table', () => this.#native.scanError(table));
  }

  #checkVector(name: string, vector: Float32Array): void {
    checkFloats(name, vector);
    if (vector.length !== this.dimension) throw new DimensionError(name, this.dimension, vector.length);
  }

  #checkTable(table: Float32Array): void {
    checkFloats('table', table);
    const length = this.m * 2 ** this.nbits;
    if (table.length !== length) throw new DimensionError('table', length, table.length);
  }
}
