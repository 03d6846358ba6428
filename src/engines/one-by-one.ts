// Many queries of an engine that takes one at a time; engines/ imports it.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DimensionError, InvalidArgumentError } from '../core/errors.js';

import type { Engine, NeighbourTable } from './engine.js';

/** Searches, each of a fraction of a millisecond, before other work has its turn. */
const searchesPerTurn = 4;

/**
 * What `search` finds for each of n queries, a few a turn of the event loop; the queries are copied, so they may be changed afterwards. What
 * is changed meanwhile shows from then on. Queries of which one found less cut the others to as many.
 * @throws as `search`, and {DimensionError} ERR_LLM_CACHE_DIMENSION (as rejections)
 */
export async function searchOneByOne(
  engine: Pick<Engine, 'dimension' | 'search'>,
  queries: Float32Array,
  partition: number,
  k: number,
): Promise<NeighbourTable> {
  const { dimension } = engine;
  if (!(queries instanceof Float32Array))
    throw new InvalidArgumentError('queries', 'a Float32Array', queries);
  const rows = Math.ceil(queries.length / dimension);
  if (queries.length !== rows * dimension)
    throw new DimensionError('queries', rows * dimension, queries.length);
  const own = queries.slice();
  const answers: ReturnType<Engine['search']>[] = [];
  for (let row = 0; row < rows; row++) {
    if (row > 0 && row % searchesPerTurn === 0) await nextTurn();
    answers.push(engine.search(own.subarray(row * dimension, (row + 1) * dimension), partition, k));
  }
  const count = answers.reduce((least, { length }) => Math.min(least, length), Number.POSITIVE_INFINITY);
  const kept = answers.flatMap((found) => found.slice(0, count));
  return {
    count: answers.length === 0 ? 0 : count,
    ids: Uint32Array.from(kept, ({ id }) => id),
    similarities: Float32Array.from(kept, ({ similarity }) => similarity),
  };
}
