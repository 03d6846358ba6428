// Sends batches of writes to the writer thread and settles with their commits. For disk/ alone.
import { Worker } from 'node:worker_threads';
import { BusyError, CapacityError, ClosedError, DirectoryError } from '../core/errors.js';

/** One change within a batch. Keys and values are in memory of their own. */
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

/** What the writer thread answers. */
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
    return this.#ask((id): Batch => ({ id, operations, condition }));
  }

  /** Zeroes what is deleted, after the writes before it: true, or false while a reader still sees it. @throws as `write` */
  scrub(): Promise<boolean> {
    return this.#ask((id): Scrub => ({ id, scrub: true }));
  }

  /** Lets what was written before finish, then ends the thread. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#worker?.ref();
    this.#worker?.postMessage('close');
    await this.#exited;
  }

  #ask(message: (id: number) => Batch | Scrub): Promise<boolean> {
    if (this.#closed) return Promise.reject(new ClosedError('the disk environment'));
    if (this.#pending.size >= mostPending)
      return Promise.reject(new BusyError('the disk writer', mostPending));
    const worker = this.#start();
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage(message(id));
    });
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('./writer-worker.js', import.meta.url), {
      workerData: { directory: this.#directory },
      execArgv: [],
    });
    worker.unref();
    let failure: Error | undefined;
    worker.on('message', (outcome: Outcome) => this.#settle(outcome));
    worker.on('error', (error) => {
      failure = error;
    });
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#worker = undefined;
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
    if (this.#pending.size === 0 && !this.#closed) this.#worker?.unref();
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
