// FlatEngine of this package. Imported by registry.ts.

import type { Neighbour } from '#dist/engines/engine.js';
import { FlatEngine } from '#dist/engines/flat.js';
import { flatSubject, k } from './flat.js';

let last: Neighbour[] = [];

/** Exact search through the engine's own face: checked arguments, objects as results. */
export const oursFlat = flatSubject<FlatEngine, Float32Array>({
  async build(rows, n, d) {
    const index = new FlatEngine(d);
    const ids = Uint32Array.from({ length: n }, (_, i) => i);
    await index.load(ids, new Uint32Array(n), rows);
    return index;
  },
  prepare: (query) => query,
  search(index, query) {
    last = index.search(query, 0, k);
  },
  idsOf: () => last.map(({ id }) => id),
  bytesOf: (index) => index.bytes,
  note: 'exact; int8 scan, float32 rescoring',
  buildNote: 'FlatEngine.load, off the event loop; p50 = time of the whole build, ops/s = rows/s',
});
