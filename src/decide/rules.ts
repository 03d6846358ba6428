// One function a rule: what in two questions shows that they have different answers. Only decide.ts and policy.ts import it.

import type { FacetKind } from './facets.js';
import type { Features } from './features.js';
import { frameOf, slotOf } from './frame.js';
import type { Kind } from './kinds.js';
import { type OfPair, rememberLast } from './last-pair.js';
import { swapped } from './order.js';
import { plantedIn } from './planted.js';
import { oneEditApart } from './spelling.js';

/** Says in one short phrase how two questions differ, or `undefined` when this rule sees no difference. Symmetric in its verdict. */
export type Rule = OfPair<string | undefined>;

type Present = { has(key: string): boolean };

/** First value whose key the other side lacks. */
function missing(from: ReadonlyMap<string, string>, in_: Present): string | undefined {
  for (const [key, raw] of from) if (!in_.has(key)) return raw;
  return undefined;
}

const against = (asked: string, stored: string): string => `"${asked}" against "${stored}"`;
const only = (asked: string | undefined, stored: string | undefined): string =>
  asked !== undefined ? `only the asked question has "${asked}"` : `only the stored question has "${stored}"`;

/**
 * What one question alone says tells of another answer only where the rest is much the same: `the 5 best tips` against `the best
 * tips`. In quite other words it may be said otherwise, and the verifier judges.
 */
const muchTheSame = 0.8;
const likeEnough = (asked: Features, stored: Features, least = muchTheSame): boolean =>
  frameOf(asked, stored).likeness >= least;

/** The multisets of numbers differ, or one question of two that are much the same has some. `one` and `first` count as 1 where the other question has a 1, and as nothing else. */
function numbers(asked: Features, stored: Features): string | undefined {
  if (asked.numbers.length === 0 && stored.numbers.length === 0) return undefined;
  const left = surplus(asked, stored);
  const right = surplus(stored, asked);
  if (left === undefined && right === undefined) return undefined;
  if (left !== undefined && right !== undefined) return against(left, right);
  return likeEnough(asked, stored) ? only(left, right) : undefined;
}

function surplus(from: Features, in_: Features): string | undefined {
  for (const [number, count] of from.numberCounts) {
    const spare = number === '1' ? in_.ones : 0;
    if (count > (in_.numberCounts.get(number) ?? 0) + spare) return number;
  }
  return undefined;
}

/** One unit stands in the place of another. */
function units(asked: Features, stored: Features): string | undefined {
  const left = missing(asked.units, stored.units);
  if (left === undefined) return undefined;
  const right = missing(stored.units, asked.units);
  return right === undefined ? undefined : against(left, right);
}

/** One question negates, the other does not: an odd number of negations against an even one, `unsafe` against `safe` counting as one. */
function negation(asked: Features, stored: Features): string | undefined {
  let flips =
    asked.negations.length + stored.negations.length - opposites(asked, stored) - opposites(stored, asked);
  let shown = asked.negations[0] ?? stored.negations[0];
  const inAsked = asked.negations.length > 0;
  const prefixed = flipsOf(asked, stored) ?? flipsOf(stored, asked);
  if (prefixed !== undefined) {
    flips++;
    shown ??= prefixed;
  }
  if (flips % 2 === 0 || shown === undefined || !likeEnough(asked, stored)) return undefined;
  if (asked.negations.length === 0 && stored.negations.length === 0)
    return `"${shown}" negates what the other question says`;
  return `only one of the questions is negated: ${inAsked ? 'asked' : 'stored'} has "${shown}"`;
}

/** Negations that say in one question what an opposite says in the other: `not correct`, `wrong`. */
function opposites(from: Features, in_: Features): number {
  let count = 0;
  for (const [group, member] of from.denied) {
    const sides = in_.sides.get(group);
    if (sides !== undefined && !sides.has(member)) count++;
  }
  return count;
}

function flipsOf(from: Features, in_: Features): string | undefined {
  for (const [base, raw] of from.negated) if (in_.stems.has(base) && !in_.negated.has(base)) return raw;
  return undefined;
}

/** Each question holds a side of a group of opposites or alternatives that the other lacks. */
function antonyms(asked: Features, stored: Features): string | undefined {
  for (const [group, sides] of asked.sides) {
    const others = stored.sides.get(group);
    if (others === undefined) continue;
    const left = missing(sides, others);
    const right = missing(others, sides);
    if (left !== undefined && right !== undefined) return against(left, right);
  }
  return undefined;
}

/** The same words stand in swapped roles: `USD to EUR` against `EUR to USD`. */
function order(asked: Features, stored: Features): string | undefined {
  const pair = swapped(asked.sequence, stored.sequence);
  if (pair === undefined) return undefined;
  const [first, second] = pair.map(([from, to]) => asked.sequenceRaw.slice(from, to).join(' '));
  return `"${first}" and "${second}" have changed places`;
}

/** A name is replaced, or named by one question alone. */
function names(asked: Features, stored: Features): string | undefined {
  if (
    asked.listedNames.size + asked.capitalNames.size + stored.listedNames.size + stored.capitalNames.size ===
    0
  )
    return undefined;
  const left = missing(asked.listedNames, stored.stems);
  const right = missing(stored.listedNames, asked.stems);
  if (left !== undefined && right !== undefined) return against(left, right);
  const leftCapital = missingCapitals(asked, stored);
  const rightCapital = missingCapitals(stored, asked);
  const l = left ?? leftCapital.any;
  const r = right ?? rightCapital.any;
  if (l !== undefined && r !== undefined) return against(l, r);
  if (!likeEnough(asked, stored, 0.7) || !nearlyWordForWord(asked, stored)) return undefined;
  const leftAlone = left ?? leftCapital.alone;
  const rightAlone = right ?? rightCapital.alone;
  return leftAlone === undefined && rightAlone === undefined ? undefined : only(leftAlone, rightAlone);
}

interface Missing {
  /** First capital name that the other question lacks. */
  any?: string;
  /** First of them that is more than the first name, title or kind of a name they share (`Hillary Clinton`, `Clinton`). */
  alone?: string;
}

const nothing: Missing = {};

function missingCapitals(from: Features, in_: Features): Missing {
  let found: Missing = nothing;
  for (const [stem, name] of from.capitalNames) {
    if (in_.stems.has(stem) || isMisspelt(stem, in_)) continue;
    if (found === nothing) found = { any: name.raw };
    const extends_ = !name.acronym && (enlarges(from, name.at, 1, in_) || enlarges(from, name.at, -1, in_));
    if (!extends_) return { any: found.any as string, alone: name.raw };
  }
  return found;
}

/**
 * The name's neighbour is a name that the other question has too, with nothing new in this name's place: `Hillary Clinton` enlarges
 * `Clinton`, but `Infosys Bangalore` does not enlarge `Wipro Bangalore`.
 */
function enlarges(from: Features, at: number, step: 1 | -1, in_: Features): boolean {
  const neighbour = from.words[at + step];
  if (neighbour?.capital !== true || neighbour.info?.stop || !in_.stems.has(neighbour.stem)) return false;
  const there = in_.words.findIndex((word) => word.stem === neighbour.stem);
  const instead = in_.words[there - step];
  return instead === undefined || instead.info?.stop || from.stems.has(instead.stem);
}

/** The other question spells the name with one letter more, less or other, or writes it out (`Fuji`, `Fujifilm`). */
function isMisspelt(stem: string, in_: Features): boolean {
  if (stem.length < 4) return false;
  for (const other of in_.content.keys()) {
    if (in_.listedNames.has(other)) continue;
    if (other.length >= 4 && (other.startsWith(stem) || stem.startsWith(other))) return true;
    if (stem.length >= 6 && oneEditApart(stem, other)) return true;
  }
  return false;
}

const asksFor: ReadonlySet<Kind> = new Set([
  'when',
  'where',
  'who',
  'why',
  'how many',
  'how long',
  'how often',
]);
const near = new Set([
  'when how long',
  'when how often',
  'how many how long',
  'how many how often',
  'how long how often',
]);

/** One question asks for a time and the other for a place, a person, a reason, an amount; or for a reason against yes or no. */
function question(asked: Features, stored: Features): string | undefined {
  if (asked.kinds.size === 0 || stored.kinds.size === 0 || !likeEnough(asked, stored)) return undefined;
  let shown: string | undefined;
  for (const a of asked.kinds) {
    for (const b of stored.kinds) {
      if (!excludes(a, b) && !excludes(b, a)) return undefined;
      if (a !== 'why' && b !== 'why' && (a === 'how' || b === 'how') && finds(asked) && finds(stored))
        return undefined;
      shown ??= against(a, b);
    }
  }
  return shown;
}

/** Where and how to find something are one question. */
const finds = (features: Features): boolean =>
  ['find', 'locat', 'get', 'see', 'check'].some((stem) => features.stems.has(stem));

function excludes(a: Kind, b: Kind): boolean {
  if (a === b) return false;
  if (a === 'why' && b === 'whether') return true;
  if (a === 'where' && b === 'how') return true;
  return asksFor.has(a) && asksFor.has(b) && !near.has(`${a} ${b}`) && !near.has(`${b} ${a}`);
}

/** Each question has words of the kind that the other lacks, or one alone has some that tell. */
function facet(kind: FacetKind, telling: ReadonlySet<string>): Rule {
  return (asked, stored) => {
    const [a, b] = [asked.facets[kind], stored.facets[kind]];
    if (a.size === 0 && b.size === 0) return undefined;
    const left = missing(a, b);
    const right = missing(b, a);
    if (left === undefined && right === undefined) return undefined;
    if (!likeEnough(asked, stored, 0.7) || !nearlyWordForWord(asked, stored)) return undefined;
    if (left !== undefined && right !== undefined) return against(left, right);
    for (const [from, in_] of [
      [a, b],
      [b, a],
    ] as const)
      for (const key of from.keys()) if (telling.has(key) && !in_.has(key)) return only(left, right);
    return undefined;
  };
}

/** All words but one or two are in the other question too, small ones included. */
const nearlyWordForWord = (asked: Features, stored: Features, most = 2): boolean =>
  mostLacking(asked, stored) <= most;

/** Count of the words of one question that the other lacks, small ones included; the greater of both counts. */
const mostLacking = rememberLast((asked, stored) => {
  const lacks = (from: Features, in_: Features): number => {
    let count = 0;
    for (const stem of from.stems) if (!in_.stems.has(stem)) count++;
    return count;
  };
  return Math.max(lacks(asked, stored), lacks(stored, asked));
});

/** The word lists are English; of other languages these rules say nothing. */
const isEnglish = ({ facets }: Features): boolean => facets.language === 'en' || facets.language === '';

const none: ReadonlySet<string> = new Set();

/** All, some, none, only, both, at least: another share of the same things. */
const quantifiers = facet(
  'quantifiers',
  new Set(['all', 'only', 'both', 'half', 'none', 'most', 'at least', 'at most', 'twice', 'distinct']),
);

/** What will be against what was or has become. Of present and past, `what is` and `what was` are too often one question. */
function tense(asked: Features, stored: Features): string | undefined {
  const [a, b] = [asked.facets.tenses, stored.facets.tenses];
  const later = a.get('future') ?? b.get('future');
  if (later === undefined || a.has('future') === b.has('future')) return undefined;
  const other = a.has('future') ? b : a;
  const earlier = other.get('past') ?? other.get('perfect');
  if (earlier === undefined || !likeEnough(asked, stored)) return undefined;
  return a.has('future') ? against(later, earlier) : against(earlier, later);
}

/** Another person: whom it concerns. */
const person = facet('persons', none);

/** Other pieces of code, flags, paths or identifiers, each question having its own. */
function code(asked: Features, stored: Features): string | undefined {
  const left = missing(asked.facets.codes, stored.facets.codes);
  if (left === undefined) return undefined;
  const right = missing(stored.facets.codes, asked.facets.codes);
  return right === undefined ? undefined : against(left, right);
}

/** The questions are word for word the same but for a word or two that mean something else. */
function substitution(asked: Features, stored: Features): string | undefined {
  const frame = frameOf(asked, stored);
  if (!frame.isSubstitution || !isEnglish(asked) || !isEnglish(stored)) return undefined;
  if (!nearlyWordForWord(asked, stored, 1)) return undefined;
  return against(slotOf(asked, frame), slotOf(stored, frame));
}

/** Every rule by its name, cheapest and surest first. Each remembers what it said last. */
export const rules = {
  numbers: rememberLast(numbers),
  negation: rememberLast(negation),
  antonyms: rememberLast(antonyms),
  units: rememberLast(units),
  order: rememberLast(order),
  names: rememberLast(names),
  question: rememberLast(question),
  quantifiers: rememberLast(quantifiers),
  tense: rememberLast(tense),
  person: rememberLast(person),
  code: rememberLast(code),
  substitution: rememberLast(substitution),
  planted: rememberLast(plantedIn),
} as const satisfies Record<string, Rule>;
