// What two questions do not have in common, wherever it stands, and in which order stands what they have. Only decide/ imports it.
import type { Features, Word } from './features.js';
import type { Frequencies } from './frequencies.js';
import { oneEditApart } from './spelling.js';
import { areSynonyms } from './synonyms.js';

/** Two questions without what both say. */
export interface Residue {
  /** Longest run of words, with gaps, that both say in the same order, as a share of the longer question, in [0, 1]. */
  readonly run: number;
  /** Share of the pairs of words of subject matter that both have whose order differs, in [0, 1]. */
  readonly disorder: number;
  /** Words of subject matter that both have, counting synonyms and misspellings. */
  readonly shared: number;
  readonly asked: Lacking;
  readonly stored: Lacking;
  /** Likeness in spelling of the two most alike words that the other lacks: shared beginning over the longer length, in [0, 1]. */
  readonly alike: number;
}

/** What one question says and the other does not. */
export interface Lacking {
  /** Words of subject matter without synonym or misspelling in the other question. */
  readonly content: readonly string[];
  /** Inverse document frequency of the rarest of them; 0 without any. */
  readonly rarest: number;
  /** Count of other words that the other question lacks. */
  readonly small: number;
}

/** Groups of small words of which one in place of another may ask something else. */
export const smallKinds = ['relations', 'modals', 'auxiliaries', 'links'] as const;
type SmallKind = (typeof smallKinds)[number];

const kindOf = new Map<string, SmallKind>();
for (const [kind, words] of Object.entries({
  relations:
    'of to in on at by for from with about into onto upon over under between among through during per via within up down off out without against',
  modals: 'can could may might should must need ought would will shall',
  auxiliaries: 'is are am was were be been being do does did has have had',
  links: 'and or but nor if because while unless than as when so',
} satisfies Record<SmallKind, string>))
  for (const word of words.split(' ')) kindOf.set(word, kind as SmallKind);

/** The words beyond are not laid side by side, so that the work does not grow with the square of the length. */
const most = 64;

/** Cost: synchronous; the product of the counts of words, each up to 64. */
export function residueOf(asked: Features, stored: Features, frequencies: Pick<Frequencies, 'idf'>): Residue {
  const left = lacking(asked.words.slice(0, most), asked, stored, frequencies);
  const right = lacking(stored.words.slice(0, most), stored, asked, frequencies);
  let alike = 0;
  for (const one of left.content)
    for (const other of right.content) alike = Math.max(alike, beginning(one, other));
  return {
    run: runOf(asked, stored),
    disorder: disorderOf(asked, stored),
    shared: asked.content.size - left.content.length,
    asked: left,
    stored: right,
    alike,
  };
}

/** The small words of a kind, as written small. */
export function smallWords({ words }: Features, kind: SmallKind): Set<string> {
  const found = new Set<string>();
  for (const { token } of words) if (kindOf.get(token.text) === kind) found.add(token.text);
  return found;
}

function lacking(
  words: readonly Word[],
  from: Features,
  in_: Features,
  frequencies: Pick<Frequencies, 'idf'>,
): Lacking {
  const content: string[] = [];
  let [rarest, small] = [0, 0];
  const seen = new Set<string>();
  for (const { stem } of words) {
    if (in_.stems.has(stem) || seen.has(stem)) continue;
    seen.add(stem);
    if (!from.content.has(stem)) small++;
    else if (!meansTheSame(stem, in_)) {
      content.push(stem);
      rarest = Math.max(rarest, frequencies.idf(stem));
    }
  }
  return { content, rarest, small };
}

function meansTheSame(stem: string, { content }: Features): boolean {
  for (const other of content.keys())
    if (areSynonyms(stem, other) || (stem.length >= 5 && oneEditApart(stem, other))) return true;
  return false;
}

/** Longest run of words, with gaps, that both say in the same order, as a share of the longer question, in [0, 1]; 1 for two without words. */
export function runOf(asked: Features, stored: Features): number {
  const [a, b] = [asked.words.slice(0, most), stored.words.slice(0, most)];
  let row = new Uint8Array(b.length + 1);
  for (const { stem } of a) {
    const next = new Uint8Array(b.length + 1);
    for (let j = 1; j <= b.length; j++)
      next[j] =
        (b[j - 1] as Word).stem === stem
          ? (row[j - 1] as number) + 1
          : Math.max(row[j] as number, next[j - 1] as number);
    row = next;
  }
  const longer = Math.max(a.length, b.length);
  return longer === 0 ? 1 : (row[b.length] as number) / longer;
}

function disorderOf(asked: Features, stored: Features): number {
  const place = new Map<string, number>();
  for (const [at, stem] of stored.sequence.slice(0, most).entries())
    if (stored.content.has(stem) && !place.has(stem)) place.set(stem, at);
  const places: number[] = [];
  for (const stem of new Set(asked.sequence.slice(0, most))) {
    const at = place.get(stem);
    if (at !== undefined) places.push(at);
  }
  let crossed = 0;
  for (let i = 0; i < places.length; i++)
    for (let j = i + 1; j < places.length; j++) if ((places[i] as number) > (places[j] as number)) crossed++;
  return places.length < 2 ? 0 : (2 * crossed) / (places.length * (places.length - 1));
}

function beginning(a: string, b: string): number {
  const longest = Math.max(a.length, b.length);
  let same = 0;
  while (same < longest && a[same] === b[same]) same++;
  return same / longest;
}
