// The engine that chooses for itself: exact for small partitions, graphs for large ones; tiers and vectordb may import it.
import { hnswCrossover } from './crossovers.js';
import { HnswEngine, type HnswOptions } from './hnsw.js';
import { loadHnswlib } from './hnswlib.js';

/** Where the choice changes, and how graphs are built. */
export interface AutoOptions extends Omit<HnswOptions, 'graphFrom'> {
  /** Rows at which a partition gets a graph, at least 2; below half of it, it is exact again. Default 62,000. */
  readonly crossover?: number | undefined;
}

/**
 * Flat and exact below the crossover, a graph above it: built by a worker thread while the flat index serves. Without
 * hnswlib-node, which is looked for at the first crossing, it stays flat; `name` tells.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export function autoEngine(
  dimension: number,
  { crossover = hnswCrossover, ...options }: AutoOptions = {},
): HnswEngine {
  return new HnswEngine(dimension, { ...options, graphFrom: crossover }, 'auto', loadHnswlib);
}
