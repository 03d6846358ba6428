// A tier around a tier that turns failure and slowness into counted misses. open.ts and ./testing import it.
import type { Candidate, Entry, Key } from '../core/entry.js';
import type { CacheError } from '../core/errors.js';
import type { Scope } from '../core/scope.js';
import {
  type DeleteOptions,
  isPromise,
  type MaybePromise,
  type SetOptions,
  type Tier,
  type TierSize,
} from '../core/tier.js';
import { type Call, type TierHealth, Watch, type WatchOptions } from './watch.js';

export type { TierHealth } from './watch.js';

/** How much a tier may cost before it is left alone. */
export interface GuardOptions extends WatchOptions {
  /** Milliseconds a read may take. Default 50. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds a write may take. Default 5,000. */
  readonly writeTimeoutMs?: number | undefined;
  /** Reads throw instead of missing: for tests and debugging. Default false. */
  readonly strict?: boolean | undefined;
}

/** A guarded tier: the same face, and its health. Reads miss instead of throwing; writes throw. */
export interface GuardedTier extends Tier {
  health(): TierHealth;
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
  readonly #watch: Watch;
  readonly #timeoutMs: number;
  readonly #writeTimeoutMs: number;
  readonly #strict: boolean;

  constructor(tier: Tier, options: GuardOptions) {
    const { timeoutMs = 50, writeTimeoutMs = 5_000 } = options;
    this.name = tier.name;
    this.shared = tier.shared ?? false;
    this.#tier = tier;
    this.#watch = new Watch(tier.name, options);
    this.#timeoutMs = timeoutMs;
    this.#writeTimeoutMs = writeTimeoutMs;
    this.#strict = options.strict ?? false;
    if (tier.near) this.near = (vector, scope, k, floor) => this.#near(vector, scope, k, floor);
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

  delete(key: Key, scope: Scope, options?: DeleteOptions): MaybePromise<boolean> {
    return this.#write('delete', () => this.#tier.delete(key, scope, options));
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
    return this.#watch.health();
  }

  #near(vector: Float32Array, scope: Scope, k: number, floor?: number): MaybePromise<readonly Candidate[]> {
    const ask = () => this.#tier.near?.(vector, scope, k, floor) ?? [];
    return this.#read<readonly Candidate[]>('near', [], ask);
  }

  #read<T>(operation: string, miss: T, run: Call<T>['run'], limitMs = this.#timeoutMs): MaybePromise<T> {
    const failed = (fault: CacheError): T => {
      this.#watch.count(fault);
      if (this.#strict) throw fault;
      return miss;
    };
    try {
      const result = this.#watch.ask({ operation, limitMs, isWrite: false, run });
      return isPromise(result) ? result.catch(failed) : result;
    } catch (error) {
      return failed(error as CacheError);
    }
  }

  #write<T>(operation: string, run: Call<T>['run']): MaybePromise<T> {
    const failed = (fault: CacheError): never => {
      this.#watch.add('writeErrors');
      throw fault;
    };
    try {
      const result = this.#watch.ask({ operation, limitMs: this.#writeTimeoutMs, isWrite: true, run });
      return isPromise(result) ? result.catch(failed) : result;
    } catch (error) {
      return failed(error as CacheError);
    }
  }
}
