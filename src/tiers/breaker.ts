// Whether a tier is asked: always, not at all, or by one call that finds out how it is. Imported by watch.ts alone.
import type { Clock } from '../core/clock.js';

/** When a tier is given up, and how often it is asked whether it is back. */
export interface BreakerOptions {
  /** Failures in a row that open the breaker. */
  readonly failures: number;
  /** Milliseconds until the first probe, doubling while probes fail. */
  readonly probeAfterMs: number;
  /** Milliseconds between two probes at most. */
  readonly longestProbeMs: number;
  readonly clock: Clock;
  readonly onOpen: () => void;
  readonly onProbe: () => void;
  readonly onClose: () => void;
}

/** Names the state in which a call began: what it brings later counts only while that state lasts. */
export type Ticket = number;

/**
 * A circuit breaker on the monotonic clock, so that a wall clock put back never keeps a tier lost. A probe is one call; until it has
 * settled no other is let through, and a call that began before says nothing any more.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #state: 'closed' | 'open' | 'probing' = 'closed';
  #ticket: Ticket = 0;
  #failures = 0;
  #delayMs = 0;
  #probeAt = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** True while every call is let through. */
  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Lets a call through, or tells by undefined that the tier is not to be asked now. */
  admit(): Ticket | undefined {
    if (this.#state === 'closed') return this.#ticket;
    if (this.#state === 'probing' || this.#options.clock.mono() < this.#probeAt) return undefined;
    this.#turn('probing');
    this.#options.onProbe();
    return this.#ticket;
  }

  succeeded(ticket: Ticket): void {
    if (ticket !== this.#ticket) return;
    this.#failures = 0;
    if (this.#state === 'closed') return;
    this.#turn('closed');
    this.#options.onClose();
  }

  failed(ticket: Ticket): void {
    if (ticket !== this.#ticket) return;
    const { failures, probeAfterMs, longestProbeMs } = this.#options;
    const first = this.#state === 'closed';
    if (first && ++this.#failures < failures) return;
    this.#delayMs = Math.min(longestProbeMs, first ? probeAfterMs : 2 * this.#delayMs);
    // Processes that lost the same server at the same time must not all ask for it at the same time.
    this.#probeAt = this.#options.clock.mono() + this.#delayMs * (0.5 + Math.random() / 2);
    this.#turn('open');
    if (first) this.#options.onOpen();
  }

  #turn(state: 'closed' | 'open' | 'probing'): void {
    this.#state = state;
    this.#ticket++;
  }
}
