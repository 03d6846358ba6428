// Single flight: concurrent callers of one key share one piece of work. Any folder may import it.

interface Running<V> {
  readonly result: Promise<V>;
  readonly abort: AbortController;
  waiting: number;
}

/** Joins concurrent equal work. A caller may leave by its signal; the work is aborted when the last caller has left. */
export class Flight<V> {
  readonly #running = new Map<string, Running<V>>();

  /** Pieces of work under way. */
  get size(): number {
    return this.#running.size;
  }

  /** True while work runs under the key. */
  has(key: string): boolean {
    return this.#running.has(key);
  }

  /**
   * Runs `work` under `key`, or joins the run under way. A failed run is not remembered: all who wait see its error, the next
   * caller starts anew.
   * @throws the signal's reason when `signal` is aborted first, or whatever `work` throws.
   */
  run(key: string, work: (signal: AbortSignal) => Promise<V>, signal?: AbortSignal): Promise<V> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    let running = this.#running.get(key);
    if (running === undefined) {
      const abort = new AbortController();
      const result = work(abort.signal).finally(() => {
        if (this.#running.get(key)?.abort === abort) this.#running.delete(key);
      });
      result.catch(() => {});
      running = { result, abort, waiting: 0 };
      this.#running.set(key, running);
    }
    running.waiting++;
    return signal === undefined ? running.result : this.#leaveOnAbort(key, running, signal);
  }

  #leaveOnAbort(key: string, running: Running<V>, signal: AbortSignal): Promise<V> {
    return new Promise<V>((resolve, reject) => {
      const leave = () => {
        reject(signal.reason);
        if (--running.waiting > 0) return;
        if (this.#running.get(key) === running) this.#running.delete(key);
        running.abort.abort(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      running.result.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    });
  }
}
