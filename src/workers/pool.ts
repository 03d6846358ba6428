// A bounded pool of worker threads with deadlines, retries and a quarantine; the only importer of piscina. Imported by embed, vectordb and decide.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { type Clock, systemClock } from '../core/clock.js';
import { BusyError, ClosedError, InvalidArgumentError } from '../core/errors.js';
import type { Outcome } from './task.js';

/** How a `WorkerPool` is built. */
export interface WorkerPoolOptions {
  /** Shown in errors, such as `embedder all-MiniLM-L6-v2`. */
  readonly name: string;
  /** The compiled worker file; it exports `run = task(…)` of `task.ts`. */
  readonly worker: URL;
  /** Number of threads, at least 1. */
  readonly workers: number;
  /** What the worker file reads as `workerData`. */
  readonly workerData?: unknown;
  /** Most tasks that wait; one more is refused with `BusyError`. Default 1,024. */
  readonly maxQueue?: number | undefined;
  /** Deadline of a task in milliseconds, waiting included. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** A task that ran this many milliseconds hangs: its worker is replaced. Default 30,000. */
  readonly stuckMs?: number | undefined;
  /** Most tasks handed to a worker at once while many wait; results come back together. Default 1. */
  readonly maxBatch?: number | undefined;
  /** Most megabytes of JavaScript heap a worker may take before it is ended; default 512. Native memory is not counted. */
  readonly maxHeapMb?: number | undefined;
  /** Turns a failure into the error class of the pool's user. */
  readonly failure: (reason: string, cause?: unknown) => Error;
  readonly clock?: Clock | undefined;
}

/** How one task is run. */
export interface RunOptions {
  /** Rejects at once with the signal's reason. A waiting task is dropped; a running one ends unheard, its worker lives on. */
  readonly signal?: AbortSignal | undefined;
  /** Identity of the input for the quarantine; called only after a worker died. */
  readonly digest?: (() => string) | undefined;
}

/** What a pool has done; times in milliseconds. */
export interface WorkerPoolStats {
  readonly workers: number;
  readonly waiting: number;
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  /** Tasks refused because the queue was full. */
  readonly refused: number;
  /** Workers that died or were replaced because they hung. */
  readonly deaths: number;
  readonly waitP50Ms: number;
  readonly waitP95Ms: number;
  /** Time in the worker and on the way, of the whole batch a task ran in. */
  readonly runP50Ms: number;
  readonly runP95Ms: number;
}

interface Job<I, O> {
  readonly input: I;
  readonly digest: (() => string) | undefined;
  readonly queuedAt: number;
  readonly resolve: (value: O) => void;
  readonly reject: (reason: unknown) => void;
  release: () => void;
  settled: boolean;
  alone: boolean;
  deaths: number;
}

/**
 * A worker's place. It has a Piscina of one thread of its own, made anew when the thread dies: a Piscina holds the next task for
 * the replacement of a dead thread, and if that does not come up either, says nothing and holds it for ever.
 */
interface Slot<I, O> {
  piscina: Piscina<I[], Outcome<O>[]> | undefined;
}

// One death may be chance.
const DEATHS_TO_QUARANTINE = 2;
const MAX_SUSPECTS = 1024;

/**
 * Runs tasks of type `I` to results of type `O` on worker threads. Threads start with the first task; idle ones never keep the
 * process alive, running ones do.
 *
 * A task whose worker dies is run once more on another worker, so tasks must be idempotent. An input that ended two workers is
 * refused from then on. No worker is ever terminated while it computes, unless it hangs for `stuckMs`.
 */
export class WorkerPool<I, O> {
  readonly #options: WorkerPoolOptions;
  readonly #clock: Clock;
  readonly #maxQueue: number;
  readonly #timeoutMs: number;
  readonly #stuckMs: number;
  readonly #maxBatch: number;
  // Piscina's own queue stays empty: tasks must be droppable while they wait, and it ends the worker of an aborted running one.
  readonly #waiting = new Set<Job<I, O>>();
  readonly #urgent: Job<I, O>[] = [];
  readonly #suspects = new Map<string, number>();
  readonly #wait: RecordableHistogram = createHistogram();
  readonly #run: RecordableHistogram = createHistogram();
  readonly #idle: Slot<I, O>[];
  readonly #slots: readonly Slot<I, O>[];
  #running = 0;
  #completed = 0;
  #failed = 0;
  #refused = 0;
  #deaths = 0;
  #closing: Promise<void> | undefined;
  #onAllIdle: (() => void) | undefined;

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when a number is not a positive integer. */
  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#maxQueue = positiveInteger('maxQueue', options.maxQueue ?? 1024);
    this.#timeoutMs = positiveInteger('timeoutMs', options.timeoutMs ?? 30_000);
    this.#stuckMs = positiveInteger('stuckMs', options.stuckMs ?? 30_000);
    this.#maxBatch = positiveInteger('maxBatch', options.maxBatch ?? 1);
    const workers = positiveInteger('workers', options.workers);
    this.#slots = Array.from({ length: workers }, () => ({ piscina: undefined }));
    this.#idle = [...this.#slots];
  }

  /**
   * Runs one task. Rejects with `BusyError` when the queue is full, `ClosedError` after `close()`, the signal's reason, or what
   * `failure` makes of: an error in the worker, a missed deadline, a worker that died twice, an input in quarantine.
   */
  run(input: I, { signal, digest }: RunOptions = {}): Promise<O> {
    if (this.#closing) return Promise.reject(new ClosedError(this.#options.name));
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#suspects.size > 0 && digest && (this.#suspects.get(digest()) ?? 0) >= DEATHS_TO_QUARANTINE) {
      this.#failed++;
      return Promise.reject(
        this.#options.failure(`input refused: it ended ${DEATHS_TO_QUARANTINE} workers before`),
      );
    }
    if (this.#idle.length === 0 && this.#queued() >= this.#maxQueue) {
      this.#refused++;
      return Promise.reject(new BusyError(this.#options.name, this.#maxQueue));
    }
    return this.#enqueue(input, digest, signal, false);
  }

  /** Runs the task once on every worker, to get them ready. Call it while nothing runs. */
  runOnEach(input: I): Promise<O[]> {
    if (this.#closing) return Promise.reject(new ClosedError(this.#options.name));
    // All are handed out in one go, and a worker takes one at a time: each idle one gets exactly one.
    const all = Array.from({ length: this.#options.workers }, () =>
      this.#enqueue(input, undefined, undefined, true),
    );
    return Promise.all(all);
  }

  stats(): WorkerPoolStats {
    return {
      workers: this.#options.workers,
      waiting: this.#queued(),
      running: this.#running,
      completed: this.#completed,
      failed: this.#failed,
      refused: this.#refused,
      deaths: this.#deaths,
      waitP50Ms: percentileMs(this.#wait, 50),
      waitP95Ms: percentileMs(this.#wait, 95),
      runP50Ms: percentileMs(this.#run, 50),
      runP95Ms: percentileMs(this.#run, 95),
    };
  }

  /** Rejects waiting tasks with `ClosedError`, lets running ones finish, ends the threads. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    await undefined; // lets the caller's assignment of #closing happen first
    for (const job of [...this.#urgent.splice(0), ...this.#waiting]) {
      this.#fail(job, new ClosedError(this.#options.name));
    }
    if (this.#idle.length < this.#slots.length) {
      await new Promise<void>((resolve) => {
        this.#onAllIdle = resolve;
      });
    }
    await Promise.all(
      this.#slots.map(async (slot) => {
        const { piscina } = slot;
        slot.piscina = undefined;
        await piscina?.destroy();
      }),
    );
  }

  #queued(): number {
    return this.#urgent.length + this.#waiting.size;
  }

  #enqueue(
    input: I,
    digest: (() => string) | undefined,
    signal: AbortSignal | undefined,
    alone: boolean,
  ): Promise<O> {
    return new Promise<O>((resolve, reject) => {
      const job: Job<I, O> = {
        input,
        digest,
        queuedAt: this.#clock.mono(),
        resolve,
        reject,
        release: () => {},
        settled: false,
        alone,
        deaths: 0,
      };
      const cancel = this.#clock.after(this.#timeoutMs, () =>
        this.#fail(job, this.#options.failure(`no result within ${this.#timeoutMs} ms`)),
      );
      const onAbort = () => this.#fail(job, signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      job.release = () => {
        cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      this.#waiting.add(job);
      this.#dispatch();
    });
  }

  #settle(job: Job<I, O>): boolean {
    if (job.settled) return false;
    job.settled = true;
    job.release();
    this.#waiting.delete(job);
    const index = this.#urgent.indexOf(job);
    if (index >= 0) this.#urgent.splice(index, 1);
    return true;
  }

  #fail(job: Job<I, O>, reason: unknown): void {
    if (!this.#settle(job)) return;
    this.#failed++;
    job.reject(reason);
  }

  #dispatch(): void {
    while (this.#queued() > 0) {
      const slot = this.#idle.pop();
      if (!slot) return;
      this.#start(slot, this.#take());
    }
  }

  #take(): Job<I, O>[] {
    const urgent = this.#urgent.shift();
    if (urgent) return [urgent];
    // Sharing what waits evenly keeps every worker busy to the end.
    const share = Math.min(this.#maxBatch, Math.ceil(this.#waiting.size / this.#options.workers));
    const batch: Job<I, O>[] = [];
    for (const job of this.#waiting) {
      if (batch.length > 0 && job.alone) break;
      this.#waiting.delete(job);
      batch.push(job);
      if (job.alone || batch.length >= share) break;
    }
    return batch;
  }

  async #start(slot: Slot<I, O>, batch: Job<I, O>[]): Promise<void> {
    const startedAt = this.#clock.mono();
    for (const job of batch) this.#wait.record(microseconds(startedAt - job.queuedAt));
    this.#running += batch.length;
    const hung = new AbortController();
    const cancel = this.#clock.after(this.#stuckMs * batch.length, () => hung.abort());
    try {
      slot.piscina ??= this.#open(slot);
      const outcomes = await slot.piscina.run(
        batch.map((job) => job.input),
        { signal: hung.signal },
      );
      this.#run.record(microseconds(this.#clock.mono() - startedAt));
      batch.forEach((job, index) => {
        this.#deliver(job, outcomes[index]);
      });
    } catch (error) {
      this.#bury(batch, error, hung.signal.aborted);
    }
    cancel();
    this.#running -= batch.length;
    this.#idle.push(slot);
    if (this.#idle.length === this.#slots.length) this.#onAllIdle?.();
    this.#dispatch();
  }

  #deliver(job: Job<I, O>, outcome: Outcome<O> | undefined): void {
    if (outcome?.ok) {
      if (!this.#settle(job)) return;
      this.#completed++;
      job.resolve(outcome.value);
    } else {
      const reason = outcome ? outcome.message : 'the worker returned nothing';
      this.#fail(job, this.#options.failure(reason, outcome));
    }
  }

  #bury(batch: Job<I, O>[], error: unknown, hung: boolean): void {
    const [first] = batch;
    if ((error as Error | undefined)?.name === 'DataCloneError') {
      // The input never left this thread.
      for (const job of batch)
        this.#fail(job, this.#options.failure('input cannot be sent to a worker', error));
      return;
    }
    if (batch.length > 1) {
      // Any of them may be the cause: each runs alone from here on, and counts alone.
      for (const job of batch) job.alone = true;
      this.#urgent.unshift(...batch.filter((job) => !job.settled));
      return;
    }
    if (first === undefined) return;
    first.deaths++;
    this.#suspect(first);
    if (hung) {
      this.#fail(
        first,
        this.#options.failure(`hung for ${this.#stuckMs} ms; its worker was replaced`, error),
      );
    } else if (first.deaths >= DEATHS_TO_QUARANTINE || this.#closing) {
      this.#fail(first, this.#options.failure(`its worker died: ${(error as Error).message}`, error));
    } else if (!first.settled) {
      this.#urgent.unshift(first);
    }
  }

  #suspect(job: Job<I, O>): void {
    if (!job.digest) return;
    const digest = job.digest();
    const deaths = (this.#suspects.get(digest) ?? 0) + 1;
    this.#suspects.delete(digest);
    this.#suspects.set(digest, deaths);
    if (this.#suspects.size <= MAX_SUSPECTS) return;
    for (const oldest of this.#suspects.keys()) {
      this.#suspects.delete(oldest);
      break;
    }
  }

  #open(slot: Slot<I, O>): Piscina<I[], Outcome<O>[]> {
    const { worker, workerData, maxHeapMb = 512 } = this.#options;
    const piscina = new Piscina<I[], Outcome<O>[]>({
      filename: fileURLToPath(worker),
      name: 'run',
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData,
      atomics: 'sync',
      recordTiming: false,
      // Workers run compiled JavaScript: a loader given to the main program is none of theirs.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
    });
    piscina.on('workerDestroy', () => {
      if (slot.piscina !== piscina) return;
      this.#deaths++;
      slot.piscina = undefined;
      // Nothing is left to end; this keeps Piscina from starting a thread in the place of the dead one.
      void piscina.destroy();
    });
    // Sent for a thread that died without a task; 'workerDestroy' has dealt with it, but an unheard 'error' would be thrown.
    piscina.on('error', () => {});
    return piscina;
  }
}

function positiveInteger(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError(name, 'a positive integer', value);
  return value;
}

function microseconds(milliseconds: number): number {
  return Math.max(1, Math.round(milliseconds * 1000));
}

function percentileMs(histogram: RecordableHistogram, percentile: number): number {
  return histogram.count === 0 ? 0 : histogram.percentile(percentile) / 1000;
}
