// The pair model that runs a cross-encoder from a folder in worker threads; imported by the composition root.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../core/clock.js';
import { EmbedError, InvalidArgumentError } from '../core/errors.js';
import type { PairModel } from '../core/pair-model.js';
import { WorkerPool, type WorkerPoolStats } from '../workers/pool.js';
import { digestsOf, filesIn, fingerprintOf, shareWeights } from './model-files.js';
import type { PairInput, PairWorkerData } from './pair-protocol.js';

/** How a cross-encoder is opened. */
export interface OnnxPairModelOptions {
  /**
   * Folder with `model.onnx` (one number out), and `tokenizer.json` and `tokenizer_config.json`; without these two the tokenizer of
   * all-MiniLM-L6-v2. Default: the model of this package.
   */
  readonly directory?: string | undefined;
  /** Worker threads. Default: the machine's processors, 2 at most, as a pair is two runs. */
  readonly workers?: number | undefined;
  /** Most runs that wait, two a pair; more are refused with `BusyError`. Default 256. */
  readonly maxQueue?: number | undefined;
  /** Deadline of a pair in milliseconds, waiting included. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Most tokens of a pair, special ones included; a longer pair is refused, never cut. Default 512. */
  readonly maxTokens?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** A pair model in worker threads, with figures about them. */
export interface OnnxPairModel extends PairModel {
  /** Loads the weights and starts the threads. */
  warm(): Promise<void>;
  stats(): WorkerPoolStats;
}

const models = fileURLToPath(new URL('../../models/', import.meta.url));
const worker = new URL('./pair-worker.js', import.meta.url);

// As for the embedder: onnxruntime-node reports usage to its vendor unless this is set before it starts.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

/**
 * Opens the cross-encoder in a folder. Reads the files once for the fingerprint, off the event loop; weights are loaded and threads
 * started by `warm()` or the first pair. Cost of a pair: two runs of 3 to 5 ms (25 to 40 tokens), side by side where there are two
 * threads. The score of (a, b) is that of (b, a).
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG when a file is missing or unreadable.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when an option is out of range.
 */
export async function onnxPairModel(options: OnnxPairModelOptions = {}): Promise<OnnxPairModel> {
  const { maxTokens = 512, maxQueue = 256, timeoutMs = 5_000 } = options;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 5) {
    throw new InvalidArgumentError('maxTokens', 'an integer of at least 5', maxTokens);
  }
  const directory = resolve(options.directory ?? join(models, 'same-question-MiniLM'));
  const name = basename(directory);
  const hasTokenizer = existsSync(join(directory, 'tokenizer.json'));
  const paths = filesIn(directory, hasTokenizer ? directory : join(models, 'all-MiniLM-L6-v2'));
  const digests = await digestsOf(paths);
  const workers = options.workers ?? Math.min(2, availableParallelism());
  const shared = shareWeights(workers);
  const workerData: PairWorkerData = { paths, digests, maxTokens, shared };
  const pool = new WorkerPool<PairInput, number>({
    name: `pair model ${name}`,
    worker,
    workers,
    workerData,
    maxQueue,
    timeoutMs,
    failure: (reason, cause) => new EmbedError(name, reason, { cause }),
    clock: options.clock,
  });

  function run(a: string, b: string, signal: AbortSignal | undefined): Promise<number> {
    const digest = () =>
      createHash('sha256')
        .update(JSON.stringify([a, b]))
        .digest('hex');
    return pool.run([a, b], { signal, digest });
  }

  return {
    name,
    fingerprint: fingerprintOf([
      'llm-tiered-cache pair model 1',
      digests.model,
      digests.tokenizer,
      digests.tokenizerConfig,
      String(maxTokens),
    ]),
    async score(a, b, { signal } = {}) {
      if (typeof a !== 'string') throw new InvalidArgumentError('a', 'a string', a);
      if (typeof b !== 'string') throw new InvalidArgumentError('b', 'a string', b);
      const [there, back] = await Promise.all([run(a, b, signal), run(b, a, signal)]);
      return (there + back) / 2;
    },
    async warm() {
      await pool.runOnEach(['a', 'a']);
    },
    async close() {
      await pool.close();
      if (shared) await rm(shared.directory, { recursive: true, force: true });
    },
    stats: () => pool.stats(),
  };
}
