// What an invalidation names, as marks of the ledger and as an event. The cascade, cache.ts and query-service.ts import it.
import type { Invalidation } from './cache-types.js';
import type { Key } from './core/entry.js';
import { InvalidArgumentError } from './core/errors.js';
import { isKey } from './core/key.js';
import { checkLabels, tagOfBase } from './core/labels.js';
import { type Mark, marks } from './core/ledger.js';
import type { InvalidatedEvent } from './telemetry/events.js';

/** Names of one kind that one invalidation takes. */
export const mostInvalidated = 1000;

/** The marks of an invalidation. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function marksOf({ tags, sources, key }: Invalidation, scopeId: string | undefined): Mark[] {
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
  { tags, sources }: Pick<Invalidation, 'tags' | 'sources'>,
  scope: string | undefined,
  key?: Key,
): InvalidatedEvent {
  return { by, tags, sources, scope, key };
}
