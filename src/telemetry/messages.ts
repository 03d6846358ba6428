// Events as they leave the cache: flat, and without a word of prompts or answers unless that is wanted. telemetry/ imports it.
import type { Lookup } from '../cache-types.js';
import type { Key, Usage } from '../core/entry.js';
import type { Scope } from '../core/scope.js';
import type { Saved } from '../savings/savings.js';
import type {
  DegradedEvent,
  EvictedEvent,
  FactEvent,
  InvalidatedEvent,
  LookupEvent,
  PromotedEvent,
  StoredEvent,
} from './events.js';

/** A question and what became of it. */
export interface LookupMessage {
  readonly event: LookupEvent;
  readonly key: Key;
  /** Digest of the scope. */
  readonly scope: string;
  readonly tenant: string | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly match: Lookup['match'];
  readonly tier: string;
  /** Cosine, in [-1, 1]; of `refused` that of the question refused. */
  readonly similarity: number;
  /** The rule that refused. */
  readonly refusedBy: string | undefined;
  readonly latencyMs: number;
  readonly embedMs: number;
  readonly coalesced: boolean;
  readonly stale: boolean;
  readonly truncated: boolean;
  readonly usage: Usage | undefined;
  readonly saved: Saved;
  /** The prompt; only where texts are wanted. */
  readonly prompt?: string;
  /** The stored question that answered, or was refused; only where texts are wanted. */
  readonly question?: string | undefined;
}

/** What happened to the cache; `degraded` names the error by its code. */
export type FactMessage =
  | ({ readonly event: 'stored' } & StoredEvent)
  | ({ readonly event: 'promoted' } & PromotedEvent)
  | ({ readonly event: 'evicted' } & EvictedEvent)
  | ({ readonly event: 'invalidated' } & InvalidatedEvent)
  | ({ readonly event: 'degraded'; readonly error: string } & Omit<DegradedEvent, 'error'>);

/** What subscribers of the channels `llm-cache:hit`, `llm-cache:miss` and so on are given. */
export type TelemetryMessage = LookupMessage | FactMessage;

/** The payload of each fact. */
export interface Facts {
  stored: StoredEvent;
  promoted: PromotedEvent;
  evicted: EvictedEvent;
  invalidated: InvalidatedEvent;
  degraded: DegradedEvent;
}

/** The message of an event that concerns a question. */
export function lookupMessage(
  event: LookupEvent,
  lookup: Lookup,
  asked: { readonly text: string; readonly scope: Scope },
  withText: boolean,
): LookupMessage {
  const { refused } = lookup;
  const near = event === 'refused' ? refused : lookup;
  const { tenant, provider, model } = asked.scope.fields;
  return {
    event,
    key: lookup.key,
    scope: asked.scope.id,
    tenant,
    provider,
    model,
    match: lookup.match,
    tier: lookup.tier,
    similarity: near?.similarity ?? 0,
    refusedBy: refused?.rule,
    latencyMs: lookup.latencyMs,
    embedMs: lookup.embedMs,
    coalesced: lookup.coalesced,
    stale: lookup.stale,
    truncated: lookup.truncated,
    usage: lookup.usage,
    saved: lookup.saved,
    ...(withText ? { prompt: asked.text, question: near?.question } : {}),
  };
}

/** The message of another event. An error is told by its code, for its message may quote what was asked. */
export function factMessage<E extends FactEvent>(event: E, fact: Facts[E], withText: boolean): FactMessage {
  if (event !== 'degraded') return { event, ...fact } as FactMessage;
  const { error, ...rest } = fact as DegradedEvent;
  return { event, ...rest, error: withText ? String(error) : codeOf(error) };
}

function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof code === 'string') return code;
  return typeof name === 'string' ? name : 'unknown';
}
