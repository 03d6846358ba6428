// What an invalidation names, as marks of the ledger and as an event, and how the tiers are told. The cascade, cache.ts and query-service.ts import it.
import type { Invalidation } from './cache-types.js';
import type { Key } from './core/entry.js';
import { InvalidArgumentError } from './core/errors.js';
import { isKey } from './core/key.js';
import { checkLabels, tagOfBase } from './core/labels.js';
import type { Ledger } from './core/ledger.js';
import { type Mark, marks, type TimeRange } from './core/marks.js';
import type { Tier } from './core/tier.js';
import type { InvalidatedEvent } from './telemetry/events.js';

/** Names of one kind that one invalidation takes. */
export const mostInvalidated = 1000;

/** Names of all kinds that one invalidation narrows by a time: they are one mark. A scope counts twice. */
const mostNarrowed = 100;

/** The marks of an invalidation. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT also for one that names nothing */
export function marksOf(what: Invalidation, scopeId: string | undefined): Mark[] {
  const named = namedBy(what, scopeId);
  const range = rangeOf(what);
  // An empty list of tags names nothing, which no time makes everything.
  const isEmpty = what.tags !== undefined || what.sources !== undefined;
  if (named.length === 0 && (range === undefined || isEmpty)) {
    const expected = 'with at least one of tags, sources, scope, key, createdAfter and createdBefore';
    throw new InvalidArgumentError('what', expected, what);
  }
  if (range === undefined) return named;
  if (named.length > mostNarrowed) {
    throw new InvalidArgumentError('what', `at most ${mostNarrowed} names beside a time`, named.length);
  }
  return [marks.created(range, named.length > 0 ? named : [marks.everything])];
}

/** The time that an invalidation names; undefined where it names none. */
function rangeOf({ createdAfter, createdBefore }: Invalidation): TimeRange | undefined {
  if (createdAfter === undefined && createdBefore === undefined) return undefined;
  const fromMs = millisecondsOf('createdAfter', createdAfter, Number.NEGATIVE_INFINITY);
  const untilMs = millisecondsOf('createdBefore', createdBefore, Number.POSITIVE_INFINITY);
  if (fromMs < untilMs) return { fromMs, untilMs };
  throw new InvalidArgumentError('createdBefore', 'later than createdAfter', createdBefore);
}

function millisecondsOf(name: string, time: Date | number | undefined, absent: number): number {
  const ms = time === undefined ? absent : time instanceof Date ? time.getTime() : time;
  if (typeof ms === 'number' && !Number.isNaN(ms)) return ms;
  throw new InvalidArgumentError(name, 'a Date, or milliseconds since 1970', time);
}

function namedBy({ tags, sources, key }: Invalidation, scopeId: string | undefined): Mark[] {
  if (key !== undefined && !isKey(key)) {
    throw new InvalidArgumentError('key', 'a key as lookups show it: 64 hexadecimal digits', key);
  }
  return [
    ...checkLabels('tags', tags, mostInvalidated).map(marks.tag),
    ...checkLabels('sources', sources, mostInvalidated).map(marks.source),
    ...(scopeId === undefined ? [] : scopeMarks(scopeId)),
    ...(key === undefined ? [] : [marks.key(key)]),
  ];
}

/** The marks of a scope, with its conversations. */
export function scopeMarks(scopeId: string): Mark[] {
  return [marks.scope(scopeId), marks.tag(tagOfBase(scopeId))];
}

/** The event of a removal. */
export function removedBy(
  by: InvalidatedEvent['by'],
  what: Omit<Invalidation, 'scope' | 'key'>,
  scope: string | undefined,
  key?: Key,
): InvalidatedEvent {
  const { tags, sources } = what;
  const range = rangeOf(what);
  const times = range && { createdAfterMs: range.fromMs, createdBeforeMs: range.untilMs };
  return { by, tags, sources, scope, key, ...times };
}

/**
 * The ledger first: from then on no lookup serves it, whatever a tier still holds or cannot remove now. Then the last tier first,
 * each after the one below it, so that nothing is promoted from below into a tier that is done.
 */
export async function removeFromAll<T>(
  tiers: readonly Tier[],
  ledger: Ledger,
  removed: readonly Mark[],
  call: (tier: Tier) => T | Promise<T>,
): Promise<T[]> {
  const told = ledger.remove(removed);
  const results: T[] = [];
  const failures: unknown[] = [];
  for (const tier of tiers.toReversed()) {
    try {
      results.push(await call(tier));
    } catch (error) {
      failures.push(error);
    }
  }
  await told;
  if (failures.length > 0) throw failures[0];
  return results;
}
