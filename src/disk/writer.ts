// Sends batches of writes to the writer thread and settles with their commits. For disk/ alone.
import { Worker } from 'node:worker_threads';
import { BusyError, CapacityError, ClosedError, DirectoryError } from '../core/errors.js';
import { packBatch } from './packing.js';

/** One change within a batch. Keys and values are copied when it is written. */
export type Operation =
  | { readonly kind: 'put'; readonly database: string; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'remove'; readonly database: string; readonly key: Uint8Array }
  | { readonly kind: 'clear'; readonly database: string; readonly prefix: Uint8Array }
  | {
      /** Adds to a log: the key is the next number (8 bytes, big-endian), given within the transaction, so logs have no gaps and no ties. */
      readonly kind: 'append';
      readonly database: string;
      readonly value: Uint8Array;
      /** The number is at least this. */
      readonly least: number;
      /** The oldest go above this many. */
      readonly most: number;
    }
  | {
      readonly kind: 'sweep';
      readonly database: string;
      readonly expiries: string;
      readonly nowMs: number;
      /** Most records looked at. */
      readonly most: number;
      /** Above this many bytes, entries that expire soonest go although they are alive. */
      readonly maxBytes: number;
    };

/** Changes that are committed together or not at all. */
export interface Batch {
  readonly id: number;
  readonly operations: readonly Operation[];
  readonly condition?: Condition | undefined;
}

/** Asks for zeros where deleted data still lies. */
export interface Scrub {
  readonly id: number;
  readonly scrub: true;
}

/** A batch is skipped when the key is present; with a value, unless the key holds that value. */
export interface Condition {
  readonly database: string;
  readonly key: Uint8Array;
  readonly value?: Uint8Array | undefined;
}

/** What is posted at once: batches as `packBatch` makes them. `close` comes last. */
export type Post = readonly (ArrayBuffer | Scrub | 'close')[];

/** What the writer thread answers to a batch. */
export type Outcome =
  | { readonly id: number; readonly applied: boolean; readonly error?: undefined }
  | { readonly id: number; readonly error: { readonly message: string; readonly code: string } };

interface Pending {
  readonly resolve: (applied: boolean) => void;
  readonly reject: (error: Error) => void;
}

const mostPending = 8192;
// Our own check ahead of a commit; ENOSPC, EDQUOT and EFBIG as LMDB reports them; its own "map full".
const fullCodes = new Set(['ERR_LLM_CACHE_CAPACITY', '28', '122', '27', '-30792']);

/** The writing half of an environment. The thread starts with the first write and never keeps the process alive when idle. */
export class Writer {
  readonly #directory: string;
  readonly #pending = new Map<number, Pending>();
  /** What goes to the thread with the next turn of the event loop: waking a thread costs more than packing a batch. */
  #outbox: (ArrayBuffer | Scrub | 'close')[] = [];
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  #nextId = 1;
  #closed = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Resolves when the batch is on stable storage: true, or false where the condition skipped it.
   * @throws {CapacityError} ERR_LLM_CACHE_CAPACITY when the disk is full · {BusyError} ERR_LLM_CACHE_BUSY when 8,192 batches wait
   */
  write(operations: readonly Operation[], condition?: Condition): Promise<boolean> {
    return this.#ask((id) => packBatch({ id, operations, condition }));
  }

  /** Zeroes what is deleted, after the writes before it: true, or false while a reader still sees it. @throws as `write` */
  scrub(): Promise<boolean> {
    return this.#ask((id) => ({ id, scrub: true }));
  }

  /** Lets what was written before finish, then ends the thread. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#worker !== undefined) {
      this.#worker.ref();
      this.#outbox.push('close');
      this.#post();
    }
    await this.#exited;
  }

  #ask(message: (id: number) => ArrayBuffer | Scrub): Promise<boolean> {
    if (this.#closed) return Promise.reject(new ClosedError('the disk environment'));
    if (this.#pending.size >= mostPending)
      return Promise.reject(new BusyError('the disk writer', mostPending));
    const worker = this.#start();
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      // First, because it may throw.
      const packed = message(id);
      this.#pending.set(id, { resolve, reject });
      worker.ref();
      if (this.#outbox.push(packed) === 1) setImmediate(() => this.#post());
    });
  }

  #post(): void {
    const post: Post = this.#outbox;
    if (post.length === 0) return;
    this.#outbox = [];
    this.#worker?.postMessage(
      post,
      post.filter((each) => each instanceof ArrayBuffer),
    );
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('./writer-worker.js', import.meta.url), {
      workerData: { directory: this.#directory },
      execArgv: [],
    });
    worker.unref();
    let failure: Error | undefined;
    worker.on('message', (outcomes: readonly Outcome[]) => {
      for (const outcome of outcomes) this.#settle(outcome);
      if (this.#pending.size === 0 && !this.#closed) this.#worker?.unref();
    });
    worker.on('error', (error) => {
      failure = error;
    });
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#worker = undefined;
        this.#outbox = [];
        this.#failAll(failure);
        resolve();
      });
    });
    this.#worker = worker;
    return worker;
  }

  #settle(outcome: Outcome): void {
    const pending = this.#pending.get(outcome.id);
    this.#pending.delete(outcome.id);
    if (pending === undefined) return;
    if (outcome.error === undefined) pending.resolve(outcome.applied);
    else pending.reject(this.#translate(outcome.error));
  }

  #translate({ message, code }: { message: string; code: string }): Error {
    return fullCodes.has(code) ? new CapacityError(message) : new DirectoryError(this.#directory, message);
  }

  #failAll(cause: Error | undefined): void {
    for (const pending of this.#pending.values()) {
      pending.reject(
        new DirectoryError(this.#directory, 'the writer thread ended before the write', { cause }),
      );
    }
    this.#pending.clear();
  }
}
