// Keeps writes to a server in the order they were asked for, where the order matters; vectordb/ alone imports it.
import { BusyError } from '../../core/errors.js';

/** What a write changes: some ids, or everything, of a scope, or of all scopes. */
export interface Touched {
  readonly scope?: string | undefined;
  readonly ids?: ReadonlySet<string> | undefined;
}

interface Pending {
  readonly touched: Touched;
  readonly settled: Promise<unknown>;
}

/** Writes that touch the same documents follow one another; all others run side by side. */
export class WriteOrder {
  readonly #pending = new Set<Pending>();
  readonly #name: string;
  readonly #most: number;

  /** `most`: writes at a time, waiting ones included. */
  constructor(name: string, most: number) {
    this.#name = name;
    this.#most = most;
  }

  /** Runs the work once every earlier write that touches the same has settled. @throws {BusyError} ERR_LLM_CACHE_BUSY */
  async run<T>(touched: Touched, work: () => Promise<T>): Promise<T> {
    if (this.#pending.size >= this.#most) throw new BusyError(this.#name, this.#most);
    const earlier = [...this.#pending].filter((each) => overlap(each.touched, touched));
    const result = earlier.length === 0 ? work() : settled(earlier).then(work);
    const pending = { touched, settled: result };
    this.#pending.add(pending);
    try {
      return await result;
    } finally {
      this.#pending.delete(pending);
    }
  }

  /** Resolves when all writes asked for so far have settled. */
  async idle(): Promise<void> {
    await settled([...this.#pending]);
  }
}

function settled(writes: readonly Pending[]): Promise<unknown> {
  return Promise.allSettled(writes.map((write) => write.settled));
}

function overlap(a: Touched, b: Touched): boolean {
  if (a.scope !== undefined && b.scope !== undefined && a.scope !== b.scope) return false;
  if (a.ids === undefined || b.ids === undefined) return true;
  const [few, many] = a.ids.size < b.ids.size ? [a.ids, b.ids] : [b.ids, a.ids];
  for (const id of few) if (many.has(id)) return true;
  return false;
}
