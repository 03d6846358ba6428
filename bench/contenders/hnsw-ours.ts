// HnswEngine of this package. Imported by registry.ts.

import type { Neighbour } from '#dist/engines/engine.js';
import { type HnswEngine, openHnswEngine } from '#dist/engines/hnsw.js';
import { flatSubject, k } from './flat.js';

let last: Neighbour[] = [];

/** A graph through the engine's own face, once it stands: checked arguments, objects as results, living rows alone. */
export const oursHnsw = flatSubject<HnswEngine, Float32Array>({
  async build(rows, n, d, seed) {
    const index = await openHnswEngine(d, { graphFrom: Math.min(n, 1000), seed });
    const ids = Uint32Array.from({ length: n }, (_, i) => i);
    await index.load(ids, new Uint32Array(n), rows);
    await index.settled();
    if (index.rowsInGraphs === 0) throw index.lastFailure ?? new Error('no graph was built');
    return index;
  },
  prepare: (query) => query,
  search(index, query) {
    last = index.search(query, 0, k);
  },
  idsOf: () => last.map(({ id }) => id),
  bytesOf: (index) => index.bytes,
  dispose: (index) => void index.close(),
  note: 'M 16, efConstruction 200, efSearch 50; bytes worked out',
  buildNote: 'HnswEngine.load until the graph stands, in a worker',
});
