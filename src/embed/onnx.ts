// The embedder that runs an ONNX model from a folder in worker threads; imported by the composition root.
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../core/clock.js';
import type { Embedder, Embedding } from '../core/embedder.js';
import { ConfigError, EmbedError, InvalidArgumentError } from '../core/errors.js';
import { WorkerPool, type WorkerPoolStats } from '../workers/pool.js';
import { digestsOf, filesIn, fingerprintOf, shareWeights } from './model-files.js';
import { readOutputDimension } from './onnx-file.js';
import {
  MAX_CHARACTERS,
  type OnnxInput,
  type OnnxResult,
  type OnnxWorkerData,
  type Pooling,
} from './onnx-protocol.js';

/** How an ONNX embedder is opened. */
export interface OnnxEmbedderOptions {
  /** Folder with `model.onnx`, `tokenizer.json`, `tokenizer_config.json`. Default: the model of this package. */
  readonly directory?: string | undefined;
  /** Worker threads, each with its own copy of the weights. Default: the machine's processors, 4 at most. */
  readonly workers?: number | undefined;
  /** Most texts that wait; one more is refused with `BusyError`. Default 1,024. */
  readonly maxQueue?: number | undefined;
  /** Deadline of a text in milliseconds, waiting included. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Default `mean`. */
  readonly pooling?: Pooling | undefined;
  /** Put before every text, as some models want it (`query: `). Default none. */
  readonly prefix?: string | undefined;
  /** Most tokens that the model reads, special ones included. Default 256. */
  readonly maxTokens?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** An embedder in worker threads, with figures about them. */
export interface OnnxEmbedder extends Embedder {
  stats(): WorkerPoolStats;
}

// onnxruntime-node 1.30 reports usage to its vendor unless this is set before it starts, by the main thread: a worker's environment
// is a copy that native code does not see. Whoever wants the reports sets it to 0.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

const bundled = new URL('../../models/all-MiniLM-L6-v2/', import.meta.url);
const worker = new URL('./onnx-worker.js', import.meta.url);
const UNIT_TOLERANCE = 1e-3;
// Handing a worker several waiting texts at a time takes the way there and back out of the count (64 texts: 49 ms with 1, 44 with 4,
// 39 with 32); results of a batch come together, so it stays small.
const MAX_BATCH = 8;

/**
 * Opens the ONNX model in a folder. Reads the files once for the fingerprint, off the event loop; weights are loaded and threads
 * started by `warm()` or the first text. One text a run: in a batch the quantisation of a text would depend on its neighbours.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG when a file is missing, unreadable or no ONNX model.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when an option is out of range.
 * @throws {EmbedError} ERR_LLM_CACHE_EMBED when the file leaves the dimension open and the model cannot be run to learn it.
 */
export async function onnxEmbedder(options: OnnxEmbedderOptions = {}): Promise<OnnxEmbedder> {
  const { pooling = 'mean', prefix = '', maxTokens = 256 } = options;
  if (pooling !== 'mean' && pooling !== 'cls') {
    throw new InvalidArgumentError('pooling', '"mean" or "cls"', pooling);
  }
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 3) {
    throw new InvalidArgumentError('maxTokens', 'an integer of at least 3', maxTokens);
  }
  const directory = resolve(options.directory ?? fileURLToPath(bundled));
  const name = basename(directory);
  const paths = filesIn(directory);
  const digests = await digestsOf(paths);
  const stated = await readOutputDimension(paths.model).catch((error: Error) => {
    throw new ConfigError(`model file ${paths.model}: ${error.message}`, { cause: error });
  });
  const workers = options.workers ?? Math.min(4, availableParallelism());
  const shared = shareWeights(workers);
  const workerData: OnnxWorkerData = { paths, digests, pooling, maxTokens, shared };
  const pool = new WorkerPool<OnnxInput, OnnxResult | Uint32Array>({
    name: `embedder ${name}`,
    worker,
    workers,
    workerData,
    maxQueue: options.maxQueue,
    timeoutMs: options.timeoutMs,
    maxBatch: MAX_BATCH,
    failure: (reason, cause) => new EmbedError(name, reason, { cause }),
    clock: options.clock,
  });

  const dimension = stated ?? ((await pool.run('a')) as OnnxResult).vector.length;

  function checked(result: OnnxResult): Embedding {
    const { vector } = result;
    let squares = 0;
    for (let i = 0; i < vector.length; i++) squares += (vector[i] as number) ** 2;
    // Written so that a NaN fails too.
    if (vector.length !== dimension || !(Math.abs(squares - 1) < UNIT_TOLERANCE)) {
      throw new EmbedError(
        name,
        `expected a unit vector of ${dimension} numbers, got ${vector.length} of length ${Math.sqrt(squares)}`,
      );
    }
    return result;
  }

  return {
    name,
    dimension,
    fingerprint: fingerprintOf([
      'llm-tiered-cache embedder 1',
      digests.model,
      digests.tokenizer,
      digests.tokenizerConfig,
      pooling,
      prefix,
      String(maxTokens),
      String(dimension),
    ]),
    async embed(text, { signal } = {}) {
      if (typeof text !== 'string') throw new InvalidArgumentError('text', 'a string', text);
      // One character more than is read tells the worker that there are more; the rest need not travel.
      const sent = (prefix + text).slice(0, MAX_CHARACTERS + 1);
      const digest = () => createHash('sha256').update(sent, 'utf16le').digest('hex');
      return checked((await pool.run(sent, { signal, digest })) as OnnxResult);
    },
    async countTokens(texts, { signal } = {}) {
      return (await pool.run(texts, { signal })) as Uint32Array;
    },
    async warm() {
      for (const result of await pool.runOnEach('a')) checked(result as OnnxResult);
    },
    async close() {
      await pool.close();
      if (shared) await rm(shared.directory, { recursive: true, force: true });
    },
    stats: () => pool.stats(),
  };
}
