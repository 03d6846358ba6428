// What SemanticCache takes and gives; types only. The public face exports it.
import type { Key, Usage } from './core/entry.js';
import type { LabelOptions } from './core/labels.js';
import type { LedgerHealth } from './core/ledger.js';
import type { Scope, ScopeFields } from './core/scope.js';
import type { LatencySummary } from './core/stats.js';
import type { Decision, Refusal } from './decide/decide.js';
import type { Accept } from './decide/policy.js';
import type { FreshnessOptions } from './freshness.js';
import type { DecisionStats } from './lessons.js';
import type { Saved, SavingsStats } from './savings/savings.js';
import type { StoreHook } from './store-policy/policy.js';
import type { ReplayOptions, StreamShape } from './streams/recording.js';
import type { StreamSource } from './streams/source.js';
import type { TierHealth } from './tiers/guard.js';

/** Makes an answer when none is stored. The signal aborts when every caller that waits for the answer has gone. */
export type Generate<T> = (context: GenerateContext) => T | Promise<T>;

/** Makes an answer as a stream of texts or of other parts. */
export type GenerateStream<P> = (context: GenerateContext) => StreamSource<P> | Promise<StreamSource<P>>;

export interface GenerateContext {
  readonly signal: AbortSignal;
  /** The prompt's embedding (unit length) when one was made. */
  readonly vector: Float32Array | undefined;
  /** Tags the answer with more than the call named; up to 64 in all. */
  readonly addTags: (...tags: readonly string[]) => void;
  /** Names documents the answer is drawn from, once they are known; up to 64 in all. */
  readonly addSources: (...sources: readonly string[]) => void;
  /** Says what the answer has cost, in the form of any API, where the answer does not say it itself (`usage`). */
  readonly reportUsage: (usage: unknown) => void;
}

export interface ScopeOption {
  /** What else the answer depends on; answers are never shared across scopes. Default: nothing else, and the answers stay with the cache directory. */
  readonly scope?: Scope | ScopeFields | undefined;
}

export interface TurnsOption {
  /**
   * Earlier turns of the conversation, in their order: any JSON values, best `{ role, content }`. Where the prompt does not stand alone (`and
   * in Chile?`, `who founded it?`), or a turn does more than ask (`answer in French`), its answer is found after these very turns only.
   * Default none: the prompt is all there is.
   */
  readonly turns?: readonly unknown[] | undefined;
}

export interface ExactOption {
  /** Match by key alone: nothing is embedded, and the answer is never found by a question in other words. Default false. */
  readonly exact?: boolean | undefined;
}

export interface GetOptions extends ScopeOption, TurnsOption, ExactOption {
  /** Gives up waiting; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Accept less by meaning than the operator does, for this call. Default: what the operator accepts. */
  readonly accept?: Accept | undefined;
}

export interface SetOptions extends Omit<GetOptions, 'accept'>, LabelOptions {
  /** Milliseconds the answer lives; default: the cache's. `Infinity` for ever. */
  readonly ttlMs?: number | undefined;
}

export interface AskOptions extends SetOptions, Pick<GetOptions, 'accept'> {
  /** Generate anew and replace what is stored. Default false. */
  readonly refresh?: boolean | undefined;
  /** How old an answer may be and how long a new one may take; over what the cache's configuration says. */
  readonly freshness?: FreshnessOptions | undefined;
  /** Whether a generated answer is kept; overrules the cache's rules. Default: they decide. */
  readonly cacheable?: StoreHook | undefined;
}

/** How an answer is streamed. `P`: a part; `V`: the plain answer that `wrap` and `get` give for it. */
export interface StreamOptions<P, V = unknown> extends AskOptions, StreamShape<P, V>, ReplayOptions {}

/** How an answer was found. */
export type Match = 'exact' | 'semantic' | 'none';

/** What a lookup found. */
export interface Lookup<T = unknown> {
  readonly match: Match;
  /** The stored answer; undefined when `match` is `none`. */
  readonly value: T | undefined;
  /** Name of the tier that had it; `origin` when `match` is `none`. */
  readonly tier: string;
  /** Cosine of the two questions, in [-1, 1]; 1 for an exact match, 0 for none. */
  readonly similarity: number;
  /** The stored question that was answered; undefined for none. */
  readonly question: string | undefined;
  /** Wall-clock milliseconds of the answer's generation; undefined for none. */
  readonly createdAtMs: number | undefined;
  /** A stored question that was near enough and was refused by a rule; null when there was none. */
  readonly refused: Refusal | null;
  /** Whether and why the answer was accepted. In shadow mode `accepted` may be true where `match` is `none`. */
  readonly decision: Decision;
  /** The prompt is longer than the embedder reads, so only an exact match was possible. */
  readonly truncated: boolean;
  readonly key: Key;
  /** Milliseconds from call to answer, embedding included. */
  readonly latencyMs: number;
  /** Milliseconds of it spent on the embedding. */
  readonly embedMs: number;
  /** The answer was generated once for several callers, and this was not the first of them. Always false for `get`. */
  readonly coalesced: boolean;
  /** The answer is past its time to live, and was served because there is no new one yet. Always false for `get`. */
  readonly stale: boolean;
  /** Tokens that the answer's generation took; undefined where that is unknown, and of a stream that has not ended. */
  readonly usage: Usage | undefined;
  /** What this call did not have to spend. */
  readonly saved: Saved;
}

/** What `ask` returns. */
export interface Answer<T = unknown> extends Lookup<T> {
  readonly value: T;
}

/** Where `set` stored an answer. */
export interface SetReport {
  /** Names of the tiers that hold it. */
  readonly stored: readonly string[];
  /** Names of the tiers that could not write it. One that keeps no such entry (too large, without a vector) is in neither. */
  readonly failed: readonly string[];
}

/** What `invalidate` removes: every answer that one of these names; with a time, of those only what was created in it, and by itself all that was (beside a time at most 100 names in all, of which a scope counts as two). */
export interface Invalidation extends ScopeOption {
  /** At most 1,000. */
  readonly tags?: readonly string[] | undefined;
  /** At most 1,000. */
  readonly sources?: readonly string[] | undefined;
  /** A `key` as lookups show it. */
  readonly key?: Key | undefined;
  /** Only answers created then or later (`createdAtMs` of lookups): a date, or milliseconds since 1970. Default: of any age. */
  readonly createdAfter?: Date | number | undefined;
  /** Only answers created before, by the clocks of the processes that generated them. Default: up to now. */
  readonly createdBefore?: Date | number | undefined;
}

/** How far an invalidation has come. */
export interface InvalidationReport {
  /** Every process can see it. False: it holds in this process, and is queued until the shared tier is back. */
  readonly shared: boolean;
}

/** One tier's part of the statistics. */
export interface TierStats {
  readonly name: string;
  readonly entries: number;
  readonly bytes: number;
  /** Latencies of its exact hits. */
  readonly exact: LatencySummary;
  /** Latencies of its semantic hits, embedding included. */
  readonly semantic: LatencySummary;
  /** The same without the embedding. */
  readonly semanticWithoutEmbedding: LatencySummary;
  readonly health: TierHealth;
}

/** Counts since `open`. */
export interface CacheStats {
  readonly queries: number;
  /** Hits of all tiers. */
  readonly hits: number;
  /** Queries that no tier could answer. */
  readonly misses: number;
  /** Queries that shared another's generation. */
  readonly coalesced: number;
  /** Misses where a stored question was near enough and was refused by a rule. */
  readonly refused: number;
  /** Queries too long to be matched by meaning. */
  readonly truncated: number;
  /** Embeddings that failed; such a query is matched exactly or not at all. */
  readonly embedErrors: number;
  /** Writes to a tier that failed. */
  readonly storeErrors: number;
  /** Decisions that a verifier made impossible by throwing; nothing is accepted by meaning then. */
  readonly decideErrors: number;
  /** Generated answers that cannot be serialised and so were not stored. */
  readonly uncacheable: number;
  /** Generated answers that were not stored because the rules or a hook said so. */
  readonly withheld: number;
  /** Answers past their time to live that were served. */
  readonly stale: number;
  /** Answers made anew in the background, stored or not. */
  readonly revalidations: number;
  /** What hits, and calls that shared another's generation, did not have to spend. */
  readonly saved: SavingsStats;
  /** Latencies of embeddings, as waited for. */
  readonly embedding: LatencySummary;
  /** Latencies of misses, generation included. */
  readonly miss: LatencySummary;
  /** Latencies of all queries but those that shared another's generation. */
  readonly latency: LatencySummary;
  readonly tiers: readonly TierStats[];
  readonly ledger: LedgerHealth;
  /** What is known of the decisions; undefined where nothing is learnt. */
  readonly decision: DecisionStats | undefined;
}

/** What is in service. */
export interface Health {
  /** False when nothing is matched by meaning: switched off, or the embedder failed its check. */
  readonly semantic: boolean;
  readonly tiers: readonly TierHealth[];
  /** How well this process knows what was removed by others. */
  readonly ledger: LedgerHealth;
}
