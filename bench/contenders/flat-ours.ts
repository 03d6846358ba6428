// FlatEngine of this package. Imported by registry.ts.

import type { Neighbour } from '#dist/engines/engine.js';
import { FlatEngine, type FlatStorage } from '#dist/engines/flat.js';
import { flatSubject, k } from './flat.js';

let last: Neighbour[] = [];

/** Bytes that a scan reads of a vector at least: four bits a component and four float32. */
export const codeBytes = (d: number) => d / 2 + 16;

/** Exact search through the engine's own face: checked arguments, objects as results. */
function ours(storage: FlatStorage, note: string, scanned?: { scannedBytes: typeof codeBytes }) {
  return flatSubject<FlatEngine, Float32Array>({
    async build(rows, n, d) {
      const index = new FlatEngine(d, { storage });
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
    ...scanned,
    note,
    buildNote: 'FlatEngine.load, off the event loop; p50 = time of the whole build, ops/s = rows/s',
  });
}

const scanned = { scannedBytes: codeBytes };

export const oursFlat = ours('float32', 'exact; int8 scan, float32 rescoring');
export const oursFloat32 = ours('float32', 'int8 scan, float32 rescoring', scanned);
export const oursFloat16 = ours('float16', 'int8 scan, float16 rescoring', scanned);
export const oursInt8 = ours('int8', 'int8 codes alone', scanned);
