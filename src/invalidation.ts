// What an invalidation names, as marks of the ledger. cache.ts imports it.
import type { Invalidation } from './cache-types.js';
import { InvalidArgumentError } from './core/errors.js';
import { checkLabels } from './core/labels.js';
import { type Mark, marks } from './core/ledger.js';

const mostInvalidated = 1000;

/** The marks of an invalidation. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function marksOf({ tags, sources, key }: Invalidation, scopeId: string | undefined): Mark[] {
  if (key !== undefined && !/^[0-9a-f]{64}$/.test(key)) {
    throw new InvalidArgumentError('key', 'a key as lookups show it: 64 hexadecimal digits', key);
  }
  return [
    ...checkLabels('tags', tags, mostInvalidated).map(marks.tag),
    ...checkLabels('sources', sources, mostInvalidated).map(marks.source),
    ...(scopeId === undefined ? [] : [marks.scope(scopeId)]),
    ...(key === undefined ? [] : [marks.key(key)]),
  ];
}
