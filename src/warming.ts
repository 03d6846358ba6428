// Warming as the cache has it: what was asked is noted, and the warmer is given what it needs of the cascade. cache.ts imports it.
import type { GenerateContext } from './cache-types.js';
import type { Cascade, Query } from './cascade.js';
import type { Clock } from './core/clock.js';
import type { Entry, Key } from './core/entry.js';
import { InvalidArgumentError } from './core/errors.js';
import { queryKey } from './core/key.js';
import type { Scope, ScopeFields } from './core/scope.js';
import { Popularity, type PopularQuestion } from './warm/popularity.js';
import {
  type PopularityStore,
  type RoundLease,
  type SharedCounts,
  Warmer,
  type WarmerOptions,
  type WarmItem,
  type WarmReport,
} from './warm/warmer.js';

/** What only whoever opened the cache can give to warming. */
export interface WarmHooks {
  /** Makes the answer to a popular question anew; without it answers are kept alive and in memory, and those that are gone stay so. */
  readonly regenerate?: ((question: PopularQuestion, context: GenerateContext) => unknown) | undefined;
  /** The scope in which the question would be asked today. Default: the one in which it was. */
  readonly retarget?: ((scope: ScopeFields) => ScopeFields | Promise<ScopeFields>) | undefined;
}

/** How one round is wanted. */
export interface WarmOptions {
  /** Questions looked at, from 1. Default: `warming.topN` of the configuration. */
  readonly topN?: number | undefined;
  /** Ends the round early; the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What warming is made of; `open` puts it together from configuration. */
export interface WarmingParts {
  readonly options: WarmerOptions;
  /** Questions counted exactly. */
  readonly capacity: number;
  readonly store?: PopularityStore | undefined;
  readonly counts?: SharedCounts | undefined;
  readonly lease?: ((forMs: number) => Promise<RoundLease | undefined>) | undefined;
}

/** What it uses of its cache. */
export interface WarmingGround {
  readonly cascade: Cascade;
  readonly clock: Clock;
  readonly ttlMs: number;
  /** As scopes carry it. */
  readonly embedder: string;
  scopeOf(fields: ScopeFields): Scope;
  /** Generates and stores in the place of what there is. */
  refresh(
    query: { readonly question: string; readonly scope: Scope },
    generate: (context: GenerateContext) => unknown,
    labels: Pick<Entry, 'tags' | 'sources'>,
    signal: AbortSignal,
  ): Promise<unknown>;
}

/** Counts questions and keeps the popular ones warm. */
export class Warming {
  readonly #popularity: Popularity;
  readonly #warmer: Warmer;
  readonly #ground: WarmingGround;
  #hooks: WarmHooks = {};
  #isStarted = false;

  constructor({ options, capacity, ...shared }: WarmingParts, ground: WarmingGround) {
    this.#ground = ground;
    this.#popularity = new Popularity(capacity);
    const { cascade, clock, ttlMs, embedder } = ground;
    const find = (item: WarmItem) => cascade.findExact(queryOf(item)).then((found) => found?.hit?.entry);
    this.#warmer = new Warmer(
      options,
      {
        ttlMs,
        clock,
        embedder,
        find,
        retarget: (item) => this.#retarget(item),
        spread: (entry, replace) => cascade.spread(entry, replace),
        regenerate: (item, before, signal) => this.#regenerate(item, before, signal),
      },
      this.#popularity,
      shared,
    );
  }

  /** Notes that a question was asked: the stored one that answered it, or itself. */
  note(scope: Scope, asked: { readonly key: Key; readonly question: string }): void {
    this.#popularity.note(scope, asked);
  }

  /** Begins the rounds, or gives those that have begun other hooks. */
  start(hooks: WarmHooks): void {
    this.#hooks = hooks;
    if (!this.#isStarted) this.#warmer.start();
    this.#isStarted = true;
  }

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
  async popular(count: number): Promise<PopularQuestion[]> {
    checkCount('count', count);
    const items = await this.#warmer.popular(count);
    return items.flatMap((item) => (item.question === undefined ? [] : [show(item, item.question)]));
  }

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
  async round({ topN, signal }: WarmOptions): Promise<WarmReport> {
    if (topN !== undefined) checkCount('topN', topN);
    return this.#warmer.round(signal, topN);
  }

  /** What was removed for good is not asked for again by us. Never rejects. */
  async forget(scopeId?: string, key?: Key): Promise<void> {
    await this.#warmer.forget(scopeId, key).catch(() => {});
  }

  stop(): Promise<void> {
    return this.#warmer.stop();
  }

  async #retarget(item: WarmItem): Promise<WarmItem> {
    const { retarget } = this.#hooks;
    if (retarget === undefined || item.question === undefined) return item;
    const scope = this.#ground.scopeOf(await retarget(item.scope.fields));
    return scope.id === item.scope.id ? item : { ...item, scope, key: queryKey(item.question, scope) };
  }

  async #regenerate(item: WarmItem, before: Entry | undefined, signal: AbortSignal): Promise<boolean> {
    const { regenerate } = this.#hooks;
    const { question, scope } = item;
    // Of what only other processes have been asked we do not know the scope's fields.
    if (regenerate === undefined || question === undefined) return false;
    const { tags, sources } = before ?? {};
    const generate = (context: GenerateContext) => regenerate(show(item, question), context);
    await this.#ground.refresh({ question, scope }, generate, { tags, sources }, signal);
    return true;
  }
}

function queryOf({ key, scope, question = '' }: WarmItem): Query {
  return { text: question, key, scope };
}

function show({ key, scope, count }: WarmItem, question: string): PopularQuestion {
  return { key, question, scope: scope.fields, scopeId: scope.id, count };
}

function checkCount(name: string, count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > 1_000_000)
    throw new InvalidArgumentError(name, 'a whole number from 1 to 1,000,000', count);
}
