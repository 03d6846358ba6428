// What a lookup came to: its record for the caller, the counts, the events, and what warming is told. cache.ts and resolve.ts use it.
import type { Answer, Lookup } from './cache-types.js';
import type { Finding, Query } from './cascade.js';
import type { Clock } from './core/clock.js';
import type { Entry, Key } from './core/entry.js';
import type { Scope } from './core/scope.js';
import type { Decision } from './decide/decide.js';
import type { Lessons } from './lessons.js';
import { makeLookup } from './lookup.js';
import type { Recorder } from './recorder.js';
import { nothingSaved } from './savings/savings.js';
import type { Hub } from './telemetry/hub.js';

/** Who wants to know. */
export interface Listeners {
  /** The stored question that answered, or the one that was asked. */
  asked(scope: Scope, asked: { readonly key: Key; readonly question: string }): void;
  readonly hub: Hub;
}

/** What an answer's generation took, as far as it is known. */
export type Worth = Pick<Entry, 'usage' | 'costMs'>;

/** Makes the records of lookups and passes them on. */
export class Outcomes {
  readonly recorder: Recorder;
  readonly #clock: Clock;
  readonly #firstTier: string;
  readonly #exact: Decision;
  readonly #lessons: Lessons | undefined;
  readonly #listeners: Listeners;

  constructor(
    {
      clock,
      tiers,
      lessons,
    }: {
      readonly clock: Clock;
      readonly tiers: readonly { readonly name: string }[];
      readonly lessons?: Lessons | undefined;
    },
    recorder: Recorder,
    exact: Decision,
    listeners: Listeners,
  ) {
    this.recorder = recorder;
    this.#clock = clock;
    this.#firstTier = tiers[0]?.name ?? '';
    this.#exact = exact;
    this.#lessons = lessons;
    this.#listeners = listeners;
  }

  /** A hit that needed no waiting. */
  hitAtOnce<T>(query: Query, entry: Entry, started: number): Answer<T> {
    const { key, scope } = query;
    this.#listeners.asked(scope, entry);
    this.#lessons?.exact(query, entry);
    const latencyMs = this.#clock.mono() - started;
    this.recorder.hitAtOnce(this.#firstTier, latencyMs);
    const saved = this.recorder.savings.note(scope, entry, latencyMs);
    const found = makeLookup(
      key,
      'exact',
      entry,
      this.#firstTier,
      1,
      null,
      this.#exact,
      false,
      latencyMs,
      0,
      saved,
    );
    this.#listeners.hub.lookup('hit', found, query);
    return found as Answer<T>;
  }

  /** The record of what was found, not yet counted. */
  lookup(query: Query, finding: Finding, started: number): Lookup {
    const { hit, refused, decision, embedding, embedMs } = finding;
    this.#lessons?.looked(query, finding);
    const truncated = embedding?.truncated ?? false;
    const latencyMs = this.#clock.mono() - started;
    const how = hit === undefined ? 'none' : hit.exact ? 'exact' : 'semantic';
    return makeLookup(
      query.key,
      how,
      hit?.entry,
      hit?.tier ?? 'origin',
      hit?.similarity ?? 0,
      refused ?? null,
      decision,
      truncated,
      latencyMs,
      embedMs,
      hit === undefined ? nothingSaved : this.recorder.savings.note(query.scope, hit.entry, latencyMs),
    );
  }

  /** Notes that the question was asked. */
  note({ key, text, scope }: Query, { hit }: Finding): void {
    this.#listeners.asked(scope, hit?.entry ?? { key, question: text });
  }

  /** The answer as a call gets it that shared another's lookup or generation; `made` is what that took, once it is known. */
  joined(query: Query, answer: Answer, made: Worth | undefined, started: number): Answer {
    const latencyMs = this.#clock.mono() - started;
    this.recorder.count('queries');
    this.recorder.count('coalesced');
    const saved =
      made === undefined ? nothingSaved : this.recorder.savings.note(query.scope, made, latencyMs);
    const joined = { ...answer, coalesced: true, latencyMs, saved };
    this.#listeners.hub.lookup('joined', joined, query);
    return joined;
  }

  /** Counts a lookup that is done and tells of it. */
  record<L extends Lookup>(lookup: L, query: Query): L {
    const { hub } = this.#listeners;
    this.recorder.lookup(lookup);
    const isMiss = lookup.match === 'none';
    hub.lookup(isMiss ? 'miss' : 'hit', lookup, query);
    if (isMiss && lookup.refused !== null) hub.lookup('refused', lookup, query);
    return lookup;
  }
}
