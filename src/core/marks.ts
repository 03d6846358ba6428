// What removals name: everything, a key, a scope, a tag or a source, and of these perhaps only what was created in a time. ledger.ts and its kin import it.
import type { Entry, Key } from './entry.js';

/** What is removed, as text. */
export type Mark = string;

/** Wall-clock milliseconds: at or after `fromMs`, and before `untilMs`. Infinite where there is no bound. */
export interface TimeRange {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A mark that names only what was created in a time. */
export interface RangedMark extends TimeRange {
  /** Whose entries. */
  readonly of: Mark;
}

/** Makes marks. */
export const marks = {
  everything: '*',
  key: (key: Key): Mark => `k:${key}`,
  scope: (id: string): Mark => `s:${id}`,
  tag: (tag: string): Mark => `t:${tag}`,
  source: (id: string): Mark => `d:${id}`,
  created: ({ fromMs, untilMs }: TimeRange, of: Mark): Mark => `c:${fromMs}:${untilMs}:${of}`,
} as const;

/** What of an entry removals may name. One that is still being generated has no time of creation. */
export interface Removable extends Pick<Entry, 'key' | 'scope' | 'epoch' | 'tags' | 'sources'> {
  readonly createdAtMs?: number | undefined;
}

/** Reads what `marks.created` wrote; undefined for other marks. */
export function rangedMark(mark: Mark): RangedMark | undefined {
  if (!mark.startsWith('c:')) return undefined;
  const [, fromMs, untilMs, of] = /^c:([^:]*):([^:]*):(.*)$/s.exec(mark) ?? [];
  // One that cannot be read may have meant anything.
  if (of === undefined) return { fromMs: -Infinity, untilMs: Infinity, of: marks.everything };
  return { fromMs: Number(fromMs), untilMs: Number(untilMs), of };
}

/** True when the mark names the entry. What is still being generated may be created at any time. */
export function isNamed({ fromMs, untilMs, of }: RangedMark, entry: Removable): boolean {
  const { createdAtMs } = entry;
  if (createdAtMs !== undefined && !(createdAtMs >= fromMs && createdAtMs < untilMs)) return false;
  const name = of.slice(2);
  switch (of.slice(0, 2)) {
    case 'k:':
      return name === entry.key;
    case 's:':
      return name === entry.scope;
    case 't:':
      return entry.tags?.includes(name) ?? false;
    case 'd:':
      return entry.sources?.includes(name) ?? false;
    default:
      return true;
  }
}

/** True when all that the one names is named by the other. */
export function isWithin(one: RangedMark, other: RangedMark): boolean {
  const sameOf = other.of === marks.everything || other.of === one.of;
  return sameOf && other.fromMs <= one.fromMs && other.untilMs >= one.untilMs;
}
