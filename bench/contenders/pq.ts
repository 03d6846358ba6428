// Contenders of `pq`: training and encoding by this package and by faiss-node. Imported by registry.ts.
import { ProductQuantiser } from '#dist/engines/product-quantiser.js';
import { vectorData } from '../data/vectors.js';
import type { Figures, Job, SubjectFactory } from '../types.js';

const m = 48;
const threads = 2;
const rowsAtOnce = 10_000;
// Its training on 100,000 rows takes four minutes: in full runs only.
const mostTrainingRows = 10_000;

const rowsOf = ({ n, d, data = 'clustered', seed }: Job) =>
  vectorData(data, n as number, d as number, 0, seed).rows;

async function secondsOf<T>(work: () => T | Promise<T>): Promise<{ result: T; wallS: number; cpuS: number }> {
  const started = performance.now();
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, wallS: (performance.now() - started) / 1e3, cpuS: (user + system) / 1e6 };
}

const figures = (n: number, wallS: number, bytes: number, facts: Record<string, number>): Figures => ({
  p50Us: null,
  p95Us: null,
  p99Us: null,
  opsPerS: n / wallS,
  recall: null,
  bytes,
  facts,
});

/** Mean of |x - decoded|^2 over the rows, which are of unit length. */
function errorOf(rows: Float32Array, decoded: Float32Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < rows.length; i++) sum += ((rows[i] as number) - (decoded[i] as number)) ** 2;
  return sum / n;
}

function ours(nbits: 4 | 8): SubjectFactory {
  return async (job) => {
    const [n, d] = [job.n as number, job.d as number];
    const rows = rowsOf(job);
    const training = await secondsOf(() =>
      ProductQuantiser.train(rows, { dimension: d, m, nbits, seed: job.seed, threads }),
    );
    const quantiser = training.result;
    return {
      variants: [
        { note: `m = ${m}, ${nbits} bits; encodeMany on one thread; training on ${threads}, all rows` },
      ],
      async run() {
        const { result: codes, wallS } = await secondsOf(() => quantiser.encodeMany(rows));
        return figures(n, wallS, quantiser.codeBytes, {
          'training s': training.wallS,
          'training CPU s': training.cpuS,
          'squared error': errorOf(rows, quantiser.decode(codes), n),
        });
      },
      async close() {},
    };
  };
}

/** `ProductQuantiser` with codes of a byte a part. */
export const oursPq = ours(8);

/** The same with 4-bit codes. */
export const oursNibbles = ours(4);

interface FaissIndex {
  train(rows: number[]): void;
  add(rows: number[]): void;
  ntotal(): number;
}

/** Faiss's IndexPQ: `add` encodes. It takes arrays of numbers; their copying counts, their making does not. */
export const faissPq: SubjectFactory = async (job) => {
  const { default: faiss } = await import('faiss-node');
  const [n, d, full] = [job.n as number, job.d as number, job.full === true];
  const rows = rowsOf(job);
  const slice = (from: number) => Array.from(rows.subarray(from * d, (from + rowsAtOnce) * d));
  const parts = Array.from({ length: Math.ceil(n / rowsAtOnce) }, (_, i) => slice(i * rowsAtOnce));
  const innerProduct = 0;
  const index = faiss.Index.fromFactory(d, `PQ${m}`, innerProduct) as unknown as FaissIndex;
  const trainingRows = Math.min(n, full ? n : mostTrainingRows);
  const trained = parts
    .slice(0, Math.ceil(trainingRows / rowsAtOnce))
    .flat()
    .slice(0, trainingRows * d);
  const training = await secondsOf(() => index.train(trained));
  return {
    variants: [
      {
        note: `IndexPQ, m = ${m}, 8 bits, inner product; its own threads; arrays of numbers are copied, in both figures`,
      },
    ],
    async run() {
      const before = index.ntotal();
      const { wallS, cpuS } = await secondsOf(() => {
        for (const part of parts) index.add(part);
      });
      if (index.ntotal() !== before + n) throw new Error('rows are missing');
      return figures(n, wallS, m, {
        'training rows': trainingRows,
        'training rows/s': trainingRows / training.wallS,
        'training s': training.wallS,
        'training CPU s': training.cpuS,
        'encoding CPU s': cpuS,
      });
    },
    async close() {},
  };
};
