// Builds the record of a lookup; cache.ts imports it.
import type { Lookup, Match } from './cache-types.js';
import type { Entry, Key } from './core/entry.js';
import type { Decision, Refusal } from './decide/decide.js';
import type { Saved } from './savings/savings.js';

/** What a lookup says; one literal and no spreading, because on the fastest path building this object is most of the work. */
export function makeLookup(
  key: Key,
  match: Match,
  entry: Entry | undefined,
  tier: string,
  similarity: number,
  refused: Refusal | null,
  decision: Decision,
  truncated: boolean,
  latencyMs: number,
  embedMs: number,
  saved: Saved,
): Lookup {
  return {
    match,
    value: entry?.value,
    tier,
    similarity,
    question: entry?.question,
    createdAtMs: entry?.createdAtMs,
    refused,
    decision,
    truncated,
    key,
    latencyMs,
    embedMs,
    coalesced: false,
    stale: false,
    usage: entry?.usage,
    saved,
  };
}
