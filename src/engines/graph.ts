// A graph that never changes: built by a worker thread, loaded from the file it wrote, searched here. For engines/ alone.
import { createHash } from 'node:crypto';
import { createReadStream, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';
import { CapacityError, ClosedError, NativeError } from '../core/errors.js';
import type { Neighbour } from './engine.js';
import { type GraphJob, type GraphParameters, type GraphReport, type GraphRows, halts } from './graph-job.js';
import type { Hnswlib, HnswlibIndex } from './hnswlib.js';

/** A finished graph. */
export interface Built {
  readonly graph: Graph;
  readonly orphans: readonly number[];
}

// hnswlib's 65,536 label locks of 40 bytes.
const fixedBytes = 65_536 * 40;
// A row's lock, level, label with its hash node and bucket, pointer to upper links, and mark of a visit.
const rowOverheadBytes = 40 + 4 + 48 + 8 + 2;
/** Bytes of a row of the table of segments that stands beside graphs, measured on Node 20. */
export const homeBytes = 48;

// Many equal vectors fall apart into islands: a graph of them is worth nothing.
const greatestOrphanShare = 0.05;

/** Bytes of a graph over `count` rows: vectors, links of level 0, the expected links above it, and bookkeeping. */
export function graphBytes(
  count: number,
  { dimension, M }: Pick<GraphParameters, 'dimension' | 'M'>,
): number {
  const links = 4 * (2 * M + 1) + (4 * (M + 1)) / (M - 1);
  return Math.round(fixedBytes + count * (4 * dimension + 8 + links + rowOverheadBytes));
}

/** A graph over the rows of one partition at one moment. */
export class Graph {
  /** Rows of segments up to this generation were built in. */
  readonly generation: number;
  /** Rows, those included that have gone since. */
  readonly count: number;
  readonly bytes: number;
  readonly #index: HnswlibIndex;
  readonly #parameters: GraphParameters;

  constructor(index: HnswlibIndex, count: number, generation: number, parameters: GraphParameters) {
    this.#index = index;
    this.#parameters = parameters;
    this.count = count;
    this.generation = generation;
    this.bytes = graphBytes(count, parameters);
  }

  /**
   * At least `want` living rows, nearest first, or all that can be walked to. `living` of the graph's rows are alive. The walk
   * widens with the share of dead rows, and when they crowd out the living ones.
   */
  search(vector: Float32Array, want: number, living: number, alive: (id: number) => boolean): Neighbour[] {
    const query = Array.from(vector);
    const widening = this.count / living;
    this.#index.setEf(Math.min(this.count, Math.ceil(this.#parameters.efSearch * widening)));
    let ask = living === this.count ? want : Math.min(this.count, Math.ceil(want * widening) + 8);
    for (;;) {
      const { neighbors, distances } = this.#index.searchKnn(query, ask);
      const found: Neighbour[] = [];
      for (const [at, id] of neighbors.entries()) {
        if (alive(id)) found.push({ id, similarity: this.#similarity(distances[at] as number) });
      }
      if (found.length >= want || ask >= this.count) return found;
      ask = Math.min(this.count, ask * 4);
    }
  }

  /** A copy of a row, of unit length if the space is `cosine`. About 20 microseconds at dimension 384. */
  read(id: number): Float32Array {
    return Float32Array.from(this.#index.getPoint(id));
  }

  /** Gives the memory back now: the collector does not know how much hangs on the object. */
  free(): void {
    this.#index.initIndex(1, 2, 1, 0);
  }

  #similarity(distance: number): number {
    const similarity = this.#parameters.space === 'l2' ? 1 - distance / 2 : 1 - distance;
    return Math.min(1, Math.max(-1, similarity));
  }
}

// Writing a graph of a million rows takes a few seconds.
const exitPatienceMs = 10_000;

/** One graph in the making. The thread does not keep the process alive unless `ref` was called. */
export class Build {
  readonly #halt = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #worker: Worker | undefined;
  #stopped = false;
  #referenced = false;

  /**
   * hnswlib's loader trusts its input, so it is given nothing but the file that our own worker wrote into a directory that only
   * this user can enter, and whose SHA-256 the worker told.
   * @throws {NativeError} ERR_LLM_CACHE_NATIVE · {CapacityError} ERR_LLM_CACHE_CAPACITY when memory would not suffice, for hnswlib
   * ends the process then · {ClosedError} ERR_LLM_CACHE_CLOSED after `stop`
   */
  async run(
    library: Hnswlib,
    parameters: GraphParameters,
    rows: GraphRows,
    generation: number,
  ): Promise<Built> {
    const count = rows.ids.length;
    // The worker's graph and ours stand at the same time for a moment.
    const needed = 2 * graphBytes(count, parameters);
    if (needed > process.availableMemory()) throw new CapacityError(`a graph of ${count} rows`);
    const directory = await mkdtemp(join(tmpdir(), 'llm-cache-graph-'));
    const onExit = () => {
      this.#leave();
      rmSync(directory, { recursive: true, force: true });
    };
    process.once('exit', onExit);
    try {
      const path = join(directory, 'graph');
      const { sha256, orphans } = await this.#work({ ...parameters, ...rows, path, halt: this.#halt });
      if (orphans.length > count * greatestOrphanShare) {
        throw new NativeError(
          `a graph is of no use: ${orphans.length} of its ${count} rows are not found in it; perhaps too many are equal`,
        );
      }
      const hash = createHash('sha256');
      await pipeline(createReadStream(path), hash);
      if (hash.digest('hex') !== sha256) throw new NativeError(`${path} is not what the worker wrote`);
      const index = new library(parameters.space, parameters.dimension);
      await index.readIndex(path);
      return { graph: new Graph(index, count, generation, parameters), orphans };
    } finally {
      process.off('exit', onExit);
      await rm(directory, { recursive: true, force: true });
    }
  }

  ref(): void {
    this.#referenced = true;
    this.#worker?.ref();
  }

  /** Ends the thread as soon as it is out of hnswlib, within milliseconds unless it writes its file; `run` rejects. */
  stop(): void {
    this.#stopped = true;
    // Whoever waits for its end is answered even when nothing else keeps the process alive.
    this.#worker?.ref();
    Atomics.compareExchange(this.#halt, 0, halts.running, halts.asked);
  }

  /** Waits at the end of the process, which terminates its threads, until this one is out of hnswlib. */
  #leave(): void {
    if (this.#worker === undefined) return;
    this.stop();
    Atomics.wait(this.#halt, 0, halts.asked, exitPatienceMs);
  }

  #work(job: GraphJob): Promise<GraphReport> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return reject(new ClosedError('the engine'));
      const worker = new Worker(new URL('./graph-worker.js', import.meta.url), {
        workerData: job,
        execArgv: [],
      });
      this.#worker = worker;
      if (!this.#referenced) worker.unref();
      let report: GraphReport | undefined;
      let failure: Error | undefined;
      worker.on('message', (message: GraphReport) => {
        report = message;
      });
      worker.on('error', (error) => {
        failure = error;
      });
      // Only now is the memory of its graph free.
      worker.on('exit', () => {
        this.#worker = undefined;
        if (report !== undefined && failure === undefined) resolve(report);
        else if (this.#stopped) reject(new ClosedError('the engine'));
        else reject(new NativeError('the thread that builds graphs ended early', { cause: failure }));
      });
    });
  }
}
