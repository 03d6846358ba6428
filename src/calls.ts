// What callers ask for, checked: options, scopes, questions, and calls that may generate. cache.ts imports it.
import type { AskOptions, GetOptions, ScopeOption } from './cache-types.js';
import type { Query } from './cascade.js';
import { placeOf } from './conversation.js';
import type { Clock } from './core/clock.js';
import { InvalidArgumentError } from './core/errors.js';
import { queryKey } from './core/key.js';
import { Labels } from './core/labels.js';
import { checkOptions } from './core/options.js';
import { Scope, type ScopeFields } from './core/scope.js';
import type { Policies } from './decide/policies.js';
import { type Freshness, type FreshnessOptions, freshnessOf } from './freshness.js';
import type { Call } from './generate.js';
import { checkTtl } from './origin.js';

export const scopeOptions = new Set(['scope']);
export const placeOptions = new Set([...scopeOptions, 'turns']);
export const getOptions = new Set([...placeOptions, 'signal', 'exact', 'accept']);
export const setOptions = new Set([...placeOptions, 'signal', 'exact', 'ttlMs', 'tags', 'sources']);
export const askOptions = new Set([...setOptions, 'accept', 'refresh', 'freshness', 'cacheable']);
export const streamOptions = new Set([...askOptions, 'join', 'split', 'replay', 'maxGapMs']);

/** What calls are checked against. */
export interface CallGround {
  /** Fingerprint of the embedder, as it gives it. */
  readonly fingerprint: string;
  /** Names the partition of calls without a tenant. Default: they share one. */
  readonly home: string | undefined;
  readonly freshness: FreshnessOptions | undefined;
  readonly clock: Clock;
}

/** Turns what callers give into queries. */
export class Calls {
  /** Of calls that name none. */
  readonly commonScope: Scope;
  readonly freshness: Freshness;
  readonly #ground: CallGround;

  constructor(ground: CallGround) {
    this.#ground = ground;
    this.commonScope = this.scope({});
    this.freshness = freshnessOf(ground.freshness);
  }

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT, as all here */
  scope(fields: ScopeFields): Scope {
    return new Scope(fields, this.#ground.fingerprint, this.#ground.home);
  }

  scopeOf({ scope }: ScopeOption): Scope {
    if (scope === undefined) return this.commonScope;
    if (!(scope instanceof Scope)) return this.scope(scope);
    if (scope.embedder !== this.commonScope.embedder) {
      throw new InvalidArgumentError('scope', "one made for this cache's embedder", scope.embedder);
    }
    return scope;
  }

  /** A question; `policies` refuse what would loosen them, also where an exact answer would not have to be decided. */
  query(
    text: string,
    options: Pick<GetOptions, 'scope' | 'turns' | 'accept' | 'exact'>,
    policies: Policies,
  ): Query {
    const { accept, turns } = options;
    let { exact } = options;
    let scope = this.scopeOf(options);
    if (turns !== undefined) {
      ({ scope, exact } = placeOf(text, turns, { scope, exact }, (fields) => this.scope(fields)));
    }
    const query = { text, key: queryKey(text, scope), scope, exact };
    if (accept === undefined) return query;
    policies.for(text, scope.fields, accept);
    return { ...query, accept };
  }

  /** A call that generates where nothing is stored; `known` are the options that it has. */
  call(
    text: string,
    generate: unknown,
    options: AskOptions,
    known: ReadonlySet<string>,
    policies: Policies,
  ): Omit<Call, 'streams' | 'begin' | 'plain'> {
    const started = this.#ground.clock.mono();
    checkOptions(options, known);
    const query = this.query(text, options, policies);
    if (typeof generate !== 'function') throw new InvalidArgumentError('generate', 'a function', generate);
    checkTtl(options.ttlMs);
    if (options.cacheable !== undefined && typeof options.cacheable !== 'function')
      throw new InvalidArgumentError('cacheable', 'a function', options.cacheable);
    const freshness = freshnessOf(options.freshness, this.freshness);
    return { query, options, labels: new Labels(options, query.scope), freshness, started };
  }
}
