// The engine that chooses for itself: exact for small partitions, graphs for large ones; tiers and vectordb may import it.
import { HnswEngine, type HnswOptions } from './hnsw.js';
import { loadHnswlib } from './hnswlib.js';

/** Where the choice changes, and how graphs are built. */
export interface AutoOptions extends Omit<HnswOptions, 'graphFrom'> {
  /** Rows at which a partition gets a graph, at least 2; below half of it, it is exact again. Default 62,000. */
  readonly crossover?: number | undefined;
}

// Where the lines of `npm run bench -- crossover --sizes 50000,100000` cross: clustered vectors, d = 384, k = 10, M 16,
// efConstruction 200, efSearch 50, two cores, AVX-512, in use by others too. n = 50,000: flat p50 167 microseconds, hnsw 267 at recall
// 0.989, built in 77 s. n = 100,000: flat 595, hnsw 282 at recall 0.957; on a straight line between them they meet at 62,000. Gaussian
// vectors, which no graph serves well, n = 10,000: recall 0.53.
const defaultCrossover = 62_000;

/**
 * Flat and exact below the crossover, a graph above it: built by a worker thread while the flat index serves. Without
 * hnswlib-node, which is looked for at the first crossing, it stays flat; `name` tells.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export function autoEngine(
  dimension: number,
  { crossover = defaultCrossover, ...options }: AutoOptions = {},
): HnswEngine {
  return new HnswEngine(dimension, { ...options, graphFrom: crossover }, 'auto', loadHnswlib);
}
