// A clock that moves only when a test says so. Tests may import it; the subpath ./testing exports it.
import type { Clock } from '../core/clock.js';

/** Time in the hands of a test. */
export interface ManualClock extends Clock {
  /** Moves both clocks forward by `ms` milliseconds and runs the timers that become due, in order, each at its own time. */
  advance(ms: number): void;
  /** Makes the wall clock jump by `ms` milliseconds, back if negative; timers and `mono` do not notice. */
  jump(ms: number): void;
  /** Timers waiting. */
  readonly timers: number;
}

/** How a `ManualClock` starts. */
export interface ManualClockOptions {
  /** First reading of the wall clock in milliseconds since 1970. Default: an instant in 2026. */
  readonly wallMs?: number | undefined;
  /** First reading of the monotonic clock in milliseconds. Default 0. */
  readonly monoMs?: number | undefined;
}

/** Makes a clock that stands still until it is advanced. */
export function manualClock({
  wallMs = 1_770_000_000_000,
  monoMs = 0,
}: ManualClockOptions = {}): ManualClock {
  let mono = monoMs;
  let offset = wallMs - monoMs;
  const timers = new Set<{ readonly at: number; readonly action: () => void }>();
  const nextDue = (end: number) => {
    let next: { readonly at: number; readonly action: () => void } | undefined;
    for (const timer of timers)
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
    return next;
  };
  return {
    mono: () => mono,
    wall: () => mono + offset,
    after(delayMs, action) {
      const timer = { at: mono + Math.max(0, delayMs), action };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const end = mono + ms;
      for (let timer = nextDue(end); timer !== undefined; timer = nextDue(end)) {
        timers.delete(timer);
        mono = Math.max(mono, timer.at);
        timer.action();
      }
      mono = end;
    },
    jump(ms) {
      offset += ms;
    },
    get timers() {
      return timers.size;
    },
  };
}
