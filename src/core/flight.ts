// Single flight: concurrent callers of one key share one piece of work. Any folder may import it.

/** One piece of work that callers share. Each may leave by its signal; the work is aborted when the last has left. */
export class Shared<V> {
  readonly result: Promise<V>;
  readonly #abort = new AbortController();
  #waiting = 0;

  constructor(work: (signal: AbortSignal) => Promise<V>) {
    this.result = work(this.#abort.signal);
    this.result.catch(() => {});
  }

  /** Nobody waits for it any more. */
  get isAbandoned(): boolean {
    return this.#abort.signal.aborted;
  }

  /** What the work gives. Without a signal the caller never leaves. Rejects with the signal's reason, or as the work. */
  join(signal?: AbortSignal): Promise<V> {
    if (signal?.aborted) {
      if (this.#waiting === 0) this.#abort.abort(signal.reason);
      return Promise.reject(signal.reason);
    }
    this.#waiting++;
    if (signal === undefined) return this.result;
    return new Promise<V>((resolve, reject) => {
      const leave = () => {
        reject(signal.reason);
        if (--this.#waiting === 0) this.#abort.abort(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.result.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    });
  }
}

/** Joins concurrent equal work by its key. */
export class Flight<V> {
  readonly #running = new Map<string, Shared<V>>();

  /** Pieces of work under way. */
  get size(): number {
    return this.#running.size;
  }

  /** True while work runs under the key. */
  has(key: string): boolean {
    return this.#ofKey(key) !== undefined;
  }

  /**
   * Runs `work` under `key`, or joins the run under way. A failed run is not remembered: all who wait see its error, the next
   * caller starts anew.
   * @throws the signal's reason when `signal` is aborted first, or whatever `work` throws.
   */
  run(key: string, work: (signal: AbortSignal) => Promise<V>, signal?: AbortSignal): Promise<V> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    let running = this.#ofKey(key);
    if (running === undefined) {
      running = new Shared(work);
      this.#running.set(key, running);
      const started = running;
      const end = () => {
        if (this.#running.get(key) === started) this.#running.delete(key);
      };
      started.result.then(end, end);
    }
    return running.join(signal);
  }

  /** What everybody has left is being given up: whoever asks from here on starts anew. */
  #ofKey(key: string): Shared<V> | undefined {
    const running = this.#running.get(key);
    if (running?.isAbandoned) this.#running.delete(key);
    return running?.isAbandoned ? undefined : running;
  }
}
