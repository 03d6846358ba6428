// The engine that chooses for itself: exact for small partitions, inverted lists for large ones; tiers and vectordb may import it.
import { listsCrossover } from './crossovers.js';
import { IvfPqEngine } from './ivfpq.js';
import type { IvfPqEngineOptions } from './ivfpq-options.js';

/** Where the choice changes, and how lists are made. */
export interface AutoOptions extends Omit<IvfPqEngineOptions, 'trainFrom'> {
  /** Rows at which a partition goes into lists, at least 32. Default: where the bench found that a search of them costs less. */
  readonly crossover?: number | undefined;
}

/**
 * Flat and exact below the crossover, inverted lists above it: built by threads of the addon while the flat index serves.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export function autoEngine(
  dimension: number,
  { crossover = listsCrossover, ...options }: AutoOptions = {},
): IvfPqEngine {
  return new IvfPqEngine(dimension, { ...options, trainFrom: crossover }, 'auto');
}
