// When a lost connection is tried again: at once, then ever more seldom, at most each second; the connection imports it.
import type { Clock } from '../core/clock.js';

const shortestMs = 50;
const longestMs = 1_000;
// A refusal that only an operator mends: a wrong password tried each second locks accounts and fills logs.
const refusedMs = 15_000;
// A connection that breaks earlier counts as one more failure, so that a server which breaks each is not stormed.
const stableMs = 5_000;

/** Paces attempts from the beginning of one to the beginning of the next: one that took long has waited already. */
export class Pace {
  readonly #clock: Clock;
  #failures = 0;
  #beganMs: number;
  #readyMs: number | undefined;
  #refused = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganMs = clock.mono();
  }

  /** An attempt begins. */
  began(): void {
    this.#beganMs = this.#clock.mono();
  }

  /** The connection stands. */
  ready(): void {
    this.#readyMs = this.#clock.mono();
    this.#refused = false;
  }

  /** The attempt under way was refused for good. */
  refused(): void {
    this.#refused = true;
  }

  /** Milliseconds until the next attempt, at most 1,000, or 15,000 after a refusal for good; a quarter of it is left to chance. */
  next(): number {
    const nowMs = this.#clock.mono();
    if (this.#readyMs !== undefined && nowMs - this.#readyMs > stableMs) this.#failures = 0;
    this.#readyMs = undefined;
    const refused = this.#refused;
    this.#refused = false;
    const intervalMs = refused
      ? refusedMs
      : Math.min(longestMs, shortestMs * 2 ** Math.min(this.#failures++, 10));
    const jittered = intervalMs * (0.75 + Math.random() / 4);
    return Math.max(shortestMs / 2, jittered - (nowMs - this.#beganMs));
  }
}
