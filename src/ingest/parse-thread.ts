// A thread that reads one file at a time under bounds of time and memory, and is given up with a file that breaks them. For formats.ts.
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Clock, systemClock } from '../core/clock.js';
import { IngestError, MissingPackageError } from '../core/errors.js';
import type { Titled } from './document.js';
import type { ParseAnswer, ParseJob } from './parse-protocol.js';

/** Bounds of a file. */
export interface ParseLimits {
  /** Most milliseconds it may take, default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Most bytes by which the process may grow meanwhile, default 512 MiB. */
  readonly maxGrowthBytes?: number | undefined;
  readonly clock?: Clock | undefined;
}

const heapMb = 512;
// Inflating fills some hundred megabytes a second: what grows past the bound is noticed a few megabytes later.
const watchEveryMs = 25;

/** Starts its thread with the first file. What a file does to the thread (endless loops, all memory) ends with that file. */
export class ParseThread {
  readonly #timeoutMs: number;
  readonly #maxGrowthBytes: number;
  readonly #clock: Clock;
  #worker: Worker | undefined;

  constructor({ timeoutMs = 60_000, maxGrowthBytes = 512 * 2 ** 20, clock = systemClock }: ParseLimits = {}) {
    this.#timeoutMs = timeoutMs;
    this.#maxGrowthBytes = maxGrowthBytes;
    this.#clock = clock;
  }

  /**
   * Reads a file; call it again only when it has settled. Bytes are copied on their way.
   * @throws {IngestError} ERR_LLM_CACHE_INGEST for a file that cannot be read, or not within the bounds.
   * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when the package for its format is not installed.
   */
  async parse(job: ParseJob, signal?: AbortSignal): Promise<Titled> {
    signal?.throwIfAborted();
    const answer = await this.#ask(job, signal);
    if (answer.titled !== undefined) return answer.titled;
    if (answer.missing === undefined) throw new IngestError(answer.why);
    throw new MissingPackageError(answer.missing, `reading ${job.format.toUpperCase()} files`);
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #ask(job: ParseJob, signal: AbortSignal | undefined): Promise<ParseAnswer> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const began = this.#clock.mono();
    const mostBytes = process.memoryUsage.rss() + this.#maxGrowthBytes;
    return new Promise<ParseAnswer>((resolve, reject) => {
      let cancel = () => {};
      const settle = () => {
        cancel();
        worker.unref();
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        signal?.removeEventListener('abort', onAbort);
      };
      const giveUp = (why: string) => {
        settle();
        if (this.#worker === worker) this.#worker = undefined;
        worker.terminate().then(() => resolve({ why }), reject);
      };
      const onAbort = () => {
        giveUp('');
        reject(signal?.reason);
      };
      const watch = () => {
        if (this.#clock.mono() - began > this.#timeoutMs) {
          giveUp(`not read within ${this.#timeoutMs} ms`);
        } else if (process.memoryUsage.rss() > mostBytes) {
          giveUp(`reading it takes more than ${this.#maxGrowthBytes} bytes of memory`);
        } else cancel = this.#clock.after(watchEveryMs, watch);
      };
      const onMessage = (answer: ParseAnswer) => {
        settle();
        resolve(answer);
      };
      const onError = (error: Error) => giveUp(`reading it failed: ${error.message.slice(0, 200)}`);
      const onExit = () => giveUp('reading it ended its thread');
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      signal?.addEventListener('abort', onAbort, { once: true });
      worker.ref();
      worker.postMessage(job);
      watch();
    });
  }

  #start(): Worker {
    const worker = new Worker(fileURLToPath(new URL('./parse-worker.js', import.meta.url)), {
      // A loader given to the main program is none of its own; what libraries print is nobody's concern.
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    // What it dies of once nobody waits for it is nobody's concern; the next file gets another one.
    worker
      .on('error', () => {})
      .on('exit', () => {
        if (this.#worker === worker) this.#worker = undefined;
      });
    return worker;
  }
}
