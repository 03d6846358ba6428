// Tiers as one exact store, without questions or meaning: for keyv.ts and embeddings.ts.
import type { Clock } from '../core/clock.js';
import type { Key } from '../core/entry.js';
import { InvalidArgumentError } from '../core/errors.js';
import type { Scope } from '../core/scope.js';
import type { Tier } from '../core/tier.js';

/** Asked first to last; what a later tier holds is brought into those before it. */
export class ExactTiers {
  readonly tiers: readonly Tier[];
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;

  /**
   * `onError` hears what a tier could not do; the call goes on without that tier unless it throws.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT without a tier.
   */
  constructor(tiers: readonly Tier[], clock: Clock, onError: (error: unknown) => void) {
    if (!Array.isArray(tiers) || tiers.length === 0) {
      throw new InvalidArgumentError('tiers', 'at least one tier', tiers);
    }
    this.tiers = tiers;
    this.#clock = clock;
    this.#onError = onError;
  }

  async get(key: Key, scope: Scope): Promise<unknown> {
    for (const [level, tier] of this.tiers.entries()) {
      const entry = await this.#attempt(() => tier.get(key, scope));
      if (entry === undefined) continue;
      for (const before of this.tiers.slice(0, level)) {
        await this.#attempt(() => before.set(entry, { onlyIfAbsent: true }));
      }
      return entry.value;
    }
    return undefined;
  }

  /** True when a tier holds it. `name` is kept beside the value, for people who look into a store. */
  async set(key: Key, scope: Scope, name: string, value: unknown, ttlMs: number): Promise<boolean> {
    const createdAtMs = this.#clock.wall();
    const entry = {
      key,
      scope: scope.id,
      embedder: scope.embedder,
      question: name,
      value,
      createdAtMs,
      expiresAtMs: createdAtMs + ttlMs,
      epoch: 0,
    };
    const held = await Promise.all(this.tiers.map((tier) => this.#attempt(() => tier.set(entry))));
    return held.includes(true);
  }

  /** The last tier first, so that nothing is brought up again from below. True when one held it. */
  async delete(key: Key, scope: Scope): Promise<boolean> {
    let removed = false;
    for (const tier of this.tiers.toReversed()) {
      if (await this.#attempt(() => tier.delete(key, scope))) removed = true;
    }
    return removed;
  }

  async clear(scope: Scope): Promise<void> {
    for (const tier of this.tiers.toReversed()) await this.#attempt(() => tier.clear(scope));
  }

  async #attempt<T>(call: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      this.#onError(error);
      return undefined;
    }
  }
}
