// Builds one graph in a thread of its own and writes it to a private file. Started by graph.ts, imported by nobody.
import { createHash } from 'node:crypto';
import { createReadStream, writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parentPort, workerData } from 'node:worker_threads';
// Lowers the priority of this thread.
import '../workers/task.js';
import { type GraphJob, type GraphReport, halts } from './graph-job.js';
import { loadHnswlib } from './hnswlib.js';

const { dimension, M, efConstruction, efSearch, space, seed, ids, vectors, path, halt } =
  workerData as GraphJob;
// More than float32 loses in the product of a row with itself, less than tells two questions apart.
const likeness = 1e-5;
const rowOf = (at: number) => Array.from(vectors.subarray(at * dimension, (at + 1) * dimension));

const isHalted = () => Atomics.load(halt, 0) === halts.asked;

async function build(): Promise<GraphReport | undefined> {
  const library = await loadHnswlib();
  const index = new library(space, dimension);
  index.initIndex(ids.length, M, efConstruction, seed);
  for (const [at, id] of ids.entries()) {
    if (isHalted()) return undefined;
    index.addPoint(rowOf(at), id);
  }

  // A row is an orphan when a search for its very vector comes upon neither it nor its like.
  index.setEf(efSearch);
  const orphans: number[] = [];
  for (const at of ids.keys()) {
    if (isHalted()) return undefined;
    const row = rowOf(at);
    const { distances } = index.searchKnn(row, 1);
    // By inner product a row that is a little short of unit length is that far from itself.
    const own = space === 'ip' ? 1 - row.reduce((sum, value) => sum + value * value, 0) : 0;
    if ((distances[0] ?? Number.POSITIVE_INFINITY) > own + likeness) orphans.push(at);
  }

  writeFileSync(path, '', { mode: 0o600, flag: 'wx' });
  index.writeIndexSync(path);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { sha256: hash.digest('hex'), orphans };
}

try {
  const report = await build();
  if (report !== undefined) parentPort?.postMessage(report);
} finally {
  Atomics.store(halt, 0, halts.left);
  Atomics.notify(halt, 0);
}
