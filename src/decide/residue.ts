// What two questions do not have in common, wherever it stands, and in which order stands what they have. Only decide/ imports it.
import type { Features } from './features.js';
import type { Frequencies } from './frequencies.js';
import { rememberLast } from './last-pair.js';
import { oneEditApart } from './spelling.js';
import { isIn } from './synonyms.js';
import type { Token } from './tokens.js';

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

/** The words beyond are not laid side by side, so that the work does not grow with the square of the length. */
const most = 64;

// Written anew by every call; nothing is kept in them.
const row = new Uint8Array(most + 1);
const places = new Uint8Array(most);

/** Cost: synchronous; the product of the counts of words, each up to 64. */
export function residueOf(asked: Features, stored: Features, frequencies: Pick<Frequencies, 'idf'>): Residue {
  const left = lacking(asked, stored, frequencies);
  const right = lacking(stored, asked, frequencies);
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

function lacking(from: Features, in_: Features, frequencies: Pick<Frequencies, 'idf'>): Lacking {
  const content: string[] = [];
  let [rarest, small] = [0, 0];
  let seen: Set<string> | undefined;
  for (let i = 0; i < from.words.length && i < most; i++) {
    const { stem } = from.words[i] as Token;
    if (in_.stems.has(stem) || seen?.has(stem)) continue;
    seen ??= new Set();
    seen.add(stem);
    if (!from.content.has(stem)) small++;
    else if (!meansTheSame(stem, in_)) {
      content.push(stem);
      rarest = Math.max(rarest, frequencies.idf(stem));
    }
  }
  return { content, rarest, small };
}

function meansTheSame(stem: string, { content, synonyms }: Features): boolean {
  if (isIn(stem, synonyms)) return true;
  if (stem.length < 5) return false;
  for (const other of content.keys()) if (oneEditApart(stem, other)) return true;
  return false;
}

/**
 * Longest run of words, with gaps, that both say in the same order, as a share of the longer question, in [0, 1]; 1 for two without
 * words. The last one is remembered.
 */
export const runOf = rememberLast(run);

function run(asked: Features, stored: Features): number {
  const across = Math.min(stored.words.length, most);
  const down = Math.min(asked.words.length, most);
  row.fill(0, 0, across + 1);
  for (let i = 0; i < down; i++) {
    const { stem } = asked.words[i] as Token;
    // A word that the other question lacks leaves the row as it is.
    if (!stored.stems.has(stem)) continue;
    let diagonal = 0;
    for (let j = 1; j <= across; j++) {
      const above = row[j] as number;
      row[j] =
        (stored.words[j - 1] as Token).stem === stem ? diagonal + 1 : Math.max(above, row[j - 1] as number);
      diagonal = above;
    }
  }
  const longer = Math.max(across, down);
  return longer === 0 ? 1 : (row[across] as number) / longer;
}

function disorderOf(asked: Features, stored: Features): number {
  let [count, crossed] = [0, 0];
  for (let i = 0; i < asked.sequence.length && i < most; i++) {
    const stem = asked.sequence[i] as string;
    // `30 days` is one thing here and `the day after` another: only what is content on both sides has a place.
    const at = asked.content.has(stem) ? stored.content.get(stem) : undefined;
    if (at === undefined || at >= most) continue;
    let later = 0;
    let j = 0;
    for (; j < count && places[j] !== at; j++) if ((places[j] as number) > at) later++;
    // Said before.
    if (j < count) continue;
    crossed += later;
    places[count++] = at;
  }
  return count < 2 ? 0 : (2 * crossed) / (count * (count - 1));
}

function beginning(a: string, b: string): number {
  const longest = Math.max(a.length, b.length);
  let same = 0;
  while (same < longest && a.charCodeAt(same) === b.charCodeAt(same)) same++;
  return same / longest;
}
