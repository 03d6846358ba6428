// Vectors that the user brings: `--vectors FILE`. Imported by run.ts, cases/flat.ts and contenders/flat.ts.
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { VectorData } from './vectors.js';

/** The last rows of the file are the questions. */
export const ownQueries = 256;

/** Rows of `d` float32 values in a file. @throws when it holds no whole number of rows, or too few */
export function ownRows(file: string, d: number): number {
  const rows = statSync(file).size / (4 * d);
  if (!Number.isInteger(rows) || rows < 1_000 + ownQueries) {
    throw new Error(
      `--vectors: expected at least ${1_000 + ownQueries} rows of ${d} float32 values, got ${rows} in ${file}`,
    );
  }
  return rows;
}

/** The first `n` rows, and the last ones as questions. */
export function ownData(file: string, n: number, d: number): VectorData {
  const read = (first: number, count: number) => {
    const values = new Float32Array(count * d);
    const handle = openSync(file, 'r');
    try {
      readSync(handle, values, 0, values.byteLength, first * d * 4);
    } finally {
      closeSync(handle);
    }
    return values;
  };
  const last = read(ownRows(file, d) - ownQueries, ownQueries);
  const queries = Array.from({ length: ownQueries }, (_, i) => last.slice(i * d, (i + 1) * d));
  return { rows: read(0, n), queries };
}
