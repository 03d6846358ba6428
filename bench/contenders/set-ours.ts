// Engines of this package over a set. Imported by registry.ts.
import type { Neighbour } from '#dist/engines/engine.js';
import { FlatEngine } from '#dist/engines/flat.js';
import { IvfPqEngine } from '#dist/engines/ivfpq.js';
import { ProductQuantiser } from '#dist/engines/product-quantiser.js';
import { k } from '../data/vector-set.js';
import { setSubject } from './index-subject.js';

let last: Neighbour[] = [];

/** The exact engine. */
export const flatSet = setSubject<FlatEngine, Float32Array>({
  open: (_job, _n, d) => new FlatEngine(d),
  add(index, rows, first) {
    const n = rows.length / index.dimension;
    index.setMany(
      Uint32Array.from({ length: n }, (_, i) => first + i),
      0,
      rows,
    );
  },
  prepare: (query) => query,
  search(index, query) {
    last = index.search(query, 0, k);
  },
  found: () => last.map(({ id }) => id),
  bytesOf: (index) => index.bytes,
  note: 'FlatEngine, exact: int8 scan, float32 rescoring; setMany, one thread',
});

/** Inverted lists; `setting` is the number of lists that a search looks at. */
export const listsSet = setSubject<IvfPqEngine, Float32Array>({
  open: (_job, n, d) => new IvfPqEngine(d, { trainFrom: Math.min(n, 1000) }),
  add() {},
  async load(_job, rows, dimension) {
    const n = rows.length / dimension;
    const index = new IvfPqEngine(dimension, { trainFrom: Math.min(n, 1000) });
    await index.load(
      Uint32Array.from({ length: n }, (_, i) => i),
      new Uint32Array(n),
      rows,
    );
    return index;
  },
  prepare: (query) => query,
  search(index, query) {
    last = index.search(query, 0, k);
  },
  found: () => last.map(({ id }) => id),
  bytesOf: (index) => index.bytes,
  settings: { name: 'nprobe', values: [8, 16, 32, 64, 128, 192, 256, 512] },
  tune(index, setting) {
    index.nprobe = setting;
    return index;
  },
  note: 'IvfPqEngine, 4 bits, m = d / 4, rescored by int8; built on two threads',
});

interface Codes {
  readonly quantiser: ProductQuantiser;
  readonly codes: Uint8Array;
  products: Float32Array;
}

/** Product codes alone, all of them scanned: shows how well codes tell neighbours apart. */
export const codesSet = setSubject<Codes, Float32Array>({
  open: () => Promise.reject(new Error('codes are loaded at once')),
  add() {},
  async load({ seed }, rows, dimension) {
    const quantiser = await ProductQuantiser.train(rows, { dimension, m: 48, seed });
    return { quantiser, codes: await quantiser.encodeMany(rows), products: new Float32Array(0) };
  },
  prepare: (query) => query,
  search(index, query) {
    const { quantiser, codes } = index;
    index.products = quantiser.scan(quantiser.adcTable(query, 'product'), codes);
  },
  found({ products }) {
    const kth = products.slice().sort().at(-k) ?? Number.NEGATIVE_INFINITY;
    return [...products.keys()].filter((row) => (products[row] as number) >= kth).slice(0, k);
  },
  bytesOf: ({ codes, quantiser }) => codes.byteLength + quantiser.bytes,
  note: 'ProductQuantiser, m = 48, 8 bits, no rescoring; all codes are rearranged and scanned for each question',
});
