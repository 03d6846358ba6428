// IvfPqEngine of this package. Imported by registry.ts.

import type { Neighbour } from '#dist/engines/engine.js';
import { IvfPqEngine } from '#dist/engines/ivfpq.js';
import { flatSubject, k } from './flat.js';

let last: Neighbour[] = [];

/** Inverted lists through the engine's own face: checked arguments, objects as results. */
export const oursIvfPq = flatSubject<IvfPqEngine, Float32Array>({
  async build(rows, n, d, seed) {
    const index = new IvfPqEngine(d, { trainFrom: Math.min(n, 1000), seed });
    const ids = Uint32Array.from({ length: n }, (_, i) => i);
    await index.load(ids, new Uint32Array(n), rows);
    if (index.rowsInLists === 0) throw index.lastFailure ?? new Error('no lists were built');
    return index;
  },
  prepare: (query) => query,
  search(index, query) {
    last = index.search(query, 0, k);
  },
  idsOf: () => last.map(({ id }) => id),
  bytesOf: (index) => index.bytes,
  dispose: (index) => void index.close(),
  note: '4 bits, m = d / 4, rescored by int8; defaults',
  buildNote: 'IvfPqEngine.load, on two threads of the addon',
});
