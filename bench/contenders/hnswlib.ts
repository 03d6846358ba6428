// hnswlib-node, the graph index that the reference uses; the only importer of it within bench/. Imported by registry.ts.
import hnswlib from 'hnswlib-node';
import { vectorData } from '../data/vectors.js';
import type { SubjectFactory } from '../types.js';
import { counted } from './compression.js';
import { flatSubject, k } from './flat.js';
import { setSubject } from './index-subject.js';

const parameters = { m: 16, efConstruction: 200, efSearch: 50 };
let last: number[] = [];

/** HNSW by inner product with the reference's parameters. Rows become number[] within the build, because `addPoint` takes nothing else. */
export const hnswlibFlat = flatSubject<hnswlib.HierarchicalNSW, number[]>({
  build(rows, n, d, seed) {
    const index = new hnswlib.HierarchicalNSW('ip', d);
    index.initIndex(n, parameters.m, parameters.efConstruction, seed);
    for (let i = 0; i < n; i++) index.addPoint(Array.from(rows.subarray(i * d, (i + 1) * d)), i);
    index.setEf(parameters.efSearch);
    return index;
  },
  prepare: (query) => Array.from(query),
  search(index, query) {
    last = index.searchKnn(query, k).neighbors;
  },
  idsOf: () => last,
  note: 'M 16, efConstruction 200, efSearch 50; bytes = growth of the process',
  buildNote: 'one addPoint a row; p50 = time of the whole build, ops/s = rows/s',
});

/** The same graph over a set, searched as far as the recall asked for needs. */
export const hnswlibSet = setSubject<hnswlib.HierarchicalNSW, number[]>({
  open({ seed }, n, d) {
    const index = new hnswlib.HierarchicalNSW('ip', d);
    index.initIndex(n, parameters.m, parameters.efConstruction, seed);
    return index;
  },
  add(index, rows, first) {
    const d = index.getNumDimensions();
    for (let i = 0; i < rows.length / d; i++)
      index.addPoint(Array.from(rows.subarray(i * d, (i + 1) * d)), first + i);
  },
  settings: { name: 'efSearch', values: [16, 32, 64, 128, 256, 512, 1_024] },
  tune(index, setting) {
    index.setEf(setting);
    return index;
  },
  prepare: (query) => Array.from(query),
  search(index, query) {
    last = index.searchKnn(query, k).neighbors;
  },
  found: () => last,
  note: 'float32, M 16, efConstruction 200; one addPoint a row, one thread; bytes = growth of the process',
});

/** What the graph weighs beside the vectors: short ones, so that little else grows. */
export const graphSize: SubjectFactory = async ({ n, d, seed }) => {
  const [count, dimension] = [n as number, d as number];
  const { rows } = vectorData('gaussian', count, dimension, 0, seed);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const index = new hnswlib.HierarchicalNSW('ip', dimension);
  index.initIndex(count, parameters.m, parameters.efConstruction, seed);
  for (let i = 0; i < count; i++)
    index.addPoint(Array.from(rows.subarray(i * dimension, (i + 1) * dimension)), i);
  globalThis.gc?.();
  const bytes = (process.memoryUsage.rss() - before) / count - 4 * dimension;
  return {
    variants: [{ note: `growth of the process less the vectors; M ${parameters.m}` }],
    run: async () => counted(bytes, { 'points in the graph': index.getCurrentCount() }),
    async close() {},
  };
};
