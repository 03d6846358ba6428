// How something that may fail or hang is doing, and whether it is asked: time limit, breaker and counts of each call. For guard.ts and the corpus of a service.
import { type Clock, systemClock } from '../core/clock.js';
import {
  BusyError,
  CacheError,
  CapacityError,
  ClosedError,
  CodecError,
  InvalidArgumentError,
  TierError,
  type TierFault,
  TierOpenError,
  TierTimeoutError,
} from '../core/errors.js';
import { Counters } from '../core/stats.js';
import { isPromise, type MaybePromise } from '../core/tier.js';
import { Breaker, type Ticket } from './breaker.js';

/** When it is left alone, and how often it is asked whether it is back. */
export interface WatchOptions {
  /** Failures in a row that open the breaker. Default 3. */
  readonly failures?: number | undefined;
  /** Milliseconds until one probe is let through, doubling while probes fail; each is cut by up to half at random. Default 250. */
  readonly probeAfterMs?: number | undefined;
  /** Milliseconds between two probes at most, and that a probe may take. Default 1,000. */
  readonly longestProbeMs?: number | undefined;
  /** Called when it is given up and when it is back. */
  readonly onChange?: ((health: TierHealth) => void) | undefined;
  readonly clock?: Clock | undefined;
}

/** What became of the calls to a tier. */
export type GuardCount =
  | 'errors'
  | 'timeouts'
  | 'corrupt'
  /** Calls kept from a tier that is lost. */
  | 'notAsked'
  | 'writeErrors'
  /** Times that the tier was given up. */
  | 'opened'
  /** Calls let through to find out whether it is back. */
  | 'probes'
  /** Failures of reads and writes by their kind. */
  | Exclude<TierFault, 'timeout' | 'open' | 'other'>;

/** How a tier is doing. */
export interface TierHealth {
  readonly tier: string;
  /** `lost` while the breaker is open or probing. */
  readonly state: 'ok' | 'lost';
  /** Wall-clock milliseconds of the last change; undefined before the first. */
  readonly sinceMs: number | undefined;
  /** Message of the latest failure. */
  readonly lastError: string | undefined;
  readonly counts: Readonly<Record<string, number>>;
}

/** One call of what is watched. */
export interface Call<T> {
  readonly operation: string;
  readonly limitMs: number;
  readonly isWrite: boolean;
  readonly run: () => MaybePromise<T>;
}

/** Watches one tier or database. A call that is answered synchronously pays nothing but a `try`. */
export class Watch {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #longestProbeMs: number;
  readonly #breaker: Breaker;
  readonly #counts = new Counters<GuardCount>();
  #lost = false;
  #sinceMs: number | undefined;
  #lastError: string | undefined;

  constructor(name: string, options: WatchOptions = {}) {
    const { failures = 3, probeAfterMs = 250, longestProbeMs = 1_000, clock = systemClock } = options;
    this.#name = name;
    this.#clock = clock;
    this.#longestProbeMs = longestProbeMs;
    const turn = (lost: boolean) => {
      this.#lost = lost;
      this.#sinceMs = clock.wall();
      try {
        options.onChange?.(this.health());
      } catch (error) {
        // Who listens must not fail who asks.
        process.emitWarning(error as Error);
      }
    };
    this.#breaker = new Breaker({
      failures,
      probeAfterMs,
      longestProbeMs,
      clock,
      onProbe: () => this.#counts.add('probes'),
      onOpen: () => {
        this.#counts.add('opened');
        turn(true);
      },
      onClose: () => turn(false),
    });
  }

  /** How it is now. */
  health(): TierHealth {
    return {
      tier: this.#name,
      state: this.#lost ? 'lost' : 'ok',
      sinceMs: this.#sinceMs,
      lastError: this.#lastError,
      counts: this.#counts.all(),
    };
  }

  /** Adds one to a count. */
  add(count: GuardCount): void {
    this.#counts.add(count);
  }

  /** Asks unless it is lost. @throws {CacheError} of any kind, thrown or rejected with: what comes of `run`, TierTimeoutError, TierOpenError. */
  ask<T>(call: Call<T>): MaybePromise<T> {
    const ticket = this.#breaker.admit();
    if (ticket === undefined) throw new TierOpenError(this.#name, call.operation);
    const isProbe = !this.#breaker.isClosed;
    let result: MaybePromise<T>;
    try {
      result = call.run();
    } catch (error) {
      const fault = this.#translate(call.operation, error);
      this.#countKind(fault);
      if (isProbe) this.#judge(fault, call, ticket);
      throw fault;
    }
    if (isPromise(result)) {
      // Nobody else is let through before a probe is over, and a write may have seconds to spare.
      const limitMs = isProbe ? Math.min(call.limitMs, this.#longestProbeMs) : call.limitMs;
      return this.#limit(result, { ...call, limitMs }, ticket);
    }
    if (isProbe) this.#breaker.succeeded(ticket);
    return result;
  }

  #limit<T>(work: Promise<T>, call: Call<T>, ticket: Ticket): Promise<T> {
    const { operation, limitMs } = call;
    return new Promise((resolve, reject) => {
      let settled = false;
      const fail = (error: unknown) => {
        if (settled) return;
        settled = true;
        cancel();
        const fault = this.#translate(operation, error);
        this.#countKind(fault);
        // Before anybody is told: who asks again at once finds the breaker as the failure left it.
        this.#judge(fault, call, ticket);
        reject(fault);
      };
      const expire = () => fail(new TierTimeoutError(this.#name, operation, limitMs));
      const cancel = this.#clock.after(limitMs, expire);
      work.then((value) => {
        if (settled) return;
        settled = true;
        cancel();
        this.#breaker.succeeded(ticket);
        resolve(value);
      }, fail);
    });
  }

  /** What a failure says about the tier as such. */
  #judge(fault: CacheError, { isWrite }: { isWrite: boolean }, ticket: Ticket): void {
    if (!isTierFault(fault)) {
      this.#breaker.succeeded(ticket);
      return;
    }
    this.#lastError = fault.message;
    // A server that takes no writes may go on answering reads: a read shall tell.
    if (isWrite && this.#breaker.isClosed && fault instanceof TierError && refusals.has(fault.kind)) return;
    this.#breaker.failed(ticket);
  }

  #translate(operation: string, error: unknown): CacheError {
    if (error instanceof CacheError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new TierError(this.#name, operation, reason, { cause: error });
  }

  /** Counts a failure whose caller goes without. */
  count(fault: CacheError): void {
    if (fault instanceof TierOpenError) {
      this.#counts.add('notAsked');
      return;
    }
    this.#lastError = fault.message;
    if (fault instanceof CodecError) this.#counts.add('corrupt');
    else if (!(fault instanceof TierTimeoutError)) this.#counts.add('errors');
  }

  #countKind(fault: CacheError): void {
    if (!(fault instanceof TierError)) return;
    if (fault.kind === 'timeout') this.#counts.add('timeouts');
    else if (isCounted(fault.kind)) this.#counts.add(fault.kind);
  }
}

/** Faults of the tier as such; a bad record, a full disk or a caller's mistake must not keep others from reading. */
function isTierFault(error: Error): boolean {
  const others = [CodecError, CapacityError, BusyError, ClosedError, InvalidArgumentError];
  return !others.some((kind) => error instanceof kind);
}

/** What a server answers that is there and does not do what it was told. */
const refusals: ReadonlySet<TierFault> = new Set(['permission', 'config', 'busy', 'moved', 'full']);

/** Those that no other count tells. */
function isCounted(kind: TierFault): kind is Exclude<TierFault, 'timeout' | 'open' | 'other'> {
  return kind === 'connection' || refusals.has(kind);
}
