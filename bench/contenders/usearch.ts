// usearch: its graph with default parameters, and its exact search; the only importer of it. Imported by registry.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { exactSearch, Index, type Matches, MetricKind, ScalarKind } from 'usearch';
import { flatSubject, k } from './flat.js';
import { setSubject } from './index-subject.js';

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

const greatest = (values: Float32Array) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const toInt8 = (values: Float32Array, scale: number) => Int8Array.from(values, (x) => Math.round(x * scale));

/** The same over rows of a byte a component, under one scale; a query has its own. */
export const usearchExactInt8 = flatSubject<{ rows: Int8Array; d: number }, Int8Array>({
  build: (rows, _n, d) => ({ rows: toInt8(rows, 127 / greatest(rows)), d }),
  prepare: (query) => toInt8(query, 127 / greatest(query)),
  search({ rows, d }, query) {
    last = exactSearch(rows, query, d, k, MetricKind.IP, 1) as Matches;
  },
  idsOf,
  bytesOf: ({ rows }) => rows.byteLength,
  scannedBytes: (d) => d,
  noBuild: true,
  note: 'exactSearch over int8, one thread; it takes no float16',
});

interface Graph {
  index: Index;
  readonly made: (expansion: number) => Index;
  last: ArrayLike<number>;
  /** The graph on disk: a search looks as far as its index was told when it was made, so each setting loads it anew. */
  saved?: string;
}

const expansions = [16, 32, 64, 128, 256, 512, 1_024];

/** The graph of a set, built with the package's defaults and searched as far as the recall asked for needs. */
function usearchSet(quantization: ScalarKind, name: string) {
  return setSubject<Graph, Float32Array>({
    open(_job, _n, d) {
      const made = (expansion_search: number) =>
        new Index({
          dimensions: d,
          metric: MetricKind.IP,
          quantization,
          connectivity: 16,
          expansion_add: 128,
          expansion_search,
          multi: false,
        });
      return { index: made(64), made, last: [] };
    },
    add({ index }, rows, first) {
      const n = rows.length / index.dimensions();
      index.add(
        BigUint64Array.from({ length: n }, (_, i) => BigInt(first + i)),
        rows,
        0,
      );
    },
    settings: { name: 'expansion', values: expansions },
    tune(graph, setting) {
      if (graph.saved === undefined) {
        graph.saved = join(mkdtempSync(join(tmpdir(), 'llm-cache-bench-')), 'graph');
        graph.index.save(graph.saved);
      }
      graph.index = graph.made(setting);
      graph.index.load(graph.saved);
      return graph;
    },
    prepare: (query) => query,
    search(graph, query) {
      graph.last = graph.index.search(query, k, 1).keys as unknown as ArrayLike<number>;
    },
    found: ({ last }) => Array.from(last, Number),
    close({ saved }) {
      if (saved !== undefined) rmSync(dirname(saved), { recursive: true, force: true });
    },
    note: `${name}, connectivity 16, expansion 128 when built; built on all threads, one thread a search; bytes = growth of the process`,
  });
}

/** Vectors of a byte a component. */
export const usearchInt8 = usearchSet(ScalarKind.I8, 'int8');
/** Vectors of two bytes a component. */
export const usearchFloat16 = usearchSet(ScalarKind.F16, 'float16');
