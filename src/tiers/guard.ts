// A tier around a tier that turns failure and slowness into counted misses; the only importer of cockatiel. open.ts and ./testing import it.
import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
} from 'cockatiel';
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
  TierOpenError,
  TierTimeoutError,
} from '../core/errors.js';
import type { Scope } from '../core/scope.js';
import { Counters } from '../core/stats.js';
import { isPromise, type MaybePromise, type SetOptions, type Tier, type TierSize } from '../core/tier.js';

/** How much a tier may cost before it is left alone. */
export interface GuardOptions {
  /** Milliseconds a read may take. Default 50. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds a write may take. Default 5,000. */
  readonly writeTimeoutMs?: number | undefined;
  /** Failures in a row that open the breaker. Default 3. */
  readonly failures?: number | undefined;
  /** Milliseconds until one probe is let through, doubling up to 30 seconds while probes fail. Default 500. */
  readonly probeAfterMs?: number | undefined;
  /** Reads throw instead of missing: for tests and debugging. Default false. */
  readonly strict?: boolean | undefined;
  /** Called when the tier is given up and when it is back. */
  readonly onChange?: ((health: TierHealth) => void) | undefined;
  readonly clock?: Clock | undefined;
}

/** What became of the calls to a tier. */
export type GuardCount = 'errors' | 'timeouts' | 'corrupt' | 'notAsked' | 'writeErrors';

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

const longestProbeMs = 30_000;

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
  readonly #breaker: CircuitBreakerPolicy;
  readonly #counts = new Counters<GuardCount>();
  #lost = false;
  #sinceMs: number | undefined;
  #lastError: string | undefined;

  constructor(tier: Tier, options: GuardOptions) {
    const { timeoutMs = 50, writeTimeoutMs = 5_000, failures = 3, probeAfterMs = 500 } = options;
    this.name = tier.name;
    this.shared = tier.shared ?? false;
    this.#tier = tier;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = timeoutMs;
    this.#writeTimeoutMs = writeTimeoutMs;
    this.#strict = options.strict ?? false;
    this.#breaker = circuitBreaker(handleWhen(isTierFault), {
      breaker: new ConsecutiveBreaker(failures),
      halfOpenAfter: new ExponentialBackoff({ initialDelay: probeAfterMs, maxDelay: longestProbeMs }),
    });
    const turn = (lost: boolean) => {
      // A probe that fails opens the breaker anew; the tier was lost before.
      if (lost === this.#lost) return;
      this.#lost = lost;
      this.#sinceMs = this.#clock.wall();
      options.onChange?.(this.health());
    };
    this.#breaker.onBreak(() => turn(true));
    this.#breaker.onReset(() => turn(false));
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

  #read<T>(
    operation: string,
    miss: T,
    call: () => MaybePromise<T>,
    timeoutMs = this.#timeoutMs,
  ): MaybePromise<T> {
    const failed = (error: unknown): T => {
      const fault = this.#translate(operation, error);
      this.#count(fault);
      if (this.#strict) throw fault;
      return miss;
    };
    try {
      const result = this.#run(operation, call, timeoutMs);
      return isPromise(result) ? result.catch(failed) : result;
    } catch (error) {
      return failed(error);
    }
  }

  #write<T>(operation: string, call: () => MaybePromise<T>): MaybePromise<T> {
    const failed = (error: unknown): never => {
      const fault = this.#translate(operation, error);
      this.#counts.add('writeErrors');
      throw fault;
    };
    try {
      const result = this.#run(operation, call, this.#writeTimeoutMs);
      return isPromise(result) ? result.catch(failed) : result;
    } catch (error) {
      return failed(error);
    }
  }

  #run<T>(operation: string, call: () => MaybePromise<T>, timeoutMs: number): MaybePromise<T> {
    // The breaker would make others wait for the probe, which may be a write with seconds to spare.
    if (this.#breaker.state === CircuitState.HalfOpen) throw new TierOpenError(this.name, operation);
    // Open: the breaker decides whether the tier is asked at all.
    if (this.#breaker.state !== CircuitState.Closed) {
      return this.#breaker.execute(() => this.#limit(Promise.resolve(call()), operation, timeoutMs));
    }
    const result = call();
    if (!isPromise(result)) return result;
    return this.#breaker.execute(() => this.#limit(result, operation, timeoutMs));
  }

  #limit<T>(work: Promise<T>, operation: string, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const expire = () => reject(new TierTimeoutError(this.name, operation, timeoutMs));
      const cancel = this.#clock.after(timeoutMs, expire);
      work.then(resolve, reject).finally(cancel);
    });
  }

  #translate(operation: string, error: unknown): CacheError {
    if (error instanceof BrokenCircuitError) return new TierOpenError(this.name, operation);
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
    if (fault instanceof TierTimeoutError) this.#counts.add('timeouts');
    else if (fault instanceof CodecError) this.#counts.add('corrupt');
    else this.#counts.add('errors');
  }
}

/** Faults of the tier as such; a bad record, a full disk or a caller's mistake must not keep others from reading. */
function isTierFault(error: Error): boolean {
  const others = [CodecError, CapacityError, BusyError, ClosedError, InvalidArgumentError];
  return !others.some((kind) => error instanceof kind);
}
