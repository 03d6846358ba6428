// Small words of which one in place of another may ask something else. Only decide/ imports it.
import { tell } from './vocabulary.js';

/** Groups of small words. */
export const smallKinds = ['relations', 'modals', 'auxiliaries', 'links'] as const;
export type SmallKind = (typeof smallKinds)[number];

/** The small words of a text by kind, as written small. */
export type SmallWords = Readonly<Record<SmallKind, ReadonlySet<string>>>;

tell('small', {
  relations:
    'of to in on at by for from with about into onto upon over under between among through during per via within up down off out without against',
  modals: 'can could may might should must need ought would will shall',
  auxiliaries: 'is are am was were be been being do does did has have had',
  links: 'and or but nor if because while unless than as when so',
});

const none: ReadonlySet<string> = new Set();

/** Gathers the small words of a text. */
export class SmallWordsFound implements SmallWords {
  relations = none;
  modals = none;
  auxiliaries = none;
  links = none;

  add(kind: SmallKind, word: string): void {
    if (this[kind] === none) this[kind] = new Set();
    (this[kind] as Set<string>).add(word);
  }
}
