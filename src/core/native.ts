// Loads the C++ addon and gives it types; the only file that touches a .node file. Any folder may import it.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { NativeError, NativeLoadError } from './errors.js';

/** Names of the instruction sets a kernel can be built for. */
export type KernelName = 'scalar' | 'avx2' | 'avx512' | 'neon';

/** Exact nearest-neighbour index over the rows as it keeps them, partitioned; see `native/src/flat_index.hpp` for the method and its proof. */
export interface NativeFlatIndex {
  readonly size: number;
  readonly dimension: number;
  /** Bytes of native memory held. */
  readonly bytes: number;
  /** Adds or replaces the row of `id` (0 to 2^32 - 2); true when it is new. A row moves when `partition` differs. */
  set(id: number, partition: number, vector: Float32Array): boolean;
  /** As `set`, for n rows; `vectors` is n x dimension, row-major. Synchronous: about 1 microsecond a row at d = 384. */
  setMany(ids: Uint32Array, partition: number, vectors: Float32Array): void;
  /** Removes the row of `id`; true when there was one. Needs memory only while `searchMany` reads the rows around it. */
  remove(id: number): boolean;
  has(id: number): boolean;
  /** Copies the row of `id` as it is kept into `out`; false when there is none. */
  read(id: number, out: Float32Array): boolean;
  /**
   * Writes the `k` rows of `partition` with the greatest inner product, best first and equal ones by id, into the two
   * arrays (each at least `k` long), and returns how many there are: min(k, rows of the partition).
   */
  search(
    vector: Float32Array,
    partition: number,
    k: number,
    ids: Uint32Array,
    products: Float32Array,
  ): number;
  /**
   * What `search` finds for each of n queries (n x dimension, copied first), off the event loop and on up to `threads` threads: the rows
   * as they stand at the call, whatever is changed meanwhile. `count` = min(k, rows of the partition) ids and products a query.
   */
  searchMany(
    queries: Float32Array,
    partition: number,
    k: number,
    threads: number,
  ): Promise<{ readonly count: number; readonly ids: Uint32Array; readonly products: Float32Array }>;
  /** Removes all rows of a partition, or of all. */
  clear(partition?: number): void;
  /** Rows whose own product was computed in the last search; the rest were ruled out by their bound. */
  readonly lastRescored: number;
  /** Rows of a partition. */
  partitionSize(partition: number): number;
  /** The partition of a row. */
  partitionOf(id: number): number | undefined;
  /** The partitions that have rows, in no order. */
  partitions(): Uint32Array;
  /** The ids of a partition's rows, in no order. */
  idsIn(partition: number): Uint32Array;
  /** Names in the file that this index was mapped from; 0 when from none. Row changes leave them as they are. */
  readonly nameCount: number;
  /** Name of a row of that file, each byte a character. */
  nameAt(id: number): string | undefined;
  /** The id that a name has in that file. Cost: O(log n), about a microsecond. */
  findName(name: Uint8Array): number | undefined;
}

/** Writes the file of an index; see `native/src/state/`. One at a time may write under a path. */
export interface NativeStateWriter {
  /** Adds a row; its id is the number of names before. Names ascend, and so do rows of equal partition come one after the other. */
  add(partition: number, name: Uint8Array, vector: Float32Array): void;
  /** Adds the name of a row that is in lists. */
  addName(name: Uint8Array): void;
  /**
   * Writes the rows in lists, puts the file on stable storage and renames it, off the event loop. `numbers`: of each id in the lists, the
   * names before its own; rows whose id has none (2^32 - 1) are left out. Lists may change and be searched meanwhile: what is written is
   * how they stood in between. No other call after it.
   */
  commit(
    path: string,
    partitions?: Uint32Array,
    lists?: readonly NativeIvfIndex[],
    numbers?: Uint32Array,
  ): Promise<{ readonly bytes: number; readonly checksum: string }>;
  /** Removes what was written, unless it was committed. Idempotent. */
  abort(): void;
}

/** An index over a file: exact rows with all names, and the partitions that are in lists. */
export interface NativeMappedLists {
  readonly flat: NativeFlatIndex;
  readonly partitions: Uint32Array;
  readonly lists: readonly NativeIvfIndex[];
  /** Names without a row. */
  readonly vacant: Uint32Array;
}

/** How often keys were seen lately: a Count-Min sketch with conservative update and halving; see `native/src/frequency_sketch.hpp`. */
export interface NativeFrequencySketch {
  /** Bytes of native memory held. */
  readonly bytes: number;
  /** Additions since the last halving, those before it counting half; all counts are halved after ten times the capacity. */
  readonly samples: number;
  /**
   * Counts `count` keys once each. `fingerprints`: two words a key, high before low. What each then counts is written to `counts`
   * where that is given. Cost: 0.1 microseconds and 6 to 10 nanoseconds a key.
   */
  add(fingerprints: Uint32Array, count: number, counts?: Uint32Array): void;
  /** The count of a key, up to 15 or 65,535. Never below the truth since the last halving. */
  estimate(high: number, low: number): number;
  /** Halves all counts, rounding down. */
  halve(): void;
  /** Forgets all. */
  clear(): void;
}

/** A trained product quantiser, immutable; see `native/src/pq.hpp`. Lengths that do not fit are refused with nothing written. */
export interface NativeProductQuantiser {
  readonly dimension: number;
  readonly m: number;
  readonly nbits: number;
  /** Bytes of a vector's code: m x nbits / 8, rounded up. */
  readonly codeBytes: number;
  /** Bytes of native memory held. */
  readonly bytes: number;
  /** A copy of the codebooks: m x 2^nbits x dimension / m numbers, as the constructor takes them. */
  codebooks(): Float32Array;
  /** Writes the codes of n vectors, n x dimension, to `codes`, n x codeBytes. Synchronous: 1 to 3 microseconds a vector at d = 384. */
  encode(vectors: Float32Array, codes: Uint8Array): void;
  /** The same off the event loop; the vectors are copied first. */
  encodeMany(vectors: Float32Array): Promise<Uint8Array>;
  /** Writes the vectors that the codes stand for. */
  decode(codes: Uint8Array, vectors: Float32Array): void;
  /** Writes the look-up table of inner products with a query: m x 2^nbits numbers. */
  productTable(query: Float32Array, table: Float32Array): void;
  /** The same of squared distances. */
  distanceTable(query: Float32Array, table: Float32Array): void;
  /** Codes rearranged for a scan: blocks of 32 rows, codeBytes x 32 bytes each, the last filled up with zeros. */
  pack(codes: Uint8Array): Uint8Array;
  /** Writes the sum of the table's entries for every row of the blocks, 32 a block, those of the filling too. */
  scan(table: Float32Array, blocks: Uint8Array, out: Float32Array): void;
  /** How far a sum of 4-bit codes may be from that of the table, which is rounded to bytes for the scan; 0 for 8 bits. */
  scanError(table: Float32Array): number;
}

/** A training under way. */
export interface NativeTraining {
  /** Rejects with code `ABORT_ERR` when cancelled, and with what `onProgress` threw. */
  readonly promise: Promise<NativeProductQuantiser>;
  /** Ends the training within milliseconds; without effect when it has ended. */
  cancel(): void;
}

/** Rows of one partition in inverted lists, coded by product quantisation; `IvfIndex.build` and `map` make it. */
export interface NativeIvfIndex {
  readonly size: number;
  /** Bytes of native memory held. */
  readonly bytes: number;
  readonly nlist: number;
  /** Mean squared error of the codes of the rows that it learnt from; of rows set since, the latest thousand or so (-1: none). */
  readonly trainingError: number;
  readonly recentError: number;
  /** Rows it was built of, and rows set since. */
  readonly learnt: number;
  readonly setSince: number;
  /** Rows whose codes the last search looked at. */
  readonly lastScanned: number;
  /** Adds or replaces. Synchronous: nlist x dimension products. */
  set(id: number, vector: Float32Array): void;
  /** As `set` for each row (ids.length x dimension numbers), coded on so many threads, or for none when one is refused. */
  setMany(ids: Uint32Array, vectors: Float32Array, threads: number): void;
  remove(id: number): boolean;
  has(id: number): boolean;
  /** All ids, in no order. */
  ids(): Uint32Array;
  /** Writes the vector as it is kept: rounded, or what its code stands for. */
  read(id: number, out: Float32Array): boolean;
  /** Writes up to k ids and products, best first, and answers how many. */
  search(
    vector: Float32Array,
    k: number,
    nprobe: number,
    rescored: number,
    ids: Uint32Array,
    products: Float32Array,
  ): number;
}

/** A build under way. */
export interface NativeBuilding {
  /** Rejects with code `ABORT_ERR` when cancelled. */
  readonly promise: Promise<NativeIvfIndex>;
  /** Ends the build within milliseconds; without effect when it has ended. */
  cancel(): void;
}

/** The addon's face. TypeScript callers validate for good messages; the addon checks again for memory safety. */
export interface NativeAddon {
  /** Kernel in use: the best this machine has, or the one that `LLM_CACHE_KERNEL` names. */
  readonly kernel: KernelName;
  /** Kernels this machine can run, best first. */
  readonly kernels: readonly KernelName[];
  /** SHA-256 implementation in use. */
  readonly sha256Implementation: 'sha-ni' | 'portable';
  /** SHA-256 of the bytes: 32 bytes. */
  sha256(data: Uint8Array): Uint8Array;
  /** SHA-256, in hexadecimal, over the fields, each preceded by its length in bytes (uint32, little endian). Strings count as UTF-8. */
  sha256Fields(fields: readonly (string | Uint8Array)[]): string;
  /**
   * Key of a question: normalises (trim, lower case, white space collapsed) and hashes in one call. Undefined when the text has
   * a character outside ASCII: normalise in JavaScript and call `queryKeyNormalised`.
   */
  queryKey(text: string, scopeDigest: Uint8Array): string | undefined;
  /** The same for a text that is normalised already. */
  queryKeyNormalised(text: string, scopeDigest: Uint8Array): string;
  /** Inner product of two equally long vectors, float32 accumulation. */
  dot(a: Float32Array, b: Float32Array): number;
  /** Squared Euclidean distance. */
  squaredL2(a: Float32Array, b: Float32Array): number;
  /** Inner product of int8 vectors, exact for up to 2^17 components. */
  dotInt8(a: Int8Array, b: Int8Array): number;
  /** Inner products of `query` with each row of `rows` (n x d, row-major), written to `out` (n). */
  dotMany(query: Float32Array, rows: Float32Array, out: Float32Array): void;
  /** Squared Euclidean distances of `query` to each row. */
  squaredL2Many(query: Float32Array, rows: Float32Array, out: Float32Array): void;
  readonly FrequencySketch: {
    /**
     * `capacity`: keys of interest, from 1. `counterBits`: 4 or 16. `multipliers`: 8 words that place the keys; at random and kept to
     * the process, so that nobody can choose keys that share counters.
     */
    new (capacity: number, counterBits: number, multipliers: Uint32Array): NativeFrequencySketch;
  };
  readonly IvfIndex: {
    /**
     * Learns lists and codes from a sample of the rows (n x dimension numbers, copied first) and puts all rows in, on threads of the
     * addon's own. Without ids the vectors only teach. `rows`: how many the lists are made for. `rescore`: 0 none, 1 int8, 2 float16. `rotations`: rounds of OPQ, 0 for none.
     */
    build(
      dimension: number,
      nlist: number,
      m: number,
      nbits: number,
      rescore: number,
      rotations: number,
      iterations: number,
      sample: number,
      seed: number,
      threads: number,
      rows: number,
      ids: Uint32Array,
      vectors: Float32Array,
    ): NativeBuilding;
    /** As `FlatIndex.map`. */
    map(path: string, dimension: number, checksum: string): Promise<NativeMappedLists>;
  };
  readonly ProductQuantiser: {
    /** From codebooks that were learnt before. `m` divides `dimension`; `nbits` is 4 or 8. */
    new (dimension: number, m: number, nbits: number, codebooks: Float32Array): NativeProductQuantiser;
    /**
     * Learns the codebooks off the event loop from n x dimension numbers, which are copied first. `threads` are the addon's own.
     * `onProgress` hears the share done, above 0 to 1; a share may be passed over.
     */
    train(
      dimension: number,
      m: number,
      nbits: number,
      vectors: Float32Array,
      iterations: number,
      seed: number,
      threads: number,
      onProgress?: (share: number) => void,
    ): NativeTraining;
  };
  readonly StateWriter: {
    /** Throws with code `ERR_LLM_CACHE_SNAPSHOT` when the file cannot be made, or another writes it. */
    new (path: string, dimension: number): NativeStateWriter;
  };
  readonly FlatIndex: {
    /** `bits`: those of a component as it is kept, 8, 16 or 32. Default 32. */
    new (dimension: number, bits?: number): NativeFlatIndex;
    /**
     * Maps a committed file and verifies it, off the event loop. What is changed later is a private copy of the pages it touches.
     * Rejects with code `ERR_LLM_CACHE_SNAPSHOT` when the file is not the one with that checksum, or damaged.
     */
    map(path: string, dimension: number, checksum: string): Promise<NativeFlatIndex>;
    /** Builds an index off the event loop; the arrays are copied first. Resolves to an index that equals one filled by `set`. */
    build(
      dimension: number,
      ids: Uint32Array,
      partitions: Uint32Array,
      vectors: Float32Array,
      bits?: number,
    ): Promise<NativeFlatIndex>;
  };
}

const packageRoot = new URL('../../', import.meta.url);
const candidates = [
  'build-cmake/Release/llm_tiered_cache.node',
  'build/Release/llm_tiered_cache.node',
  `prebuilds/${process.platform}-${process.arch}/llm_tiered_cache.node`,
];

function load(): NativeAddon {
  const require = createRequire(import.meta.url);
  const forced = process.env.LLM_CACHE_NATIVE;
  const paths = forced
    ? [forced]
    : candidates.map((relative) => fileURLToPath(new URL(relative, packageRoot)));
  const tried: string[] = [];
  for (const path of paths) {
    try {
      return require(path) as NativeAddon;
    } catch (error) {
      // It loaded and refused: LLM_CACHE_KERNEL or LLM_CACHE_SHA256 asks for what this machine does not have.
      const { code, message } = error as NodeJS.ErrnoException;
      if (code?.startsWith('ERR_LLM_CACHE')) throw new NativeError(message, { cause: error });
      tried.push(`${path}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new NativeLoadError(tried);
}

/** The addon of this process. Loading it fails at import with `NativeLoadError`, which says what to install. */
export const native: NativeAddon = load();
