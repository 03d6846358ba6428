// The one loop: asks the tiers in order, exactly and then by meaning, and fills them. cache.ts imports it.
import type { CascadeListener, Stored } from './cascade-listener.js';
import type { Clock } from './core/clock.js';
import type { Embedder, Embedding } from './core/embedder.js';
import { type Candidate, type Entry, isStale, type Key } from './core/entry.js';
import type { Lease } from './core/lease.js';
import { type Ledger, marks } from './core/ledger.js';
import type { Scope } from './core/scope.js';
import { isPromise, type MaybePromise, type Tier } from './core/tier.js';
import { type Decision, exactDecision, type Refusal } from './decide/decide.js';
import { onePolicy, type Policies } from './decide/policies.js';
import type { Accept, Policy } from './decide/policy.js';
import { embedInTime } from './embed-in-time.js';
import { removeFromAll, scopeMarks } from './invalidation.js';
import { anyOf, firstOf, headStart, whenFound } from './late.js';
import { nothingNear, SemanticPass } from './semantic.js';

/** What a cascade is made of. */
export interface CascadeParts extends CascadeListener {
  /** First asked first; promotion copies a hit into the tiers before the one that had it. */
  readonly tiers: readonly Tier[];
  /** What was removed, here and by other processes. */
  readonly ledger: Ledger;
  readonly embedder: Embedder;
  readonly policy: Policy;
  /** What holds by scope, category and call. Default: `policy` for all. */
  readonly policies?: Policies | undefined;
  /** Semantic hits are decided and told, and not served. Default false. */
  readonly shadow?: boolean | undefined;
  /** Nearest entries of each tier that the decision looks at. */
  readonly candidates: number;
  /** False while only exact matches are wanted: nothing is embedded then. */
  readonly semantic: () => boolean;
  readonly clock: Clock;
  /** Milliseconds an embedding may take; the question then counts as one that nothing is near to. */
  readonly embedTimeoutMs: number;
}

/** A question on its way. */
export interface Query {
  readonly text: string;
  readonly key: Key;
  readonly scope: Scope;
  /** What the caller wants besides what the operator does. */
  readonly accept?: Accept | undefined;
  /** By key alone: nothing is embedded. */
  readonly exact?: boolean | undefined;
}

/** What the tiers said. */
export interface Finding {
  /** The entry to serve, and where it was. */
  readonly hit:
    | { readonly entry: Entry; readonly tier: string; readonly similarity: number; readonly exact: boolean }
    | undefined;
  /** The best stored question that was near enough and yet not the same. */
  readonly refused: Refusal | undefined;
  readonly decision: Decision;
  /** The nearest stored question that the tiers know, whatever was decided. */
  readonly nearest?: Candidate | undefined;
  /** What would have been the hit, in shadow mode. */
  readonly shadowed?: Finding['hit'];
  /** The question's embedding, when one was made. */
  readonly embedding: Embedding | undefined;
  /** Milliseconds spent waiting for it. */
  readonly embedMs: number;
}

/** Finds, stores and removes entries over a list of tiers. */
export class Cascade {
  /** What is accepted of whom. */
  readonly policies: Policies;
  /** The decision of every exact hit. */
  readonly exactDecision: Decision;
  readonly #parts: CascadeParts;
  readonly #semantic: SemanticPass;
  readonly #nothing: Finding;
  readonly #background = new Set<Promise<unknown>>();

  constructor(parts: CascadeParts) {
    this.#parts = parts;
    this.policies = parts.policies ?? onePolicy(parts.policy);
    this.exactDecision = exactDecision(this.policies.base);
    const decision = nothingNear(this.policies.base);
    this.#nothing = { hit: undefined, refused: undefined, decision, embedding: undefined, embedMs: 0 };
    this.#semantic = new SemanticPass(parts, {
      policies: this.policies,
      mayServe: (level) => this.#mayServe(level),
      bury: (level, entry, scope) => this.#bury(level, entry, scope),
      promote: (entry, level) => this.#promote(entry, level),
    });
  }

  /** The first tier's exact answer when it is at hand without waiting. */
  findAtOnce({ key, scope }: Query): Entry | undefined {
    this.#parts.ledger.refresh();
    const answer = this.#get(0, key, scope);
    return isPromise(answer) ? undefined : answer;
  }

  /**
   * Asks the tiers: first for the exact key, then for what means the same. `refresh` asks none and only embeds. Rejects only with
   * the signal's reason.
   */
  async find(query: Query, signal: AbortSignal | undefined, refresh = false): Promise<Finding> {
    const { semantic, clock, ledger } = this.#parts;
    const tiers = refresh ? [] : this.#parts.tiers;
    ledger.refresh();
    const late: Promise<Finding | undefined>[] = [];
    for (const level of tiers.keys()) {
      const answer = this.#get(level, query.key, query.scope);
      const entry = isPromise(answer) ? await headStart(answer, clock) : answer;
      if (entry === 'late')
        late.push(whenFound(answer as Promise<Entry | undefined>, (found) => this.#exact(found, level)));
      else if (entry !== undefined) return this.#exact(entry, level);
    }
    if (query.exact || !semantic()) return (await anyOf(late, ledger)) ?? this.#nothing;
    const started = clock.mono();
    const embedding = await firstOf(late, this.embed(query.text, signal));
    const embedMs = clock.mono() - started;
    if (embedding !== undefined && 'hit' in embedding) return { ...embedding, embedMs };
    const comparable = embedding?.matchable && !refresh;
    const near = comparable ? await this.#semantic.find(query, embedding, signal) : this.#nothing;
    // The origin costs far more than what is left of a late tier's time.
    const found = near.hit === undefined ? await anyOf(late, ledger) : undefined;
    return { ...(found ?? near), embedding, embedMs };
  }

  /** The exact answer of the first tier that has one, waiting for each. */
  async findExact({ key, scope }: Query): Promise<Finding | undefined> {
    for (const level of this.#parts.tiers.keys()) {
      const entry = await this.#get(level, key, scope);
      if (entry !== undefined) return this.#exact(entry, level);
    }
    return undefined;
  }

  /** What could be served in an emergency: the exact answer of the first tier that has one, or one by meaning, stale or not. */
  async findStale(
    query: Query,
    embedding: Embedding | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Finding['hit']> {
    const { key, scope } = query;
    for (const [level, { name: tier }] of this.#parts.tiers.entries()) {
      const entry = await this.#get(level, key, scope, true);
      if (entry !== undefined) return { entry, tier, similarity: 1, exact: true };
    }
    if (!embedding?.matchable) return undefined;
    return (await this.#semantic.find(query, embedding, signal, true)).hit;
  }

  /** The text's embedding; undefined, and reported, when the embedder failed. Rejects only with the signal's reason. */
  async embed(text: string, signal: AbortSignal | undefined): Promise<Embedding | undefined> {
    try {
      return await embedInTime(this.#parts, text, signal);
    } catch (error) {
      if (signal?.aborted) throw error;
      this.#parts.onEmbedError(error);
      return undefined;
    }
  }

  /**
   * Writes the entry to every tier. A tier that fails is reported, not thrown; one that keeps no such entry is in neither list.
   * With a lease nothing is written once that is another's.
   */
  store(entry: Entry, lease?: Lease): Promise<Stored> {
    return this.#track(this.#store(entry, lease));
  }

  /**
   * Writes an entry where an older one of its key may be held, here or by other processes, which let go of it first. One whose
   * generation took `long` is not stored while others cannot be asked what they have removed meanwhile.
   */
  replace(entry: Entry, query: Query, long = false): Promise<Stored> {
    return this.#track(this.#replace(entry, query, long));
  }

  /**
   * Brings an entry that some tier has into those that have none of its key; with `replace`, into all. False, and nothing done, when a
   * removal names it.
   */
  async spread(entry: Entry, replace: boolean): Promise<boolean> {
    const { ledger, tiers, onStoreError } = this.#parts;
    ledger.refresh();
    if (!ledger.isAlive(entry)) return false;
    const writes = tiers.map(async (tier) => {
      try {
        await tier.set(entry, { onlyIfAbsent: !replace });
      } catch (error) {
        onStoreError(tier.name, error);
      }
    });
    await this.#track(Promise.all(writes));
    return true;
  }

  async #store(entry: Entry, lease: Lease | undefined): Promise<Stored> {
    if (lease !== undefined && !(await lease.isHeld())) return notStored;
    const { tiers, onStoreError, onStore } = this.#parts;
    const options = lease === undefined ? {} : { fence: lease.fence };
    const later = new Promise<void>((resolve) => setImmediate(resolve));
    const writes = tiers.map(async (tier, level) => {
      try {
        // Serialising and indexing take longer than all else about a miss: who waits for the answer gets it first.
        if (level > 0) await later;
        return (await tier.set(entry, options)) ? 'stored' : 'not kept';
      } catch (error) {
        onStoreError(tier.name, error);
        return 'failed';
      }
    });
    const outcomes = await Promise.all(writes);
    const named = (outcome: string) =>
      tiers.filter((_, i) => outcomes[i] === outcome).map(({ name }) => name);
    const report = { stored: named('stored'), failed: named('failed') };
    onStore?.(entry, report);
    return report;
  }

  async #replace(entry: Entry, { key, scope }: Query, long: boolean): Promise<Stored> {
    const { ledger } = this.#parts;
    if (!(await this.#isHeld(key, scope))) {
      return ledger.isAlive(entry) ? this.#store(entry, undefined) : notStored;
    }
    const shared = await ledger.remove([marks.key(key)]);
    if (long && !shared) return notStored;
    // By another name than its key, which was removed just now.
    if (!ledger.isAlive({ ...entry, key: '' })) return notStored;
    return this.#store({ ...entry, epoch: ledger.epoch }, undefined);
  }

  /**
   * Removes an entry from all tiers.
   * @throws {TierError} ERR_LLM_CACHE_TIER when one of them cannot say that it is gone; nobody is served it all the same.
   */
  async delete(key: Key, scope: Scope): Promise<boolean> {
    const { tiers, ledger } = this.#parts;
    const removed = await removeFromAll(tiers, ledger, [marks.key(key)], (tier) => tier.delete(key, scope));
    return removed.includes(true);
  }

  /** Removes everything, or everything of a scope. @throws as `delete`. */
  async clear(scope?: Scope): Promise<void> {
    const removed = scope === undefined ? [marks.everything] : scopeMarks(scope.id);
    const { tiers, ledger } = this.#parts;
    await removeFromAll(tiers, ledger, removed, (tier) => tier.clear(scope));
  }

  /** Resolves when promotions and writes under way are done. */
  async idle(): Promise<void> {
    while (this.#background.size > 0) await Promise.allSettled([...this.#background]);
  }

  /** What the tier holds under the key and may be served. */
  #get(level: number, key: Key, scope: Scope, staleToo = false): MaybePromise<Entry | undefined> {
    const tier = this.#parts.tiers[level];
    if (tier === undefined || !this.#mayServe(level)) return undefined;
    const answer = tier.get(key, scope);
    if (isPromise(answer)) return answer.then((entry) => this.#ifServes(entry, level, scope, staleToo));
    return this.#ifServes(answer, level, scope, staleToo);
  }

  async #isHeld(key: Key, scope: Scope): Promise<boolean> {
    for (const level of this.#parts.tiers.keys()) {
      if ((await this.#get(level, key, scope, true)) !== undefined) return true;
    }
    return false;
  }

  #ifServes(entry: Entry | undefined, level: number, scope: Scope, staleToo: boolean): Entry | undefined {
    const { ledger, clock } = this.#parts;
    if (entry === undefined) return undefined;
    if (ledger.isAlive(entry)) return staleToo || !isStale(entry, clock.wall()) ? entry : undefined;
    this.#bury(level, entry, scope);
    return undefined;
  }

  /** Drops from a tier what was removed: nobody is served it, but it takes room. What has come in its place since is kept. */
  #bury(level: number, entry: Entry, scope: Scope): void {
    const { tiers, ledger } = this.#parts;
    const tier = tiers[level] as Tier;
    Promise.resolve()
      .then(() => tier.delete(entry.key, scope, { onlyIf: (held) => !ledger.isAlive(held) }))
      .catch(() => {});
  }

  /** A tier that all processes share is as current as it can be; what this process holds by itself only as long as it hears of removals. */
  #mayServe(level: number): boolean {
    return this.#parts.ledger.isCurrent() || this.#parts.tiers[level]?.shared === true;
  }

  #exact(entry: Entry, level: number): Finding {
    this.#promote(entry, level);
    const tier = (this.#parts.tiers[level] as Tier).name;
    const hit = { entry, tier, similarity: 1, exact: true };
    return { ...this.#nothing, hit, decision: this.exactDecision };
  }

  #promote(entry: Entry, level: number): void {
    const { tiers, ledger, onStoreError, onPromote } = this.#parts;
    const from = (tiers[level] as Tier).name;
    for (const tier of tiers.slice(0, level)) {
      const write = Promise.resolve()
        .then(() => (ledger.isAlive(entry) ? tier.set(entry, { onlyIfAbsent: true }) : false))
        .then((isHeld) => isHeld && onPromote?.(entry, from, tier.name))
        .catch((error: unknown) => onStoreError(tier.name, error));
      this.#track(write);
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#background.add(work);
    work.finally(() => this.#background.delete(work)).catch(() => {});
    return work;
  }
}

const notStored: Stored = { stored: [], failed: [] };
