// Lays two questions side by side: what both say first and last, and what stands between on each side. Only decide/ imports it.
import type { Features } from './features.js';
import { rememberLast } from './last-pair.js';
import { oneEditApart } from './spelling.js';
import { areSynonyms, isIn } from './synonyms.js';

/** Two questions laid side by side. */
export interface Frame {
  /** Share of the words that both say in the same order at the beginning and at the end, in [0, 1]. */
  readonly share: number;
  /** Share of the words of subject matter, without names, that both have in any order, in [0, 1]; 1 when there are none. */
  readonly likeness: number;
  /** Entries of `sequence` that both have at the beginning, and at the end. */
  readonly start: number;
  readonly end: number;
  /** The questions are the same but for a word or two that stand in the place of others with another meaning. */
  readonly isSubstitution: boolean;
}

const longestSlot = 2;

/** The frame of two questions; the last one is remembered. Cost: linear in the count of words. */
export const frameOf = rememberLast(lay);

function lay(asked: Features, stored: Features): Frame {
  const [a, b] = [asked.sequence, stored.sequence];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end])
    end++;
  const both = start + end;
  const all = a.length + b.length;
  return {
    share: all === 0 ? 1 : (2 * both) / all,
    likeness: likenessOf(asked, stored),
    start,
    end,
    isSubstitution: isSubstitution(start, end, asked, stored),
  };
}

/** What one of the questions has between, as written. */
export function slotOf({ sequenceRaw }: Features, { start, end }: Frame): string {
  return sequenceRaw.slice(start, sequenceRaw.length - end).join(' ');
}

function likenessOf(asked: Features, stored: Features): number {
  let all = 0;
  let both = 0;
  for (const [from, in_] of [
    [asked, stored],
    [stored, asked],
  ] as const) {
    for (const stem of from.content.keys()) {
      if (from.capitalNames.has(stem) || from.listedNames.has(stem)) continue;
      all++;
      if (in_.stems.has(stem) || isIn(stem, in_.synonyms)) both++;
    }
  }
  return all === 0 ? 1 : both / all;
}

function isSubstitution(start: number, end: number, asked: Features, stored: Features): boolean {
  const both = start + end;
  const isShort = ({ sequence }: Features) => sequence.length > both && sequence.length <= both + longestSlot;
  if (!isShort(asked) || !isShort(stored)) return false;
  // One common word is a frame only when the small words agree too.
  if (both < 1 || (both < 2 && !agree(asked, stored))) return false;
  const [left, right] = [asked, stored].map(({ sequence }) =>
    sequence.slice(start, sequence.length - end),
  ) as [string[], string[]];
  const meansOther = (from: readonly string[], in_: readonly string[], whole: Features): boolean =>
    from.some((word) => whole.content.has(word)) &&
    !from.some((word) => /^\d/.test(word)) &&
    from.every((word) => !in_.some((other) => areSynonyms(word, other) || isSpelling(word, other)));
  return meansOther(left, right, asked) && meansOther(right, left, stored);
}

/** As many words, and most of the small ones the same. */
function agree(asked: Features, stored: Features): boolean {
  if (Math.abs(asked.words.length - stored.words.length) > 1) return false;
  let common = 0;
  for (const { stem } of asked.words) if (stored.stems.has(stem)) common++;
  return common >= 3 && common >= asked.words.length - 2;
}

/** One word derived from or misspelt for the other: the same first letters. */
function isSpelling(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  if (length < 3) return false;
  if (length >= 5 && oneEditApart(a, b)) return true;
  let same = 0;
  while (same < length && a[same] === b[same]) same++;
  return same >= 5 || same === length || (same >= 3 && same >= length - 1);
}
