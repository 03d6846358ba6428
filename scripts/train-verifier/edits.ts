// Makes pairs of questions whose label follows from how they were made: one edit that asks something else, or rewrites that ask the same. The trainer imports it.
import type { LabelledPair } from './data.ts';
import { askers, before, behind, equal, exclusive } from './edit-words.ts';
import { type Random, randomOf } from './random.ts';

type Edit = (text: string, random: Random) => string | undefined;

const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)] as T;

/** For a word or phrase of a text: what may stand in its place, by the phrase in small letters. */
type Exchanges = ReadonlyMap<string, readonly string[]>;

function exchangesOf(lines: readonly string[]): Exchanges {
  const found = new Map<string, string[]>();
  for (const line of lines) {
    const phrases = line.split(' / ');
    for (const phrase of phrases) {
      const others = phrases.filter((other) => other !== phrase);
      found.set(phrase.toLowerCase(), [...(found.get(phrase.toLowerCase()) ?? []), ...others]);
    }
  }
  return found;
}

/** One phrase of the text gives way to another of its list. */
function exchange(exchanges: Exchanges): Edit {
  const phrases = [...exchanges.keys()].sort((a, b) => b.length - a.length).map(escaped);
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${phrases.join('|')})(?![\\p{L}\\p{N}'’])`, 'giu');
  return (text, random) => {
    const matches = [...text.matchAll(pattern)];
    if (matches.length === 0) return undefined;
    const match = pick(matches, random);
    const other = pick(exchanges.get(match[0].toLowerCase()) as readonly string[], random);
    return spliced(text, match.index, match[0], likeWritten(other, match[0], match.index === 0));
  };
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const spliced = (text: string, at: number, old: string, by: string) =>
  text.slice(0, at) + by + text.slice(at + old.length);
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const likeWritten = (text: string, old: string, isFirst: boolean) =>
  isFirst && old.charAt(0) !== old.charAt(0).toLowerCase() ? capital(text) : text;

const verbs = /\b(is|are|was|were|do|does|did|can|could|should|would|will|has|have)\b/i;

/** A `not` is put in or taken out. */
const negate: Edit = (text, random) => {
  if (/\b(?:not|never)\s|n['’]t\b/i.test(text)) {
    return text.replace(/\b(?:not|never)\s|n['’]t\b/i, (found) => (/^n['’]/i.test(found) ? '' : ''));
  }
  const verb = verbs.exec(text);
  if (verb === null) return undefined;
  const words = text.split(' ');
  const at = text.slice(0, verb.index).split(' ').length - 1 + (random() < 0.5 ? 1 : 2);
  if (at >= words.length) return undefined;
  return [...words.slice(0, at), pick(['not', 'not', 'never', 'no longer'], random), ...words.slice(at)].join(
    ' ',
  );
};

/** A number becomes another. */
const renumber: Edit = (text, random) => {
  const matches = [...text.matchAll(/\d+/g)].filter(([digits]) => digits.length < 9);
  if (matches.length === 0) return undefined;
  const match = pick(matches, random);
  const value = Number(match[0]);
  const others = [value + 1, value + 2, Math.abs(value - 1), value * 2, value * 10, value + 10, value * 3];
  const other = pick(others, random);
  return other === value ? undefined : spliced(text, match.index, match[0], String(other));
};

const asker = /^(how (?:much|many|long|often)|how|why|when|where|who|which|what)\b/i;
const reask: Edit = (text, random) => {
  const found = asker.exec(text);
  if (found === null) return undefined;
  const other = pick(askers, random);
  return other === found[0].toLowerCase() ? undefined : capital(other) + text.slice(found[0].length);
};

const around =
  /\b([\p{L}-]{3,}) (from|to|into|than|over|before|after|of|for|in|with|on|by) ((?:the |a |my )?[\p{L}-]{3,})\b/iu;
const fromTo = /\bfrom ([\p{L}\p{N}-]+) (?:in)?to ([\p{L}\p{N}-]+)\b/iu;
/** Two things change places. */
const swap: Edit = (text) => {
  const found = fromTo.exec(text);
  if (found !== null) return exchanged(text, found.index, found[0], found[1] as string, found[2] as string);
  const other = around.exec(text);
  return other === null
    ? undefined
    : exchanged(text, other.index, other[0], other[1] as string, other[3] as string);
};
function exchanged(text: string, at: number, all: string, a: string, b: string): string | undefined {
  if (a.toLowerCase() === b.toLowerCase()) return undefined;
  const [first, last] = [all.indexOf(a), all.lastIndexOf(b)];
  if (first < 0 || last <= first) return undefined;
  const turned = all.slice(0, first) + b + all.slice(first + a.length, last) + a + all.slice(last + b.length);
  return spliced(text, at, all, turned);
}

const name = /(?<=[a-z,] )\p{Lu}[\p{L}]{2,}(?: \p{Lu}[\p{L}]+)*/gu;
const content = /(?<![\p{L}\p{N}'’])[a-z]{5,}(?![\p{L}\p{N}'’])/gu;
const small = new Set(
  'about after again against because before being below between could doing during every other their there these thing things those through under until where which while would without should people person someone something anything really actually getting having using makes better great possible between needed right whose doesn didn'.split(
    ' ',
  ),
);

/** Edits that need to know what the texts talk about: another name, another word between the same neighbours. */
function learned(texts: readonly string[]): Record<string, Edit> {
  const names = texts.flatMap((text) => text.match(name) ?? []);
  const byPlace = new Map<string, Set<string>>();
  const places = (text: string) => {
    const words = text.toLowerCase().match(/[\p{L}\p{N}'’]+/gu) ?? [];
    return words.map((word, i): [string, string] => [
      `${words[i - 1] ?? '^'} _ ${words[i + 1] ?? '$'}`,
      word,
    ]);
  };
  for (const text of texts)
    for (const [place, word] of places(text)) {
      if (word.length < 5 || small.has(word)) continue;
      const found = byPlace.get(place);
      if (found === undefined) byPlace.set(place, new Set([word]));
      else found.add(word);
    }
  return {
    entity(text, random) {
      const matches = [...text.matchAll(name)];
      if (matches.length === 0) return undefined;
      const match = pick(matches, random);
      const other = pick(names, random);
      return other.toLowerCase() === match[0].toLowerCase()
        ? undefined
        : spliced(text, match.index, match[0], other);
    },
    word(text, random) {
      const matches = [...text.matchAll(content)].filter(([word]) => !small.has(word));
      if (matches.length === 0) return undefined;
      const match = pick(matches, random);
      const place = places(text).find(([, word]) => word === match[0])?.[0];
      // A common beginning is mostly another form of the same word.
      const others = [...(byPlace.get(place ?? '') ?? [])].filter(
        (other) => other.slice(0, 4) !== match[0].slice(0, 4),
      );
      return others.length === 0 ? undefined : spliced(text, match.index, match[0], pick(others, random));
    },
  };
}

const rephrase = exchange(exchangesOf(equal));
const lower = (text: string) =>
  /^\p{Lu}\p{Ll}|^\p{Lu} /u.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
const unmarked = (text: string) => text.replace(/[?.!\s]+$/, '');

/** Rewrites that ask the same. */
const rewrites: Record<string, Edit> = {
  rephrased: rephrase,
  twice: (text, random) => {
    const once = rephrase(text, random);
    return once && (rephrase(once, random) ?? once);
  },
  polite: (text, random) =>
    random() < 0.6 ? pick(before, random) + lower(text) : text + pick(behind, random),
  careless: (text, random) => (random() < 0.5 ? unmarked(text.toLowerCase()) : unmarked(text)),
  misspelt(text, random) {
    const words = text.split(' ');
    const at = Math.floor(random() * words.length);
    const word = words[at] as string;
    if (!/^[a-z]{6,}$/.test(word)) return undefined;
    const i = 1 + Math.floor(random() * (word.length - 3));
    words[at] = word.slice(0, i) + word.charAt(i + 1) + word.charAt(i) + word.slice(i + 2);
    return words.join(' ');
  },
  fronted(text) {
    const found = /^(.{12,}) ((?:in|on|at|during|after|before) (?:the |my |a )?[\p{L}\p{N}-]+)[?.]*$/iu.exec(
      text,
    );
    return found === null ? undefined : `${capital(found[2] as string)}, ${lower(found[1] as string)}?`;
  },
  keywords(text) {
    const words = (text.match(/[\p{L}\p{N}'’-]+/gu) ?? []).filter((word) => !dropped.has(word.toLowerCase()));
    return words.length < 3 ? undefined : words.join(' ').toLowerCase();
  },
};
const dropped = new Set('a an the is are do does i can you what how to of my it there be some'.split(' '));

/**
 * `count` pairs of each label out of the texts of `sources`, with the side and the component of their source. Seeded. An edit that
 * happens to ask the same is possible and rare; so is a rewrite that does not.
 */
export function editedPairs(sources: readonly LabelledPair[], count: number, seed: number): LabelledPair[] {
  const random = randomOf(seed);
  const origins = new Map(sources.flatMap((pair) => [[pair.a, pair] as const, [pair.b, pair] as const]));
  const texts = [...origins.keys()].filter((text) => text.length >= 15 && text.length <= 150);
  const edits: Record<string, Edit> = {
    ...Object.fromEntries(
      Object.entries(exclusive).map(([kind, lines]) => [kind, exchange(exchangesOf(lines))]),
    ),
    negation: negate,
    number: renumber,
    question: reask,
    direction: swap,
    ...learned(texts),
  };
  return [...made(edits, false), ...made(rewrites, true)];

  function made(kinds: Record<string, Edit>, same: boolean): LabelledPair[] {
    const pairs: LabelledPair[] = [];
    const names = Object.keys(kinds);
    const seen = new Set<string>();
    // Most texts have no place for most edits.
    for (let tried = 0; pairs.length < count && tried < 400 * count; tried++) {
      const a = pick(texts, random);
      const kind = names[pairs.length % names.length] as string;
      let b = (kinds[kind] as Edit)(a, random);
      // Real traps are seldom typed alike in all the rest.
      if (b !== undefined && !same && random() < 0.3)
        b = pick(Object.values(rewrites), random)(b, random) ?? b;
      if (b === undefined || b === a || seen.has(`${a}\0${b}`)) continue;
      seen.add(`${a}\0${b}`);
      const { component, part } = origins.get(a) as LabelledPair;
      const [asked, stored] = random() < 0.5 ? [a, b] : [b, a];
      pairs.push({ a: asked, b: stored, same, set: 'edits', component, part, class: kind });
    }
    return pairs;
  }
}
