// Engines of this package over a set. Imported by registry.ts.
import type { Neighbour } from '#dist/engines/engine.js';
import { FlatEngine } from '#dist/engines/flat.js';
import { IvfPqEngine } from '#dist/engines/ivfpq.js';
import type { IvfPqEngineOptions } from '#dist/engines/ivfpq-options.js';
import { ProductQuantiser } from '#dist/engines/product-quantiser.js';
import { k } from '../data/vector-set.js';
import { type SetIndex, setSubject } from './index-subject.js';

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
const listsOf = (options: IvfPqEngineOptions, note: string): SetIndex<IvfPqEngine, Float32Array> => ({
  open: () => Promise.reject(new Error('lists are loaded at once')),
  add() {},
  async load({ seed }, rows, dimension) {
    const n = rows.length / dimension;
    const index = new IvfPqEngine(dimension, { trainFrom: Math.min(n, 1000), seed, ...options });
    await index.load(
      Uint32Array.from({ length: n }, (_, i) => i),
      new Uint32Array(n),
      rows,
    );
    if (index.rowsInLists !== n) throw index.lastFailure ?? new Error('no lists were built');
    return index;
  },
  prepare: (query) => query,
  search(index, query) {
    last = index.search(query, 0, k);
  },
  found: () => last.map(({ id }) => id),
  bytesOf: (index) => index.bytes,
  settings: { name: 'nprobe', values: [8, 16, 32, 64, 96, 128, 192, 256, 320, 384, 512, 768] },
  tune(index, setting) {
    index.nprobe = setting;
    return index;
  },
  note: `IvfPqEngine, ${note}; built on two threads`,
});

/** As they are by default, rescored. */
export const listsSet = setSubject(listsOf({}, 'defaults: 4 bits, rescored by int8'));

/** Codes alone, of 4 bits and of 8. */
export const listsOfNibbles = setSubject(
  listsOf({ m: 48, nbits: 4, rescore: 'none' }, 'm = 48, 4 bits, no rescoring'),
);
export const listsOfBytes = setSubject(
  listsOf({ m: 48, nbits: 8, rescore: 'none' }, 'm = 48, 8 bits, no rescoring'),
);

interface Codes {
  readonly quantiser: ProductQuantiser;
  readonly codes: Uint8Array;
  products: Float32Array;
}

const codesOf = (nbits: 4 | 8): SetIndex<Codes, Float32Array> => ({
  open: () => Promise.reject(new Error('codes are loaded at once')),
  add() {},
  async load({ seed }, rows, dimension) {
    const quantiser = await ProductQuantiser.train(rows, { dimension, m: 48, nbits, seed });
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
  note: `ProductQuantiser, m = 48, ${nbits} bits, no rescoring; all codes are rearranged and scanned for each question`,
});

/** Product codes alone, all of them scanned: show how well codes tell neighbours apart. */
export const codesSet = setSubject(codesOf(8));
export const nibblesSet = setSubject(codesOf(4));
