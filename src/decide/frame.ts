// Lays two questions side by side: what both say first and last, and what stands between on each side. Only decide/ imports it.
import type { Features } from './features.js';
import { oneEditApart } from './spelling.js';
import { areSynonyms, hasSynonyms } from './synonyms.js';

/** Two questions laid side by side. */
export interface Frame {
  /** Share of the words that both say in the same order at the beginning and at the end, in [0, 1]. */
  readonly share: number;
  /** Share of the words of subject matter, without names, that both have in any order, in [0, 1]; 1 when there are none. */
  readonly likeness: number;
  /** Stems between, as far as they carry a subject. */
  readonly asked: readonly string[];
  readonly stored: readonly string[];
  /** The same as written. */
  readonly askedRaw: string;
  readonly storedRaw: string;
  /** The questions are the same but for a word or two that stand in the place of others with another meaning. */
  readonly isSubstitution: boolean;
}

const longestSlot = 2;

let lastAsked: Features | undefined;
let lastStored: Features | undefined;
let lastFrame: Frame | undefined;

/** The frame of two questions; the last one is remembered, because several rules ask for it. Cost: linear in the count of words. */
export function frameOf(asked: Features, stored: Features): Frame {
  if (lastFrame === undefined || lastAsked !== asked || lastStored !== stored) {
    lastFrame = lay(asked, stored);
    lastAsked = asked;
    lastStored = stored;
  }
  return lastFrame;
}

function lay(asked: Features, stored: Features): Frame {
  const [a, b] = [asked.sequence, stored.sequence];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end])
    end++;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const both = start + end;
  const all = a.length + b.length;
  return {
    share: all === 0 ? 1 : (2 * both) / all,
    likeness: likenessOf(asked, stored),
    asked: left,
    stored: right,
    askedRaw: asked.sequenceRaw.slice(start, a.length - end).join(' '),
    storedRaw: stored.sequenceRaw.slice(start, b.length - end).join(' '),
    isSubstitution: isSubstitution(left, right, both, asked, stored),
  };
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
      if (in_.stems.has(stem) || hasSynonym(stem, in_)) both++;
    }
  }
  return all === 0 ? 1 : both / all;
}

function hasSynonym(stem: string, in_: Features): boolean {
  if (!hasSynonyms(stem)) return false;
  for (const other of in_.content.keys()) if (areSynonyms(stem, other)) return true;
  return false;
}

function isSubstitution(
  left: readonly string[],
  right: readonly string[],
  both: number,
  asked: Features,
  stored: Features,
): boolean {
  if (left.length === 0 || right.length === 0 || left.length > longestSlot || right.length > longestSlot)
    return false;
  // One common word is a frame only when the small words agree too.
  if (both < 1 || (both < 2 && !agree(asked, stored))) return false;
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
