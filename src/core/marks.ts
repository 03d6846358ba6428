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
  /** Of what: entries that one of these names. */
  readonly of: ReadonlySet<Mark>;
}

/** Makes marks. */
export const marks = {
  everything: '*',
  key: (key: Key): Mark => `k:${key}`,
  scope: (id: string): Mark => `s:${id}`,
  tag: (tag: string): Mark => `t:${tag}`,
  source: (id: string): Mark => `d:${id}`,
  created: ({ fromMs, untilMs }: TimeRange, of: readonly Mark[]): Mark =>
    `c:${fromMs}:${untilMs}:${JSON.stringify(of)}`,
} as const;

/** What of an entry removals may name. One that is still being generated has no time of creation. */
export interface Removable extends Pick<Entry, 'key' | 'scope' | 'epoch' | 'tags' | 'sources'> {
  readonly createdAtMs?: number | undefined;
}

/** Reads what `marks.created` wrote; undefined for other marks. */
export function rangedMark(mark: Mark): RangedMark | undefined {
  if (!mark.startsWith('c:')) return undefined;
  try {
    const [, fromMs, untilMs, of] = /^c:([^:]*):([^:]*):(.*)$/s.exec(mark) as RegExpExecArray;
    return { fromMs: Number(fromMs), untilMs: Number(untilMs), of: new Set(JSON.parse(of as string)) };
  } catch {
    // One that cannot be read may have meant anything.
    const everything = new Set([marks.everything]);
    return { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY, of: everything };
  }
}

/** True when the mark names the entry. What is still being generated may be created at any time. */
export function isNamed({ fromMs, untilMs, of }: RangedMark, entry: Removable): boolean {
  const { createdAtMs } = entry;
  if (createdAtMs !== undefined && !(createdAtMs >= fromMs && createdAtMs < untilMs)) return false;
  const { key, scope, tags = [], sources = [] } = entry;
  if (of.has(marks.everything) || of.has(marks.key(key)) || of.has(marks.scope(scope))) return true;
  return tags.some((tag) => of.has(marks.tag(tag))) || sources.some((source) => of.has(marks.source(source)));
}

/** True when all that the one names is named by the other. */
export function isWithin(one: RangedMark, other: RangedMark): boolean {
  const names = other.of.has(marks.everything) || [...one.of].every((mark) => other.of.has(mark));
  return names && other.fromMs <= one.fromMs && other.untilMs >= one.untilMs;
}
