// Keyv, both ways: our exact tiers as a store for Keyv, and any Keyv store as tier B. The subpath ./keyv exports it.
import { type Clock, systemClock } from '../core/clock.js';
import type { Entry, Key } from '../core/entry.js';
import { InvalidArgumentError } from '../core/errors.js';
import { native } from '../core/native.js';
import { Scope } from '../core/scope.js';
import type { DeleteOptions, SetOptions, Tier, TierSize } from '../core/tier.js';
import { decodeEntry, encodeEntry, expiryOf } from '../disk/codec.js';
import { ExactTiers } from './exact.js';

type Listener = (...values: unknown[]) => void;

/** What Keyv 5 asks of a store, and what a `Keyv` offers itself. */
export interface KeyvLike {
  get(key: string): unknown;
  set(key: string, value: string, ttlMs?: number): unknown;
  delete(key: string): unknown;
  clear(): unknown;
  getMany?(keys: string[]): unknown;
  /** Keys, without the store's own prefix, with their values. */
  iterator?(namespace?: string): AsyncIterable<unknown>;
}

/** How a store over tiers is made. */
export interface KeyvStoreOptions {
  /** Asked in this order; what a later one holds is brought into those before it. At least one. */
  readonly tiers: readonly Tier[];
  readonly clock?: Clock | undefined;
}

/**
 * Exact tiers as a store for Keyv, and so for cacheable and cache-manager. Keys are taken as they are: case and white space
 * count. Each namespace is a scope of its own, so `clear` takes away that namespace alone. The tiers stay the caller's until
 * `disconnect` closes them.
 * @example const keyv = new Keyv({ store: new KeyvStore({ tiers: [memoryTier({ dimension: 1 })] }) });
 */
export class KeyvStore {
  readonly opts = { dialect: 'llm-tiered-cache' };
  namespace?: string | undefined;
  readonly #exact: ExactTiers;
  readonly #scopes = new Map<string, Scope>();
  readonly #listeners = new Set<Listener>();

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT without a tier. */
  constructor({ tiers, clock = systemClock }: KeyvStoreOptions) {
    this.#exact = new ExactTiers(tiers, clock, (error) => {
      // As Keyv's stores do; nobody listening, the call rejects.
      if (this.#listeners.size === 0) throw error;
      for (const listener of this.#listeners) listener(error);
    });
  }

  /** Hears `error`: what a tier could not do. */
  on(event: string, listener: Listener): this {
    if (event === 'error') this.#listeners.add(listener);
    return this;
  }

  get(key: string): Promise<unknown> {
    const scope = this.#scope();
    return this.#exact.get(idOf(key, scope), scope);
  }

  getMany(keys: string[]): Promise<unknown[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined;
  }

  /** `ttlMs` in milliseconds; without it the value stays until it is evicted. */
  set(key: string, value: unknown, ttlMs?: number): Promise<boolean> {
    const scope = this.#scope();
    const lifeMs = typeof ttlMs === 'number' && ttlMs > 0 ? ttlMs : Number.POSITIVE_INFINITY;
    return this.#exact.set(idOf(key, scope), scope, key, value, lifeMs);
  }

  async setMany(values: readonly { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    await Promise.all(values.map(({ key, value, ttl }) => this.set(key, value, ttl)));
  }

  delete(key: string): Promise<boolean> {
    const scope = this.#scope();
    return this.#exact.delete(idOf(key, scope), scope);
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    return (await Promise.all(keys.map((key) => this.delete(key)))).every(Boolean);
  }

  clear(): Promise<void> {
    return this.#exact.clear(this.#scope());
  }

  async disconnect(): Promise<void> {
    for (const tier of this.#exact.tiers) await tier.close();
  }

  #scope(): Scope {
    const name = this.namespace ?? '';
    let scope = this.#scopes.get(name);
    if (scope === undefined) {
      scope = new Scope({ extra: { keyv: name } }, 'keyv');
      this.#scopes.set(name, scope);
    }
    return scope;
  }
}

function idOf(key: string, scope: Scope): Key {
  return native.sha256Fields(['keyv/1', scope.id, key]);
}

/** How a Keyv store serves as a tier. */
export interface KeyvTierOptions {
  /** Shown in statistics. Default `keyv`. */
  readonly name?: string | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * A `Keyv`, or a store for it, as tier B: entries under their scope and key, as text, with a checksum. Two round trips at most a
 * call. The store is the caller's: closing the tier leaves it open. Clearing a scope starts a new generation of it; what belonged to
 * the former stays in the store until it expires. Not atomic: `onlyIfAbsent` asks before it writes, and leases are not looked at.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for what is no store.
 */
export function keyvTier(store: KeyvLike, options: KeyvTierOptions = {}): Tier {
  for (const method of ['get', 'set', 'delete', 'clear'] as const) {
    if (typeof store?.[method] !== 'function') {
      throw new InvalidArgumentError('store', `with the method ${method}`, store);
    }
  }
  return new KeyvTier(store, options);
}

class KeyvTier implements Tier {
  readonly name: string;
  readonly shared = true;
  readonly #store: KeyvLike;
  readonly #clock: Clock;

  constructor(store: KeyvLike, { name = 'keyv', clock = systemClock }: KeyvTierOptions) {
    this.#store = store;
    this.#clock = clock;
    this.name = name;
  }

  async get(key: Key, scope: Scope): Promise<Entry | undefined> {
    const [generation, text] = await this.#read(generationKey(scope.id), entryKey(scope.id, key));
    const cut = typeof text === 'string' ? text.indexOf('.') : -1;
    if (cut < 0 || (text as string).slice(0, cut) !== (generation ?? '')) return undefined;
    const entry = decodeEntry(Buffer.from((text as string).slice(cut + 1), 'base64'), key, scope);
    return entry.expiresAtMs <= this.#clock.wall() ? undefined : entry;
  }

  async set(entry: Entry, { onlyIfAbsent = false }: SetOptions = {}): Promise<boolean> {
    const leftMs = entry.expiresAtMs - this.#clock.wall();
    if (leftMs <= 0) return false;
    const [generation, held] = await this.#read(generationKey(entry.scope), entryKey(entry.scope, entry.key));
    const current = `${generation ?? ''}.`;
    if (onlyIfAbsent && typeof held === 'string' && held.startsWith(current)) {
      const expiresAtMs = expiryOf(Buffer.from(held.slice(current.length), 'base64'));
      if (expiresAtMs > this.#clock.wall()) return true;
    }
    const text = current + Buffer.from(encodeEntry(entry)).toString('base64');
    await this.#store.set(
      entryKey(entry.scope, entry.key),
      text,
      Number.isFinite(leftMs) ? Math.ceil(leftMs) : undefined,
    );
    return true;
  }

  /** With `onlyIf` nothing goes: a Keyv cannot look and remove at once. */
  async delete(key: Key, scope: Scope, { onlyIf }: DeleteOptions = {}): Promise<boolean> {
    if (onlyIf !== undefined) return false;
    const held = await this.get(key, scope);
    await this.#store.delete(entryKey(scope.id, key));
    return held !== undefined;
  }

  async clear(scope?: Scope): Promise<void> {
    if (scope === undefined) await this.#store.clear();
    else await this.#store.set(generationKey(scope.id), globalThis.crypto.randomUUID());
  }

  /** O(entries of the store), and 0 where it cannot list them. */
  async size(): Promise<TierSize> {
    const generations = new Map<string, string>();
    const texts: { scope: string; text: string }[] = [];
    for await (const pair of this.#store.iterator?.() ?? []) {
      const [key, text] = pair as [string, unknown];
      const [, scope, name] = /(?:^|:)llm-cache:([0-9a-f]{64}):(generation|[0-9a-f]{64})$/.exec(key) ?? [];
      if (scope === undefined || typeof text !== 'string') continue;
      if (name === 'generation') generations.set(scope, text);
      else texts.push({ scope, text });
    }
    const current = texts.filter(({ scope, text }) => text.startsWith(`${generations.get(scope) ?? ''}.`));
    return { entries: current.length, bytes: current.reduce((sum, { text }) => sum + text.length, 0) };
  }

  async close(): Promise<void> {}

  async #read(first: string, second: string): Promise<unknown[]> {
    const { getMany } = this.#store;
    if (typeof getMany === 'function') return (await getMany.call(this.#store, [first, second])) as unknown[];
    return Promise.all([this.#store.get(first), this.#store.get(second)]);
  }
}

const generationKey = (scope: string) => `llm-cache:${scope}:generation`;
const entryKey = (scope: string, key: Key) => `llm-cache:${scope}:${key}`;
