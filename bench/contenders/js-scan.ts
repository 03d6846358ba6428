// Brute force in JavaScript, as well as it can be written without SIMD. Imported by registry.ts.
import { flatSubject, k } from './flat.js';

interface Rows {
  readonly values: Float32Array;
  readonly n: number;
  readonly d: number;
  readonly ids: Uint32Array;
  readonly products: Float64Array;
}

/** Four sums a row, the best k kept in order. */
export const jsFlat = flatSubject<Rows, Float32Array>({
  build: (rows, n, d) => ({
    values: rows.slice(),
    n,
    d,
    ids: new Uint32Array(k),
    products: new Float64Array(k),
  }),
  prepare: (query) => query,
  search({ values, n, d, ids, products }, query) {
    products.fill(Number.NEGATIVE_INFINITY);
    for (let row = 0, at = 0; row < n; row++) {
      let a = 0;
      let b = 0;
      let c = 0;
      let e = 0;
      for (let i = 0; i < d; i += 4, at += 4) {
        a += (values[at] as number) * (query[i] as number);
        b += (values[at + 1] as number) * (query[i + 1] as number);
        c += (values[at + 2] as number) * (query[i + 2] as number);
        e += (values[at + 3] as number) * (query[i + 3] as number);
      }
      const product = a + b + (c + e);
      if (product <= (products[k - 1] as number)) continue;
      let place = k - 1;
      for (; place > 0 && (products[place - 1] as number) < product; place--) {
        products[place] = products[place - 1] as number;
        ids[place] = ids[place - 1] as number;
      }
      products[place] = product;
      ids[place] = row;
    }
  },
  idsOf: ({ ids }) => ids,
  bytesOf: ({ values }) => values.byteLength,
  note: 'exact; Float32Array, four sums a row',
  buildNote: 'a copy of the rows; p50 = time of the whole copy, ops/s = rows/s',
});
