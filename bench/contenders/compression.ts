// Contender of `compression`: product codes of long vectors, counted in bytes. Imported by registry.ts.
import { ProductQuantiser } from '#dist/engines/product-quantiser.js';
import { vectorData } from '../data/vectors.js';
import type { Figures, SubjectFactory } from '../types.js';

const m = 64;
const iterations = 8;

/** Figures of a row that counts and does not time. */
export const counted = (bytes: number, facts: Record<string, number>): Figures => ({
  p50Us: null,
  p95Us: null,
  p99Us: null,
  opsPerS: null,
  recall: null,
  bytes,
  facts,
});

/** Lengths of the arrays that hold vectors, codes and codebooks; nothing is worked out by formula. */
export const codeSizes: SubjectFactory = async ({ n, d, seed }) => {
  const [count, dimension] = [n as number, d as number];
  const { rows } = vectorData('clustered', count, dimension, 0, seed);
  const quantiser = await ProductQuantiser.train(rows, { dimension, m, seed, iterations });
  const codes = await quantiser.encodeMany(rows);
  return {
    variants: [{ note: `lengths of the arrays in memory; m = ${m}, 8 bits` }],
    run: async () =>
      counted(codes.byteLength / count, {
        'raw bytes a vector': rows.byteLength / count,
        'codebook bytes': quantiser.codebooks().byteLength,
        'compression, codebooks aside': rows.byteLength / codes.byteLength,
      }),
    async close() {},
  };
};
