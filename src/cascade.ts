// The one loop: asks the tiers in order, exactly and then by meaning, and fills them. cache.ts imports it.
import type { Clock } from './core/clock.js';
import type { Embedder, Embedding } from './core/embedder.js';
import type { Entry, Key } from './core/entry.js';
import type { Scope } from './core/scope.js';
import { isPromise, type Tier } from './core/tier.js';
import { decide, type Refusal } from './decide/decide.js';
import type { Policy } from './decide/policy.js';

/** What a cascade is made of. */
export interface CascadeParts {
  /** First asked first; promotion copies a hit into the tiers before the one that had it. */
  readonly tiers: readonly Tier[];
  readonly embedder: Embedder;
  readonly policy: Policy;
  /** Nearest entries of each tier that the decision looks at. */
  readonly candidates: number;
  /** False while only exact matches are wanted: nothing is embedded then. */
  readonly semantic: () => boolean;
  readonly clock: Clock;
  /** Told of an embedding that failed; the question then counts as one that nothing is near to. */
  readonly onEmbedError: (error: unknown) => void;
  /** Told of a tier that could not be written. */
  readonly onStoreError: (tier: string, error: unknown) => void;
}

/** A question on its way. */
export interface Query {
  readonly text: string;
  readonly key: Key;
  readonly scope: Scope;
}

/** What the tiers said. */
export interface Finding {
  /** The entry to serve, and where it was. */
  readonly hit:
    | { readonly entry: Entry; readonly tier: string; readonly similarity: number; readonly exact: boolean }
    | undefined;
  /** The best stored question that was near enough and yet not the same. */
  readonly refused: Refusal | undefined;
  /** The question's embedding, when one was made. */
  readonly embedding: Embedding | undefined;
  /** Milliseconds spent waiting for it. */
  readonly embedMs: number;
}

// A shared exact tier on the same network answers within this; only then does embedding start beside it.
const headStartMs = 1;

/** Finds, stores and removes entries over a list of tiers. */
export class Cascade {
  readonly #parts: CascadeParts;
  readonly #background = new Set<Promise<unknown>>();
  // Counts removals: a promotion that began before one must not bring the entry back.
  #removals = 0;

  constructor(parts: CascadeParts) {
    this.#parts = parts;
  }

  /** The first tier's exact answer when it is at hand without waiting. */
  findAtOnce({ key, scope }: Query): Entry | undefined {
    const answer = this.#parts.tiers[0]?.get(key, scope);
    return answer === undefined || isPromise(answer) ? undefined : answer;
  }

  /**
   * Asks the tiers: first for the exact key, then for what means the same. `refresh` asks none and only embeds. Rejects only with
   * the signal's reason.
   */
  async find(query: Query, signal: AbortSignal | undefined, refresh = false): Promise<Finding> {
    const { semantic, clock } = this.#parts;
    const tiers = refresh ? [] : this.#parts.tiers;
    const removals = this.#removals;
    const late: Promise<Finding>[] = [];
    for (const [level, tier] of tiers.entries()) {
      const answer = tier.get(query.key, query.scope);
      const entry = isPromise(answer) ? await this.#headStart(answer) : answer;
      if (entry === 'late') late.push(this.#whenFound(answer as Promise<Entry | undefined>, level, removals));
      else if (entry !== undefined) return this.#exact(entry, level, removals);
    }
    if (!semantic()) return { ...nothing, ...(await firstOf(late, Promise.resolve(nothing))) };
    const started = clock.mono();
    const embedding = await firstOf(late, this.embed(query.text, signal));
    const embedMs = clock.mono() - started;
    if (embedding === undefined || 'hit' in embedding) return { ...nothing, ...embedding, embedMs };
    if (!embedding.matchable || refresh) return { ...nothing, embedding, embedMs };
    return { ...(await this.#findNear(query, embedding, removals)), embedding, embedMs };
  }

  /** The text's embedding; undefined, and reported, when the embedder failed. Rejects only with the signal's reason. */
  async embed(text: string, signal: AbortSignal | undefined): Promise<Embedding | undefined> {
    try {
      return await this.#parts.embedder.embed(text, { signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      this.#parts.onEmbedError(error);
      return undefined;
    }
  }

  /** Writes the entry to every tier; resolves to the names of those that hold it. A tier that fails is reported, not thrown. */
  async store(entry: Entry): Promise<string[]> {
    const { tiers, onStoreError } = this.#parts;
    const writes = tiers.map(async (tier) => {
      try {
        await tier.set(entry);
        return [tier.name];
      } catch (error) {
        onStoreError(tier.name, error);
        return [];
      }
    });
    return (await this.#track(Promise.all(writes))).flat();
  }

  /** Removes an entry from all tiers. @throws {TierError} ERR_LLM_CACHE_TIER when one of them cannot say that it is gone. */
  async delete(key: Key, scope: Scope): Promise<boolean> {
    this.#removals++;
    const removed = await this.#onAll((tier) => tier.delete(key, scope));
    return removed.includes(true);
  }

  /** Removes everything, or everything of a scope. @throws as `delete`. */
  async clear(scope?: Scope): Promise<void> {
    this.#removals++;
    await this.#onAll((tier) => tier.clear(scope));
  }

  /** Resolves when promotions and writes under way are done. */
  async idle(): Promise<void> {
    while (this.#background.size > 0) await Promise.allSettled([...this.#background]);
  }

  async #findNear({ text, scope }: Query, { vector }: Embedding, removals: number) {
    const { tiers, candidates, policy } = this.#parts;
    let refused: Refusal | undefined;
    for (const [level, tier] of tiers.entries()) {
      if (tier.near === undefined) continue;
      const near = tier.near(vector, scope, candidates);
      const decision = decide(text, isPromise(near) ? await near : near, policy);
      refused ??= decision.refused;
      if (decision.accepted !== undefined) {
        const { entry, similarity } = decision.accepted;
        tier.touch?.(entry.key);
        this.#promote(entry, level, removals);
        return { hit: { entry, tier: tier.name, similarity, exact: false }, refused };
      }
    }
    return { hit: undefined, refused };
  }

  #exact(entry: Entry, level: number, removals: number): Finding {
    this.#promote(entry, level, removals);
    const tier = (this.#parts.tiers[level] as Tier).name;
    return { ...nothing, hit: { entry, tier, similarity: 1, exact: true } };
  }

  #promote(entry: Entry, level: number, removals: number): void {
    for (const tier of this.#parts.tiers.slice(0, level)) {
      if (this.#removals !== removals) return;
      const write = Promise.resolve()
        .then(() => (this.#removals === removals ? tier.set(entry, { onlyIfAbsent: true }) : undefined))
        .catch((error: unknown) => this.#parts.onStoreError(tier.name, error));
      this.#track(write);
    }
  }

  /** The answer, or 'late' when the head start is over before it. */
  #headStart(answer: Promise<Entry | undefined>): Promise<Entry | undefined | 'late'> {
    return new Promise((resolve, reject) => {
      const cancel = this.#parts.clock.after(headStartMs, () => resolve('late'));
      answer.then(resolve, reject).finally(cancel);
    });
  }

  /** Settles with the finding if the late answer is an entry; a late miss never settles. */
  #whenFound(answer: Promise<Entry | undefined>, level: number, removals: number): Promise<Finding> {
    return new Promise((resolve, reject) => {
      answer.then((entry) => entry && resolve(this.#exact(entry, level, removals)), reject);
    });
  }

  async #onAll<T>(call: (tier: Tier) => T | Promise<T>): Promise<T[]> {
    const results = await Promise.allSettled(this.#parts.tiers.map(async (tier) => call(tier)));
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#background.add(work);
    work.finally(() => this.#background.delete(work)).catch(() => {});
    return work;
  }
}

const nothing: Finding = { hit: undefined, refused: undefined, embedding: undefined, embedMs: 0 };

/** Whatever settles first: a late exact answer, or the work that goes on meanwhile. */
function firstOf<T>(late: readonly Promise<Finding>[], work: Promise<T>): Promise<T | Finding> {
  return late.length === 0 ? work : Promise.race([...late, work]);
}
