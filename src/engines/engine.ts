// The interface of nearest-neighbour engines; tiers and vectordb may import it.

/** One neighbour. */
export interface Neighbour {
  /** The id the vector was stored under. */
  readonly id: number;
  /** Cosine similarity in [-1, 1]. */
  readonly similarity: number;
}

/** Neighbours of n queries, each query's behind those of the one before. */
export interface NeighbourTable {
  /** Neighbours of each query, equal for all: min(k, vectors of the partition) where the search is exact. */
  readonly count: number;
  /** n x count ids, best first. */
  readonly ids: Uint32Array;
  /** n x count cosine similarities in [-1, 1]. */
  readonly similarities: Float32Array;
}

/** A nearest-neighbour index over unit-length vectors, split into partitions that a search never leaves. */
export interface Engine {
  /** Which method serves: `flat`, `hnsw`, `auto`, or one of your own. */
  readonly name: string;
  readonly dimension: number;
  /** Similarities are rounded, by 0.01 at most: who needs them exactly works them out from the vectors. Default false. */
  readonly approximate?: boolean;
  /** Number of vectors. */
  readonly size: number;
  /** Bytes held. */
  readonly bytes: number;
  /** Adds or replaces. @throws {DimensionError} ERR_LLM_CACHE_DIMENSION · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT if not unit length. */
  set(id: number, partition: number, vector: Float32Array): void;
  /** Removes; true when there was one. */
  remove(id: number): boolean;
  /** Up to `k` neighbours within the partition, best first; `k` is at least 1 and may exceed the number of vectors. */
  search(vector: Float32Array, partition: number, k: number): Neighbour[];
  /**
   * What `search` finds for each of n queries, off the event loop or giving way to it. `queries`: n x dimension, row-major, rows of unit
   * length; copied. Left out by engines that gain nothing by it. @throws as `search`, as rejections.
   */
  searchMany?(queries: Float32Array, partition: number, k: number): Promise<NeighbourTable>;
  /** Removes all vectors of a partition, or of all. */
  clear(partition?: number): void;
  /**
   * Replaces everything by these rows, off the event loop. `vectors` is n x dimension, row-major, rows of unit length; if an id comes
   * twice, the later row stands. No other call until it has resolved. @throws as `set`, as rejections.
   */
  load(ids: Uint32Array, partitions: Uint32Array, vectors: Float32Array): Promise<void>;
  /** Releases memory and whatever is being built in the background. Idempotent. */
  close(): Promise<void>;
}
