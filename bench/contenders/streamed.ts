// Contender of `streamed`: codes alone, learnt from a sample and brought in by pieces that are made as they are wanted. Imported by registry.ts.
import { IvfPqEngine } from '#dist/engines/ivfpq.js';
import { listsBytes } from '#dist/engines/ivfpq-options.js';
import { fittedSource } from '../data/prepare.js';
import { k, openSet, type RowSource } from '../data/vector-set.js';
import { figuresOf, timeEach } from '../harness/measure.js';
import type { Job, SubjectFactory } from '../types.js';

const m = 48;
// Enough for the lists of ten million rows to be learnt from 40 rows each.
const sampleRows = 330_000;
const mostCalls = 2_000;

/** Rows from parts of the whole set at even distances, as a caller would take them from a file. */
function sampleOf(source: RowSource, wanted: number): Float32Array {
  const parts = Math.min(source.parts, Math.ceil(wanted / 10_000));
  const pieces = Array.from({ length: parts }, (_, i) => {
    const { rows } = source.part(Math.floor((i * source.parts) / parts));
    return rows;
  });
  const sample = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    sample.set(piece, at);
    at += piece.length;
  }
  return sample;
}

const residentBytes = () => {
  globalThis.gc?.();
  return process.memoryUsage.rss();
};

async function filled({ n, d, seed }: Job, nbits: 4 | 8) {
  const rows = n as number;
  const engine = new IvfPqEngine(d as number, { m, nbits, rescore: 'none', seed });
  const source = fittedSource(rows, seed);
  const before = residentBytes();
  const started = performance.now();
  let ms = 0;
  {
    const sample = sampleOf(source, sampleRows);
    const begun = performance.now();
    await engine.prepare(0, rows, sample);
    ms += performance.now() - begun;
  }
  const learntS = ms / 1e3;
  for (let part = 0, first = 0; part < source.parts; part++) {
    const { rows: piece } = source.part(part);
    const ids = Uint32Array.from({ length: piece.length / source.d }, (_, i) => first + i);
    const begun = performance.now();
    engine.setMany(ids, 0, piece);
    ms += performance.now() - begun;
    first += ids.length;
    // The garbage of the pieces is collected between them.
    if (part % 10 === 9) await new Promise(setImmediate);
  }
  if (engine.rowsInLists !== rows) throw new Error(`${engine.rowsInLists} rows are in lists, not ${rows}`);
  const facts = {
    'build s': ms / 1e3,
    'of that learning s': learntS,
    'with the making of the rows s': (performance.now() - started) / 1e3,
    'peak GB': (process.resourceUsage().maxRSS * 1024) / 1e9,
    'growth of the process, bytes a vector': Math.round((residentBytes() - before) / rows),
    'formula, bytes a vector': listsBytes(rows, d as number, { m, nbits, rescore: 'none' }) / rows,
  };
  return { engine, facts };
}

function streamed(nbits: 4 | 8): SubjectFactory {
  return async (job) => {
    const set = openSet(job.vectors as string);
    const { engine, facts } = await filled(job, nbits);
    const query = (i: number) => set.queries[i % set.queries.length] as Float32Array;
    const recall = set.recall((i) => engine.search(query(i), 0, k).map(({ id }) => id));
    const bytes = engine.bytes / set.n;
    return {
      variants: [{ note: `m = ${m}, ${nbits} bits, defaults; pieces of 10,000 rows, coded on two threads` }],
      async run() {
        const once = (i: number) => engine.search(query(i), 0, k);
        timeEach(20, once);
        return figuresOf(timeEach(job.quick ? 100 : mostCalls, once), { recall, bytes, facts });
      },
      close: () => engine.close(),
    };
  };
}

/** Codes of four bits a part. */
export const streamedNibbles = streamed(4);
