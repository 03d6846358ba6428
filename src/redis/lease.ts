// Leases in Redis: one process at a time generates the answer to a question. open.ts, the tiers in Redis and tests import it.
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.js';
import type { Key } from '../core/entry.js';
import type { Lease, Leases } from '../core/lease.js';
import type { Scope } from '../core/scope.js';
import type { RedisConnection, RedisNode } from './connection.js';

/** How long leases are and how they are waited for. */
export interface RedisLeasesOptions {
  /** Begins every key: `<keyPrefix>:lease:{<key>}`. Default `llm-cache`. */
  readonly keyPrefix?: string | undefined;
  /** Milliseconds after which the lease of a holder that has died is free; a living one renews it. Default 5,000. */
  readonly leaseMs?: number | undefined;
  /** Milliseconds between the first looks at a lease that is waited for; later ones are up to eight times as far apart. Default 25. */
  readonly pollMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** The name of a key's lease in Redis: its value is the holder's fence. */
export function leaseName(keyPrefix: string, key: Key): string {
  return `${keyPrefix}:lease:{${key}}`;
}

// Compare and act in one step: between two commands the lease might become another's.
const renewScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;
const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
const mostBackOff = 8;
const mostLeasesWaited = 3;

/**
 * Leases over a connection, which stays open until after their `close`. Needs SET, GET and EVAL; where EVAL is not permitted, GET
 * with DEL or PEXPIRE, which may in rare cases renew or free a lease that became another's between the two: then two processes
 * generate, and nothing else goes wrong. A fence is drawn at random and never given twice, so that being equal to the lease's value
 * is proof enough of holding it.
 */
export function redisLeases(connection: RedisConnection, options: RedisLeasesOptions = {}): Leases {
  return new RedisLeases(connection, options);
}

class RedisLeases implements Leases {
  readonly #connection: RedisConnection;
  readonly #redis: RedisNode;
  readonly #prefix: string;
  readonly #leaseMs: number;
  readonly #pollMs: number;
  readonly #clock: Clock;
  readonly #held = new Set<RedisLease>();

  constructor(connection: RedisConnection, options: RedisLeasesOptions) {
    this.#connection = connection;
    this.#redis = connection.client as RedisNode;
    this.#prefix = options.keyPrefix ?? 'llm-cache';
    this.#leaseMs = options.leaseMs ?? 5000;
    this.#pollMs = options.pollMs ?? 25;
    this.#clock = options.clock ?? systemClock;
  }

  async acquire(key: Key, _scope: Scope): Promise<Lease | 'taken' | undefined> {
    const name = leaseName(this.#prefix, key);
    const fence = randomUUID();
    try {
      const answer = await this.#connection.call('acquire a lease', () =>
        this.#redis.set(name, fence, 'PX', this.#leaseMs, 'NX'),
      );
      if (answer === null) return 'taken';
    } catch {
      // The server may have done it after all, and nobody would renew or release it.
      void this.#release(name, fence);
      return undefined;
    }
    const lease = new RedisLease(fence, {
      renew: () => this.#renew(name, fence),
      isHeld: async () => (await this.#get(name)) === fence,
      release: () => this.#release(name, fence),
      onEnd: () => this.#held.delete(lease),
      clock: this.#clock,
      everyMs: this.#leaseMs / 3,
    });
    this.#held.add(lease);
    return lease;
  }

  async whenFree(key: Key, _scope: Scope, signal: AbortSignal): Promise<void> {
    const name = leaseName(this.#prefix, key);
    const end = this.#clock.mono() + mostLeasesWaited * this.#leaseMs;
    for (let waitMs = this.#pollMs; this.#clock.mono() < end; waitMs *= 2) {
      await this.#pause(Math.min(waitMs, this.#pollMs * mostBackOff), signal);
      // Where Redis cannot say, whoever waits finds out when it asks for the lease.
      const fence = await this.#get(name).catch(() => null);
      signal.throwIfAborted();
      if (fence === null) return;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held].map((lease) => lease.release()));
  }

  #get(name: string): Promise<string | null> {
    return this.#connection.call('look at a lease', () => this.#redis.get(name));
  }

  async #renew(name: string, fence: string): Promise<boolean> {
    return this.#ifEqual(name, fence, renewScript, [this.#leaseMs], () =>
      this.#redis.pexpire(name, this.#leaseMs),
    );
  }

  async #release(name: string, fence: string): Promise<void> {
    await this.#ifEqual(name, fence, releaseScript, [], () => this.#redis.del(name)).catch(() => {});
  }

  /** Acts where the lease carries the fence; false where it does not. */
  async #ifEqual(
    name: string,
    fence: string,
    script: string,
    more: readonly number[],
    act: () => Promise<number>,
  ): Promise<boolean> {
    const done = await this.#connection.script('hold a lease', script, [name], [fence, ...more]);
    if (done !== undefined) return done === 1;
    if ((await this.#get(name)) !== fence) return false;
    return (await this.#connection.call('hold a lease', act)) === 1;
  }

  /** Waits; rejects with the signal's reason as soon as it is aborted. */
  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(ms, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      const onAbort = () => {
        cancel();
        reject(signal.reason);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

interface LeaseParts {
  readonly renew: () => Promise<boolean>;
  readonly isHeld: () => Promise<boolean>;
  readonly release: () => Promise<void>;
  readonly onEnd: () => void;
  readonly clock: Clock;
  readonly everyMs: number;
}

class RedisLease implements Lease {
  readonly fence: string;
  readonly #parts: LeaseParts;
  #cancel = () => {};
  #ended = false;

  constructor(fence: string, parts: LeaseParts) {
    this.fence = fence;
    this.#parts = parts;
    this.#renewLater();
  }

  /** Where Redis cannot say, nobody else was given the lease by it, and the tiers in Redis have the last word by the fence. */
  async isHeld(): Promise<boolean> {
    if (this.#ended) return false;
    return this.#parts.isHeld().catch(() => !this.#ended);
  }

  async release(): Promise<void> {
    if (this.#ended) return;
    this.#end();
    await this.#parts.release();
  }

  #renewLater(): void {
    this.#cancel = this.#parts.clock.after(this.#parts.everyMs, () => void this.#renew(), {
      background: true,
    });
  }

  async #renew(): Promise<void> {
    // One that failed may succeed the next time: a lease outlives three attempts.
    const held = await this.#parts.renew().catch(() => true);
    if (this.#ended) return;
    if (held) this.#renewLater();
    else this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#cancel();
    this.#parts.onEnd();
  }
}
