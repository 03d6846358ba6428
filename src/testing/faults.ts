// Tiers that misbehave on purpose, around tiers that do not. Tests may import it; the subpath ./testing exports it.
import type { Clock } from '../core/clock.js';
import { TierError } from '../core/errors.js';
import type { MaybePromise, Tier } from '../core/tier.js';

/** A method of a tier that can be made to misbehave. */
export type TierOperation = 'get' | 'near' | 'set' | 'delete' | 'clear' | 'size';

/** Which calls misbehave. */
export interface FaultOptions {
  /** Default: all. */
  readonly operations?: readonly TierOperation[] | undefined;
  /** Asked at each call; default always true. */
  readonly when?: ((operation: TierOperation) => boolean) | undefined;
}

/** How a `failingTier` fails. */
export interface FailingTierOptions extends FaultOptions {
  /** Makes what is thrown. Default: a `TierError`. */
  readonly error?: ((operation: TierOperation) => unknown) | undefined;
  /** Throw at once instead of returning a promise that rejects. Default false. */
  readonly synchronously?: boolean | undefined;
}

/** A tier whose chosen calls fail without reaching the tier. */
export function failingTier(tier: Tier, options: FailingTierOptions = {}): Tier {
  const error =
    options.error ?? ((operation: TierOperation) => new TierError(tier.name, operation, 'told to fail'));
  return faulty(tier, options, (operation) => {
    const thrown = error(operation);
    if (options.synchronously) throw thrown;
    return Promise.reject(thrown);
  });
}

/** How a `slowTier` is slow. */
export interface SlowTierOptions extends FaultOptions {
  /** Milliseconds a call waits before it reaches the tier; `Infinity` to hang for ever. */
  readonly delayMs: number;
  readonly clock: Clock;
}

/** A tier whose chosen calls take their time. */
export function slowTier(tier: Tier, options: SlowTierOptions): Tier {
  return faulty(
    tier,
    options,
    (_operation, call) =>
      new Promise((resolve, reject) => {
        if (options.delayMs === Number.POSITIVE_INFINITY) return;
        options.clock.after(options.delayMs, () => {
          Promise.resolve().then(call).then(resolve, reject);
        });
      }),
  );
}

type Fault = <T>(operation: TierOperation, call: () => MaybePromise<T>) => MaybePromise<T>;

function faulty(tier: Tier, { operations, when = () => true }: FaultOptions, fault: Fault): Tier {
  const through = <T>(operation: TierOperation, call: () => MaybePromise<T>): MaybePromise<T> => {
    const chosen = operations === undefined || operations.includes(operation);
    return chosen && when(operation) ? fault(operation, call) : call();
  };
  return {
    name: tier.name,
    get: (key, scope) => through('get', () => tier.get(key, scope)),
    set: (entry, options) => through('set', () => tier.set(entry, options)),
    delete: (key, scope, options) => through('delete', () => tier.delete(key, scope, options)),
    clear: (scope) => through('clear', () => tier.clear(scope)),
    size: () => through('size', () => tier.size()),
    close: () => tier.close(),
    ...(tier.near && {
      near: (vector, scope, k, floor) => through('near', () => tier.near?.(vector, scope, k, floor) ?? []),
    }),
    ...(tier.touch && { touch: (key) => tier.touch?.(key) }),
  };
}
