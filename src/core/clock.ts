// Time as an argument: the only file that reads clocks or sets timers, so that tests can own time.

/** A source of time. Durations use `mono`, which never jumps; stored times use `wall`. */
export interface Clock {
  /** Milliseconds on a clock that only moves forward; its zero has no meaning. */
  mono(): number;
  /** Milliseconds since 1970-01-01 UTC; may jump. */
  wall(): number;
  /**
   * Calls `action` once after `delayMs`; the returned function cancels. Keeps the process alive until then, because somebody waits,
   * unless it is work in the `background`.
   */
  after(delayMs: number, action: () => void, options?: { readonly background?: boolean }): () => void;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  mono: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs, action, { background = false } = {}) {
    const timer = setTimeout(action, delayMs);
    if (background) timer.unref();
    return () => clearTimeout(timer);
  },
};
