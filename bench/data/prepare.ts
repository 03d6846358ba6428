// Makes the sets of vectors that contests run on, in a process of its own. Imported by contenders/registry.ts.
import { existsSync } from 'node:fs';
import type { SubjectFactory } from '../types.js';
import { fittedRows } from './fitted.js';
import { realVectors } from './real.js';
import { type RowSource, rowsAtOnce, writeSet } from './vector-set.js';
import { randomFrom } from './vectors.js';

// Recall of 1,000 questions is uncertain by half a point, of 300 by one; each is compared with every row.
const questionsFor = (n: number) => (n <= 50_000 ? 1_000 : n <= 2_000_000 ? 300 : 200);
const fewestQuestions = 20;

/** The set of a job at the path that the job names: real vectors as far as there are, or fitted ones. */
export const vectorSet: SubjectFactory = async ({ data, n, d, seed, vectors, rowless }) => {
  if (vectors === undefined) throw new Error('no file was named');
  if (!existsSync(`${vectors}.json`)) {
    const source = data === 'real' ? await realSource(n as number, seed) : fittedSource(n as number, seed);
    if (source.d !== d) throw new Error(`the vectors have ${source.d} values, the case wants ${d}`);
    writeSet(vectors, source, !rowless);
  }
  return {
    variants: [],
    run: async () => Promise.reject(new Error('a set is not measured')),
    async close() {},
  };
};

/** Rows and questions of a fitted set; the same for whoever makes the rows anew. */
export function fittedSource(n: number, seed: number): RowSource {
  return fittedRows(n, questionsFor(n), seed);
}

/** Real vectors in an order of the seed; a tenth at most are questions. */
async function realSource(wanted: number, seed: number): Promise<RowSource> {
  const { rows, n: all, d } = await realVectors();
  const held = Math.min(questionsFor(wanted), Math.max(fewestQuestions, Math.floor(all / 10)));
  const n = Math.min(wanted, all - held);
  const random = randomFrom(seed);
  const order = Uint32Array.from({ length: all }, (_, i) => i);
  for (let i = all - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  const row = (place: number) => {
    const from = (order[place] as number) * d;
    return rows.subarray(from, from + d);
  };
  return {
    d,
    parts: Math.ceil(n / rowsAtOnce),
    questionsIn: (part) => (part === 0 ? held : 0),
    part(part) {
      const count = Math.min(rowsAtOnce, n - part * rowsAtOnce);
      const some = new Float32Array(count * d);
      for (let i = 0; i < count; i++) some.set(row(part * rowsAtOnce + i), i * d);
      const questions = part === 0 ? Array.from({ length: held }, (_, i) => row(n + i).slice()) : [];
      return { rows: some, questions };
    },
  };
}
