// Small files of a folder, opened and read in a thread some at a time: one by one each costs more than its embedding leaves over. For readers.ts.
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** What became of a file: its bytes' length, why it cannot be read, or that it is to be read when its turn comes. */
export type Ahead = { readonly length: number } | { readonly why: string } | 'later';

/** Files to be read. */
export interface ReadJob {
  /** Directory that none may lead out of. */
  readonly root: string;
  readonly paths: readonly string[];
  /** Larger ones are left for later. */
  readonly mostBytes: number;
}

/** What was read: the bytes of all, one behind the other. */
export interface ReadReply {
  readonly ahead: readonly Ahead[];
  readonly bytes: Uint8Array;
}

/** What the thread found of one file. */
export type Early = { readonly bytes: Uint8Array } | { readonly why: string } | 'later';

// Measured over files of 400 bytes: more at a time bring nothing.
const atOnce = 32;
const mostBytes = 65_536;

/** Reads files in the order given, one batch ahead of whoever asks. */
export class ReadAhead {
  readonly #root: string;
  readonly #paths: readonly string[];
  #worker: Worker | undefined;
  #sent = 0;
  #next: Promise<ReadReply | undefined> | undefined;
  #early: Early[] = [];

  constructor(root: string, paths: readonly string[]) {
    this.#root = root;
    this.#paths = paths;
  }

  /** The next file; call it again only when it has settled. A thread that cannot be had leaves all for later. */
  async next(): Promise<Early> {
    if (this.#early.length === 0) {
      const reply = await (this.#next ?? this.#ask());
      this.#early = reply === undefined ? [] : earlyOf(reply).reverse();
      this.#next = reply === undefined ? Promise.resolve(undefined) : this.#ask();
    }
    return this.#early.pop() ?? 'later';
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** Asks for the next batch; resolves to undefined where there is none, or no thread. */
  #ask(): Promise<ReadReply | undefined> {
    const paths = this.#paths.slice(this.#sent, this.#sent + atOnce);
    if (paths.length === 0) return Promise.resolve(undefined);
    this.#sent += paths.length;
    const worker = this.#worker ?? this.#start();
    return new Promise((resolve) => {
      const settle = (reply: ReadReply | undefined) => {
        worker.off('message', settle).off('exit', onExit);
        worker.unref();
        resolve(reply);
      };
      const onExit = () => settle(undefined);
      worker.on('message', settle).on('exit', onExit);
      worker.ref();
      worker.postMessage({ root: this.#root, paths, mostBytes } satisfies ReadJob);
    });
  }

  #start(): Worker {
    const worker = new Worker(fileURLToPath(new URL('./read-worker.js', import.meta.url)), { execArgv: [] });
    // Its end is told by 'exit'; an error that nobody hears would end the process.
    worker.on('error', () => {});
    this.#worker = worker;
    return worker;
  }
}

function earlyOf({ ahead, bytes }: ReadReply): Early[] {
  let at = 0;
  return ahead.map((each): Early => {
    if (typeof each !== 'object' || !('length' in each)) return each;
    at += each.length;
    return { bytes: bytes.subarray(at - each.length, at) };
  });
}
