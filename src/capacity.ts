// Capacity maths: what vectors, codes and graphs weigh. The public face exports it; capacity-plan.ts stands on it.
import { type BytesFormat, bytesToHumanReadable } from './core/bytes.js';
import { InvalidArgumentError } from './core/errors.js';
import type { FlatEngineOptions, FlatStorage } from './engines/flat.js';
import { graphBytes, homeBytes } from './engines/graph.js';

export { type BytesFormat, bytesToHumanReadable };

const mostVectors = 1e12;
const mostDimensions = 65_536;

function check(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InvalidArgumentError(name, `an integer from ${least} to ${most}`, value);
  }
}

function checkShape(vectors: number, dimension: number): void {
  check('vectors', vectors, 0, mostVectors);
  check('dimension', dimension, 1, mostDimensions);
}

/**
 * Bytes of bare vectors: vectors · dimension · bytes a number.
 *
 * @param vectors 0 to 10^12
 * @param dimension numbers a vector, 1 to 65,536
 * @param bytesPerNumber 4 for float32 (the default), 2 for float16, 1 for int8, 8 for float64
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 * @example rawEmbeddingsBytes(10_000_000, 1536); // 61_440_000_000
 */
export function rawEmbeddingsBytes(vectors: number, dimension: number, bytesPerNumber = 4): number {
  checkShape(vectors, dimension);
  if (![1, 2, 4, 8].includes(bytesPerNumber)) {
    throw new InvalidArgumentError('bytesPerNumber', '1, 2, 4 or 8', bytesPerNumber);
  }
  return vectors * dimension * bytesPerNumber;
}

/** How vectors are compressed by product quantisation. */
export interface PqOptions {
  /** Numbers a vector, 1 to 65,536; a multiple of the parts. Needed for the codebooks. */
  readonly dimension?: number | undefined;
  /** Bits a part, 1 to 16. Default 8. */
  readonly bits?: number | undefined;
  /** Count the codebooks (2^bits · dimension · 4). Default: when the dimension is given. */
  readonly includeCodebooks?: boolean | undefined;
}

/** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT unless the parts divide the dimension. */
function checkPq(m: number, bits: number, dimension: number | undefined): void {
  check('m', m, 1, mostDimensions);
  check('bits', bits, 1, 16);
  if (dimension === undefined) return;
  check('dimension', dimension, 1, mostDimensions);
  if (dimension % m !== 0) throw new InvalidArgumentError('m', `a divisor of dimension ${dimension}`, m);
}

/**
 * Bytes of vectors compressed by product quantisation: codes of `m` parts, filled up to whole bytes a vector, and the codebooks
 * all vectors share. No vectors, no codebooks: 0.
 *
 * @param vectors 0 to 10^12
 * @param m parts a vector is cut into, 1 to 65,536
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT, also when the codebooks are asked for without a dimension
 * @example pqBytes(10_000_000, 64, { dimension: 1536 }); // 641_572_864
 */
export function pqBytes(
  vectors: number,
  m: number,
  { dimension, bits = 8, includeCodebooks = dimension !== undefined }: PqOptions = {},
): number {
  check('vectors', vectors, 0, mostVectors);
  checkPq(m, bits, dimension);
  if (includeCodebooks && dimension === undefined) {
    throw new InvalidArgumentError('dimension', 'given with includeCodebooks', dimension);
  }
  if (vectors === 0) return 0;
  const codebooks = includeCodebooks ? 2 ** bits * (dimension as number) * 4 : 0;
  return vectors * Math.ceil((m * bits) / 8) + codebooks;
}

/**
 * How many times smaller the codes are than float32 vectors; codebooks are not counted.
 *
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 * @example pqCompressionRatio(1536, 64); // 96
 */
export function pqCompressionRatio(
  dimension: number,
  m: number,
  { bits = 8 }: { bits?: number } = {},
): number {
  checkShape(0, dimension);
  checkPq(m, bits, dimension);
  return (dimension * 4) / Math.ceil((m * bits) / 8);
}

/**
 * Whose rule for the links of an HNSW graph: `hnswlib` counts what hnswlib keeps beside the vectors, locks and labels included (checked
 * against measured memory by test/capacity.test.ts); `faiss` is Faiss' own rule; `seed` is the code of llm-semantic-cache 0.1.1, `readme` the
 * tables of its README, half of it.
 */
export type HnswModel = 'readme' | 'seed' | 'faiss' | 'hnswlib';

const LINKS: Readonly<Record<HnswModel, (vectors: number, M: number) => number>> = {
  readme: (vectors, M) => vectors * 12 * M,
  seed: (vectors, M) => vectors * M * 2 * 8 * 1.5,
  faiss: (vectors, M) => vectors * 8 * M,
  hnswlib: (vectors, M) => graphBytes(vectors, { dimension: 0, M }),
};

/**
 * Bytes of an HNSW graph without its vectors; 0 for none.
 *
 * @param vectors 0 to 10^12
 * @param M links a vector on each upper level, 2 to 512; default 16
 * @param options `model`: default `hnswlib`
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 * @example hnswOverheadBytes(10_000_000, 16, { model: 'faiss' }); // 1_280_000_000
 */
export function hnswOverheadBytes(
  vectors: number,
  M = 16,
  { model = 'hnswlib' }: { model?: HnswModel | undefined } = {},
): number {
  check('vectors', vectors, 0, mostVectors);
  check('M', M, 2, 512);
  if (!Object.hasOwn(LINKS, model)) {
    throw new InvalidArgumentError('model', `one of ${Object.keys(LINKS).join(', ')}`, model);
  }
  return vectors === 0 ? 0 : LINKS[model](vectors, M);
}

// Of native/src/shard.cpp and number_map.hpp: rows a block, the greatest and the fullest chunk, a slot of the table of ids.
const blockRows = 16;
const greatestChunkRows = 1024;
const chunkLimitBytes = 4 * 2 ** 20;
const slotBytes = 12;
// An upper bound a row and one a block, which a search works with and keeps.
const searchBytesPerRow = 4 + 4 / blockRows;

const storedBytes: Readonly<Record<FlatStorage, number>> = { float32: 4, float16: 2, int8: 0 };

/**
 * Bytes of the exact engine over the rows of one partition, exactly as it allocates them: the row as it is stored, two 4-bit halves of its
 * int8 codes, four bounds, id, slot in the table of ids (a power of two, at most three quarters full), and the working set of a search.
 *
 * @param vectors 0 to 10^12
 * @param dimension 1 to 65,536
 * @param options `storage`: default `float32`
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export function flatEngineBytes(
  vectors: number,
  dimension: number,
  { storage = 'float32' }: FlatEngineOptions = {},
): number {
  checkShape(vectors, dimension);
  if (!Object.hasOwn(storedBytes, storage)) {
    throw new InvalidArgumentError('storage', `one of ${Object.keys(storedBytes).join(', ')}`, storage);
  }
  if (vectors === 0) return 0;
  const padded = Math.ceil(dimension / 16) * 16;
  const rowBytes = (1 + storedBytes[storage]) * padded + 16 + 4;
  let chunkRows = greatestChunkRows;
  while (chunkRows > blockRows && chunkRows * rowBytes > chunkLimitBytes) chunkRows /= 2;
  let capacity = 0;
  for (let rows = blockRows; capacity < vectors && rows < chunkRows; rows *= 2) capacity += rows;
  if (capacity < vectors) capacity += Math.ceil((vectors - capacity) / chunkRows) * chunkRows;
  let slots = 16;
  while (vectors > (slots / 4) * 3) slots *= 2;
  return capacity * rowBytes + slots * slotBytes + Math.ceil(vectors * searchBytesPerRow);
}

/**
 * Bytes of the graph engine once its graph stands: hnswlib's graph with its vectors, and our table of rows. While a graph is built,
 * rows stand in the exact engine and in the new graph at once.
 *
 * @param options `M`: 2 to 512, default 16
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export function hnswEngineBytes(vectors: number, dimension: number, { M = 16 }: { M?: number } = {}): number {
  checkShape(vectors, dimension);
  check('M', M, 2, 512);
  return vectors === 0 ? 0 : graphBytes(vectors, { dimension, M }) + vectors * homeBytes;
}

/** An inverted file over product-quantised vectors. */
export interface IvfPqOptions {
  /** Parts, a divisor of the dimension. Default 64. */
  readonly m?: number | undefined;
  /** Bits a part, 1 to 16. Default 8. */
  readonly bits?: number | undefined;
  /** Inverted lists, 1 to 16,777,216. Default 1,024. */
  readonly lists?: number | undefined;
}

/**
 * Bytes of an inverted file with product quantisation: codes, an id of 8 bytes a vector, codebooks, and a float32 centre a list. No engine of
 * this version; it is the layout of Faiss' IVFPQ, which the backend `faiss` offers.
 *
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export function ivfPqBytes(
  vectors: number,
  dimension: number,
  { m = 64, bits = 8, lists = 1024 }: IvfPqOptions = {},
): number {
  checkShape(vectors, dimension);
  check('lists', lists, 1, 2 ** 24);
  if (vectors === 0) return 0;
  return pqBytes(vectors, m, { dimension, bits }) + vectors * 8 + lists * dimension * 4;
}

/** What a combined estimate is made for. */
export interface StorageOptions {
  /** Links of the graph, 2 to 512. Default 16. */
  readonly M?: number | undefined;
  /** Compress by product quantisation. Default true. */
  readonly usePq?: boolean | undefined;
  /** Parts, a divisor of the dimension. Default 64. */
  readonly pqM?: number | undefined;
  /** Bits a part, 1 to 16. Default 8. */
  readonly pqBits?: number | undefined;
  /** Rule for the graph. Default `hnswlib`. */
  readonly model?: HnswModel | undefined;
}

/** Vectors and a graph over them, in bytes. */
export interface StorageEstimate {
  readonly vectors: number;
  readonly dimension: number;
  /** Bare float32 vectors. */
  readonly rawBytes: number;
  /** Vectors as they are kept: codes and codebooks, or float32. */
  readonly vectorBytes: number;
  /** The part of `vectorBytes` that all vectors share. */
  readonly codebookBytes: number;
  readonly hnswBytes: number;
  readonly totalBytes: number;
  /** Float32 over codes, without codebooks; 1 without compression. */
  readonly compressionRatio: number;
}

/**
 * Vectors, compressed or not, and a graph over them.
 *
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 * @example combinedStorageEstimate(10_000_000, 1536, { model: 'readme' }).totalBytes; // 2_561_572_864
 */
export function combinedStorageEstimate(
  vectors: number,
  dimension: number,
  { M = 16, usePq = true, pqM = 64, pqBits = 8, model = 'hnswlib' }: StorageOptions = {},
): StorageEstimate {
  const rawBytes = rawEmbeddingsBytes(vectors, dimension);
  const codes = usePq ? pqBytes(vectors, pqM, { bits: pqBits }) : rawBytes;
  const vectorBytes = usePq ? pqBytes(vectors, pqM, { dimension, bits: pqBits }) : rawBytes;
  const hnswBytes = hnswOverheadBytes(vectors, M, { model });
  return {
    vectors,
    dimension,
    rawBytes,
    vectorBytes,
    codebookBytes: vectorBytes - codes,
    hnswBytes,
    totalBytes: vectorBytes + hnswBytes,
    compressionRatio: usePq ? pqCompressionRatio(dimension, pqM, { bits: pqBits }) : 1,
  };
}

/**
 * The combined estimate as text, both in powers of 1,000 and of 1,024. Writes it and returns it.
 *
 * @param options as `combinedStorageEstimate`; `write`: where to, default standard output
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export function printStorageBreakdown(
  vectors: number,
  dimension: number,
  {
    write = (text) => void process.stdout.write(text),
    ...options
  }: StorageOptions & { write?: (text: string) => void } = {},
): string {
  const { M = 16, usePq = true, pqM = 64, model = 'hnswlib' } = options;
  const estimate = combinedStorageEstimate(vectors, dimension, options);
  const row = (title: string, bytes: number) =>
    `${title.padEnd(36)} ${bytesToHumanReadable(bytes).padStart(10)} ${bytesToHumanReadable(bytes, { format: 'iec' }).padStart(11)}`;
  const text = [
    `${vectors.toLocaleString('en-US')} vectors of ${dimension} numbers`,
    row('float32 vectors', estimate.rawBytes),
    ...(usePq
      ? [
          row(`codes and codebooks (m = ${pqM})`, estimate.vectorBytes),
          `  ${estimate.compressionRatio.toFixed(1)} times smaller, without the codebooks`,
        ]
      : []),
    row(`graph (M = ${M}, rule ${model})`, estimate.hnswBytes),
    row('together', estimate.totalBytes),
    '',
  ].join('\n');
  write(text);
  return text;
}
