// Small words of which one in place of another may ask something else. Only decide/ imports it.
import type { Word } from './features.js';

/** Groups of small words. */
export const smallKinds = ['relations', 'modals', 'auxiliaries', 'links'] as const;
export type SmallKind = (typeof smallKinds)[number];

/** The small words of a text by kind, as written small. */
export type SmallWords = Readonly<Record<SmallKind, ReadonlySet<string>>>;

const kindOf = new Map<string, SmallKind>();
for (const [kind, words] of Object.entries({
  relations:
    'of to in on at by for from with about into onto upon over under between among through during per via within up down off out without against',
  modals: 'can could may might should must need ought would will shall',
  auxiliaries: 'is are am was were be been being do does did has have had',
  links: 'and or but nor if because while unless than as when so',
} satisfies Record<SmallKind, string>))
  for (const word of words.split(' ')) kindOf.set(word, kind as SmallKind);

const none: ReadonlySet<string> = new Set();

/** Cost: a map read a word. */
export function smallWordsOf(words: readonly Word[]): SmallWords {
  const found: Record<SmallKind, ReadonlySet<string>> = {
    relations: none, modals: none, auxiliaries: none, links: none,
  }; // biome-ignore format: one screen
  for (const { text } of words) {
    const kind = kindOf.get(text);
    if (kind === undefined) continue;
    if (found[kind] === none) found[kind] = new Set();
    (found[kind] as Set<string>).add(text);
  }
  return found;
}
