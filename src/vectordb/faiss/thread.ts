// The one thread of this process in which faiss runs, shared by all its databases; faiss.ts and rows.ts import it.
import { ClosedError, MissingPackageError, TierError } from '../../core/errors.js';
import { WorkerPool } from '../../workers/pool.js';
import type { FaissReply, FaissRequest } from './protocol.js';

type Pool = WorkerPool<FaissRequest, FaissReply>;

const worker = new URL('./worker.js', import.meta.url);

let users = 0;
let pool: Pool | undefined;
let turn: Promise<unknown> = Promise.resolve();

/**
 * A share in the thread. There is one a process because faiss-node 0.5.1 keeps its classes in static memory: loaded in two threads at
 * a time it ends the process. So nothing else in the process may load faiss-node, nor open a faiss database in a thread of its own.
 */
export class FaissThread {
  #released: Promise<void> | undefined;

  /** Starts the thread if need be. @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when faiss-node cannot be loaded */
  static async acquire(): Promise<FaissThread> {
    users++;
    const thread = new FaissThread();
    try {
      await inTurn(async () => {
        pool ??= open();
      });
      const reply = await thread.ask({ kind: 'load' });
      if (reply.kind === 'missing') {
        const feature =
          'a faiss database (faiss-node can be compiled against the faiss of the system where its own library cannot be had: docs/stores.md)';
        throw new MissingPackageError('faiss-node', feature, { cause: new Error(reply.reason) });
      }
      return thread;
    } catch (error) {
      await thread.release();
      throw error;
    }
  }

  /** Rejects as `WorkerPool.run`, with `ClosedError` once released; failures are `TierError`s. */
  async ask(request: FaissRequest, signal?: AbortSignal): Promise<FaissReply> {
    if (pool === undefined || this.#released) throw new ClosedError('the vector database');
    return pool.run(request, { signal });
  }

  /** Ends the thread with its last user. Idempotent. */
  release(): Promise<void> {
    this.#released ??= this.#leave();
    return this.#released;
  }

  #leave(): Promise<void> {
    users--;
    // The next thread must not start before this one has ended.
    return inTurn(async () => {
      if (users > 0) return;
      const last = pool;
      pool = undefined;
      await last?.close();
    });
  }
}

function inTurn(action: () => Promise<void>): Promise<void> {
  const done = turn.then(action);
  turn = done.catch(() => {});
  return done;
}

function open(): Pool {
  return new WorkerPool({
    name: 'faiss',
    worker,
    workers: 1,
    failure: (reason, cause) => new TierError('faiss', 'index', reason, { cause }),
  });
}
