// One function a rule: what in two questions shows that they have different answers. Only decide.ts and policy.ts import it.
import type { Features } from './features.js';
import type { Kind } from './kinds.js';
import { swapped } from './order.js';

/** Says in one short phrase how two questions differ, or `undefined` when this rule sees no difference. Symmetric in its verdict. */
export type Rule = (asked: Features, stored: Features) => string | undefined;

type Present = { has(key: string): boolean };

/** First value whose key the other side lacks. */
function missing(from: ReadonlyMap<string, string>, in_: Present): string | undefined {
  for (const [key, raw] of from) if (!in_.has(key)) return raw;
  return undefined;
}

const against = (asked: string, stored: string): string => `"${asked}" against "${stored}"`;
const only = (asked: string | undefined, stored: string | undefined): string =>
  asked !== undefined ? `only the asked question has "${asked}"` : `only the stored question has "${stored}"`;

/** The multisets of numbers differ. `one` and `first` count as 1 where the other question has a 1, and as nothing else. */
function numbers(asked: Features, stored: Features): string | undefined {
  if (asked.numbers.length === 0 && stored.numbers.length === 0) return undefined;
  const left = surplus(asked, stored);
  const right = surplus(stored, asked);
  if (left === undefined && right === undefined) return undefined;
  return left !== undefined && right !== undefined ? against(left, right) : only(left, right);
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
  if (flips % 2 === 0 || shown === undefined) return undefined;
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
  if (neighbour?.token.capital !== true || neighbour.info?.stop || !in_.stems.has(neighbour.stem))
    return false;
  const there = in_.words.findIndex((word) => word.stem === neighbour.stem);
  const instead = in_.words[there - step];
  return instead === undefined || instead.info?.stop === true || from.stems.has(instead.stem);
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

function oneEditApart(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  if (short.slice(at + 1) === long.slice(at + 1)) return true;
  if (short.slice(at) === long.slice(at + 1)) return true;
  return (
    short[at] === long[at + 1] && short[at + 1] === long[at] && short.slice(at + 2) === long.slice(at + 2)
  );
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
  if (asked.kinds.size === 0 || stored.kinds.size === 0) return undefined;
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

/** Every rule by its name, cheapest and surest first. */
export const rules = { numbers, negation, antonyms, units, order, names, question } as const satisfies Record<
  string,
  Rule
>;
