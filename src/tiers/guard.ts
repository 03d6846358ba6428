// A tier around a tier that turns failure and slowness into counted misses. open.ts and ./testing import it.
import { type Clock, systemClock } from '../core/clock.js';
import type { Candidate, Entry, Key } from '../core/entry.js';
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
import type { Scope } from '../core/scope.js';
import { Counters } from '../core/stats.js';
import { isPromise, type MaybePromise, type SetOptions, type Tier, type TierSize } from '../core/tier.js';
import { Breaker, type Ticket } from './breaker.js';

/** How much a tier may cost before it is left alone. */
export interface GuardOptions {
  /** Milliseconds a read may take. Default 50. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds a write may take. Default 5,000. */
  readonly writeTimeoutMs?: number | undefined;
  /** Failures in a row that open the breaker. Default 3. */
  readonly failures?: number | undefined;
  /** Milliseconds until one probe is let through, doubling while probes fail; each is cut by up to half at random. Default 250. */
  readonly probeAfterMs?: number | undefined;
  /** Milliseconds between two probes at most, and that a probe may take. Default 1,000. */
  readonly longestProbeMs?: number | undefined;
  /** Reads throw instead of missing: for tests and debugging. Default false. */
  readonly strict?: boolean | undefined;
  /** Called when the tier is given up and when it is back. */
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

/** A guarded tier: the same face, and its health. Reads miss instead of throwing; writes throw. */
export interface GuardedTier extends Tier {
  health(): TierHealth;
}

/** One call of a tier. */
interface Call<T> {
  readonly operation: string;
  readonly limitMs: number;
  readonly isWrite: boolean;
  readonly run: () => MaybePromise<T>;
}

/** Wraps a tier. A tier that answers synchronously pays nothing but a `try`. */
export function guard(tier: Tier, options: GuardOptions = {}): GuardedTier {
  return new Guard(tier, options);
}

class Guard implements GuardedTier {
  readonly name: string;
  readonly shared: boolean;
  readonly near?: NonNullable<Tier['near']>;
  readonly touch?: NonNullable<Tier['touch']>;
  readonly #tier: Tier;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #writeTimeoutMs: number;
  readonly #strict: boolean;
  readonly #longestProbeMs: number;
  readonly #breaker: Breaker;
  readonly #counts = new Counters<GuardCount>();
  #lost = false;
  #sinceMs: number | undefined;
  #lastError: string | undefined;

  constructor(tier: Tier, options: GuardOptions) {
    const { timeoutMs = 50, writeTimeoutMs = 5_000, failures = 3 } = options;
    const { probeAfterMs = 250, longestProbeMs = 1_000 } = options;
    this.name = tier.name;
    this.shared = tier.shared ?? false;
    this.#tier = tier;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = timeoutMs;
    this.#writeTimeoutMs = writeTimeoutMs;
    this.#strict = options.strict ?? false;
    this.#longestProbeMs = longestProbeMs;
    const turn = (lost: boolean) => {
      this.#lost = lost;
      this.#sinceMs = this.#clock.wall();
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
      clock: this.#clock,
      onProbe: () => this.#counts.add('probes'),
      onOpen: () => {
        this.#counts.add('opened');
        turn(true);
      },
      onClose: () => turn(false),
    });
    if (tier.near) this.near = (vector, scope, k) => this.#near(vector, scope, k);
    if (tier.touch) {
      this.touch = (key) => {
        try {
          tier.touch?.(key);
        } catch {
          // Only the order in which entries are dropped depends on it.
        }
      };
    }
  }

  get(key: Key, scope: Scope): MaybePromise<Entry | undefined> {
    return this.#read<Entry | undefined>('get', undefined, () => this.#tier.get(key, scope));
  }

  set(entry: Entry, options?: SetOptions): MaybePromise<boolean> {
    return this.#write('set', () => this.#tier.set(entry, options));
  }

  delete(key: Key, scope: Scope): MaybePromise<boolean> {
    return this.#write('delete', () => this.#tier.delete(key, scope));
  }

  clear(scope?: Scope): MaybePromise<void> {
    return this.#write('clear', () => this.#tier.clear(scope));
  }

  size(): MaybePromise<TierSize> {
    // Nobody's answer waits for it, and a tier may have to walk all its keys.
    return this.#read<TierSize>(
      'size',
      { entries: 0, bytes: 0 },
      () => this.#tier.size(),
      this.#writeTimeoutMs,
    );
  }

  close(): Promise<void> {
    return this.#tier.close();
  }

  health(): TierHealth {
    return {
      tier: this.name,
      state: this.#lost ? 'lost' : 'ok',
      sinceMs: this.#sinceMs,
      lastError: this.#lastError,
      counts: this.#counts.all(),
    };
  }

  #near(vector: Float32Array, scope: Scope, k: number): MaybePromise<readonly Candidate[]> {
    return this.#read<readonly Candidate[]>('near', [], () => this.#tier.near?.(vector, scope, k) ?? []);
  }

  #read<T>(operation: string, miss: T, run: Call<T>['run'], limitMs = this.#timeoutMs): MaybePromise<T> {
    const failed = (fault: CacheError): T => {
      this.#count(fault);
      if (this.#strict) throw fault;
      return miss;
    };
    try {
      const result = this.#ask({ operation, limitMs, isWrite: false, run });
      return isPromise(result) ? result.catch(failed) : result;
    } catch (error) {
      return failed(error as CacheError);
    }
  }

  #write<T>(operation: string, run: Call<T>['run']): MaybePromise<T> {
    const failed = (fault: CacheError): never => {
      this.#counts.add('writeErrors');
      throw fault;
    };
    try {
      const result = this.#ask({ operation, limitMs: this.#writeTimeoutMs, isWrite: true, run });
      return isPromise(result) ? result.catch(failed) : result;
    } catch (error) {
      return failed(error as CacheError);
    }
  }

  /** Asks the tier unless it is lost; whatever this throws or rejects with is a `CacheError`. */
  #ask<T>(call: Call<T>): MaybePromise<T> {
    const ticket = this.#breaker.admit();
    if (ticket === undefined) throw new TierOpenError(this.name, call.operation);
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
      const expire = () => fail(new TierTimeoutError(this.name, operation, limitMs));
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
    return new TierError(this.name, operation, reason, { cause: error });
  }

  #count(fault: CacheError): void {
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
