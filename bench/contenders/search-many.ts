// Contenders of `search-many`: one engine, asked 64 queries at once or one after the other. Imported by registry.ts.
import { FlatEngine } from '#dist/engines/flat.js';
import { recallOf, vectorData } from '../data/vectors.js';
import { figuresOf, timeAwaited } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';
import { k, scanFacts } from './flat.js';
import { codeBytes } from './flat-ours.js';

const queryCount = 64;
const checkedQueries = 16;

/** Ids of every query, best first, one query's behind those of the one before. */
type Ask = (engine: FlatEngine, queries: Float32Array) => Uint32Array | Promise<Uint32Array>;

function subject(ask: Ask, note: string): SubjectFactory {
  return async ({ n: rowCount, d: dimension, data = 'clustered', seed, quick }) => {
    const [n, d] = [rowCount as number, dimension as number];
    const { rows, queries } = vectorData(data, n, d, queryCount, seed);
    const engine = new FlatEngine(d);
    await engine.load(
      Uint32Array.from({ length: n }, (_, id) => id),
      new Uint32Array(n),
      rows,
    );
    const asked = new Float32Array(queryCount * d);
    queries.forEach((query, i) => {
      asked.set(query, i * d);
    });
    return {
      variants: [{ note }],
      async run() {
        let ids = await ask(engine, asked);
        const { latenciesUs } = await timeAwaited(quick ? 20 : 60, async () => {
          ids = await ask(engine, asked);
          return { right: true };
        });
        let recall = 0;
        for (let i = 0; i < checkedQueries; i++) {
          recall += recallOf(ids.subarray(i * k, (i + 1) * k), queries[i] as Float32Array, rows, k);
        }
        const figures = figuresOf(latenciesUs, {
          recall: recall / checkedQueries,
          bytes: engine.bytes / n,
        });
        const p50Us = figures.p50Us as number;
        return {
          ...figures,
          opsPerS: (queryCount * 1e6) / p50Us,
          facts: scanFacts(n * codeBytes(d), queryCount, p50Us, rows, queries[0] as Float32Array),
        };
      },
      close: () => engine.close(),
    };
  };
}

const atOnce =
  (threads: number): Ask =>
  async (engine, queries) =>
    (await engine.searchMany(queries, 0, k, { threads })).ids;

/** `searchMany` as it is by default, on two threads. */
export const searchManyAtOnce = subject(atOnce(2), `${queryCount} queries a call; two threads`);

/** The same on one thread: what scanning a tile of queries alone brings. */
export const searchManyOneThread = subject(atOnce(1), `${queryCount} queries a call; one thread`);

/** `search`, query by query. */
export const searchManyOneByOne = subject((engine, queries) => {
  const ids = new Uint32Array(queryCount * k);
  for (let i = 0; i < queryCount; i++) {
    const query = queries.subarray(i * engine.dimension, (i + 1) * engine.dimension);
    engine.search(query, 0, k).forEach(({ id }, at) => {
      ids[i * k + at] = id;
    });
  }
  return ids;
}, `${queryCount} calls of search, timed together; plain read: float32 products with every row, on one thread`);
