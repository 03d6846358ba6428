// usearch: its graph with default parameters, and its exact search; the only importer of it. Imported by registry.ts.
import { exactSearch, Index, type Matches, MetricKind, ScalarKind } from 'usearch';
import { flatSubject, k } from './flat.js';

let last: Matches | undefined;
const idsOf = () => Array.from(last?.keys ?? [], Number);

/** HNSW with the package's defaults (connectivity 16, expansion 128 and 64), float32. One thread a search, all threads for the build. */
export const usearchFlat = flatSubject<Index, Float32Array>({
  build(rows, n, d) {
    const index = new Index({
      dimensions: d,
      metric: MetricKind.IP,
      quantization: ScalarKind.F32,
      connectivity: 0,
      expansion_add: 0,
      expansion_search: 0,
      multi: false,
    });
    index.add(
      BigUint64Array.from({ length: n }, (_, i) => BigInt(i)),
      rows,
      0,
    );
    return index;
  },
  prepare: (query) => query,
  search(index, query) {
    last = index.search(query, k, 1);
  },
  idsOf,
  note: 'defaults, float32, one thread a search; bytes = growth of the process',
  buildNote: 'one call on all threads; p50 = time of the whole build, ops/s = rows/s',
});

/** Its brute force over the same rows. */
export const usearchExact = flatSubject<{ rows: Float32Array; d: number }, Float32Array>({
  build: (rows, _n, d) => ({ rows, d }),
  prepare: (query) => query,
  search({ rows, d }, query) {
    last = exactSearch(rows, query, d, k, MetricKind.IP, 1) as Matches;
  },
  idsOf,
  bytesOf: ({ rows }) => rows.byteLength,
  noBuild: true,
  note: 'exactSearch, one thread',
});
