// What the rules look at, worked out once a text: words, numbers, sides, names, negations. Only decide/ imports it.
import { type Facets, facetsOf } from './facets.js';
import { type Kind, kindsOf } from './kinds.js';
import { numberWord, scaledNumber } from './number-words.js';
import { type SmallWords, SmallWordsFound } from './small-words.js';
import { nothing, put } from './sparse.js';
import { groupsOf, type SynonymGroups } from './synonyms.js';
import { type Token, tokenise } from './tokens.js';
import { entry, lookUp, type Side } from './vocabulary.js';

/** A name told by its capital. */
export interface CapitalName {
  /** As written. */
  readonly raw: string;
  /** Capitals after the first letter: an acronym or a brand. */
  readonly acronym: boolean;
  /** Index in `words`. */
  readonly at: number;
}

/** Everything the rules compare. */
export interface Features {
  /** Those that are no part of a number. */
  readonly words: readonly Token[];
  /** Canonical numbers and the operators between them, in order. */
  readonly numbers: readonly string[];
  /** Count of each canonical number. */
  readonly numberCounts: ReadonlyMap<string, number>;
  /** Group → its sides in this text → the word as written. */
  readonly sides: ReadonlyMap<number, ReadonlyMap<string, string>>;
  /** Group → the side that a negation right before it denies (`not correct`). */
  readonly denied: ReadonlyMap<number, string>;
  /** Canonical unit → the word as written. */
  readonly units: ReadonlyMap<string, string>;
  /** Listed canonical name → the word as written. */
  readonly listedNames: ReadonlyMap<string, string>;
  /** Names told by their capitals: stem → where they stand. */
  readonly capitalNames: ReadonlyMap<string, CapitalName>;
  /** Negating words as written, without those that change nothing (`or not`). */
  readonly negations: readonly string[];
  /** Stem of `safe` → `unsafe` as written. */
  readonly negated: ReadonlyMap<string, string>;
  /** `one` and `first`, which may or may not count something. */
  readonly ones: number;
  /** Stems of subject matter, prepositions, conjunctions, and numbers, in order. */
  readonly sequence: readonly string[];
  /** The same as written. */
  readonly sequenceRaw: readonly string[];
  /** Stem of every word. */
  readonly stems: ReadonlySet<string>;
  /** Stem of every word of subject matter → index in `sequence` where it first stands. */
  readonly content: ReadonlyMap<string, number>;
  /** Groups of near-synonyms that words of subject matter stand in. */
  readonly synonyms: SynonymGroups;
  /** What is asked for; empty when no question word tells. */
  readonly kinds: ReadonlySet<Kind>;
  /** Its relations, modals, auxiliaries and links. */
  readonly smallWords: SmallWords;
  /** Quantities by kind, quantifiers, person, tense, code, quotes, language. */
  readonly facets: Facets;
}

/** Longest text remembered and composed, in UTF-16 code units. */
export const maxMemoLength = 2_000;
const maxMemoEntries = 1_024;
/** Texts judged lately, with their features from the second time on. */
let young = new Map<string, Features | undefined>();
let old = new Map<string, Features | undefined>();

/** The features of the last text that was asked for: rules and verifier want them one after the other. */
function rememberLastText(make: (text: string) => Features): (text: string) => Features {
  let last: { readonly text: string; readonly features: Features } | undefined;
  return (text) => {
    if (last === undefined || last.text !== text) last = { text, features: make(text) };
    return last.features;
  };
}

/**
 * The features of a stored text. Remembers the last thousand or two of up to 2,000 characters that were judged more than once,
 * because what is asked often is judged again and again; keeping those that are judged once would cost more than it saves. Cost:
 * linear in the length of the text; a map read when remembered.
 */
export const featuresOf = rememberLastText((text) => {
  const present = young.get(text);
  if (present !== undefined) return present;
  const isAgain = young.has(text) || old.has(text);
  const features = old.get(text) ?? extract(text);
  if (text.length <= maxMemoLength) {
    if (young.size >= maxMemoEntries) {
      old = young;
      young = new Map();
    }
    young.set(text, isAgain ? features : undefined);
  }
  return features;
});

/**
 * The features of a text that is asked, for which the candidates are judged one after the other. Only the last one is remembered: a
 * text that comes again is mostly found by its key.
 */
export const featuresOfAsked = rememberLastText(extract);

// Composing marks can cost the square of their number, so only texts of ordinary length are composed.
const compose = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
  text.length > maxMemoLength || /^[\x00-\x7f]*$/.test(text) ? text : text.normalize('NFC');

/** The features of a text, not remembered. */
export function extract(text: string): Features {
  const composed = compose(text);
  return new Reader(composed, tokenise(composed));
}

/** Goes through the tokens once and notes what the rules need. */
class Reader implements Features {
  readonly words: Token[] = [];
  readonly numbers: string[] = [];
  numberCounts: ReadonlyMap<string, number> = nothing;
  sides: ReadonlyMap<number, ReadonlyMap<string, string>> = nothing;
  denied: ReadonlyMap<number, string> = nothing;
  units: ReadonlyMap<string, string> = nothing;
  listedNames: ReadonlyMap<string, string> = nothing;
  capitalNames: ReadonlyMap<string, CapitalName> = nothing;
  readonly negations: string[] = [];
  negated: ReadonlyMap<string, string> = nothing;
  readonly sequence: string[] = [];
  readonly sequenceRaw: string[] = [];
  readonly stems = new Set<string>();
  readonly content = new Map<string, number>();
  readonly synonyms: SynonymGroups;
  readonly kinds: ReadonlySet<Kind>;
  readonly smallWords = new SmallWordsFound();
  readonly facets: Facets;
  ones = 0;
  readonly #titled: boolean;
  /** Some unit behind a number is in the sequence, which is not subject matter there and may be elsewhere. */
  #hasCounted = false;

  constructor(text: string, tokens: readonly Token[]) {
    this.#titled = isTitleCase(tokens);
    this.kinds = kindsOf(tokens);
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i] as Token;
      if (token.kind === 'number') {
        const scaled = scaledNumber(token, tokens[i + 1]);
        if (scaled !== undefined) i++;
        this.#number(scaled ?? token.text, token.raw);
      } else if (token.kind === 'operator') {
        if (tokens[i - 1]?.kind === 'number' && tokens[i + 1]?.kind === 'number')
          this.#number(token.text, token.raw);
      } else {
        const value = numberWord(tokens, i);
        if (value === undefined) this.#word(tokens, i);
        else {
          i = value.last;
          this.#number(value.text, token.raw);
        }
      }
    }
    this.synonyms = groupsOf(this.content.keys());
    this.facets = facetsOf(text, tokens, this.sequence);
  }

  #number(value: string, raw: string): void {
    this.numbers.push(value);
    this.numberCounts = put(this.numberCounts, value, (this.numberCounts.get(value) ?? 0) + 1);
    this.#inSequence(value, raw);
  }

  #inSequence(text: string, raw: string): void {
    this.sequence.push(text);
    this.sequenceRaw.push(raw);
  }

  #word(tokens: readonly Token[], at: number): void {
    const token = tokens[at] as Token;
    const { text, raw, info, stem } = token;
    const previous = tokens[at - 1];
    const next = tokens[at + 1];
    this.words.push(token);
    this.stems.add(stem);
    if (info?.small !== undefined) this.smallWords.add(info.small, text);
    if (text === 'one' || text === 'first' || isArticleOfUnit(text, next)) this.ones++;
    if (info?.positive !== undefined) this.negated = put(this.negated, stem, raw);
    if (info?.sides !== undefined && isTellingSide(text, previous, next))
      this.#sides(info.sides, raw, isDenied(tokens, at));
    const negates = isNegation(token);
    if (negates && !isIdleNegation(tokens, at)) this.negations.push(raw);
    const counted = info?.unit !== undefined && isNumber(previous);
    if (info?.unit !== undefined && (counted || text.length > 2))
      this.units = put(this.units, info.unit, raw);

    const plain = negates || (info?.stop === true && raw !== 'IT');
    if (!plain) {
      this.#inSequence(stem, raw);
      if (counted) this.#hasCounted = true;
      else if (!this.content.has(stem)) this.content.set(stem, this.#firstPlace(stem));
    } else if (info?.isRelation === true) this.#inSequence(text, raw);
    this.#name(token, previous, next, plain);
  }

  /** Of the stem that was put into the sequence last. */
  #firstPlace(stem: string): number {
    return this.#hasCounted ? this.sequence.indexOf(stem) : this.sequence.length - 1;
  }

  #sides(sides: readonly Side[], raw: string, denied: boolean): void {
    for (const { group, member, deniable } of sides) {
      if (denied && deniable) {
        this.denied = put(this.denied, group, member);
        continue;
      }
      this.sides = put(this.sides, group, put(this.sides.get(group) ?? nothing, member, raw));
    }
  }

  #name(token: Token, previous: Token | undefined, next: Token | undefined, plain: boolean): void {
    const { raw, text, info, stem } = token;
    const name = info === undefined ? nameOfPeople(text) : info.name;
    const listed = this.#listedName(token, name, next);
    if (listed !== undefined) {
      const written = text === 'united' ? `${raw} ${next?.raw}` : raw;
      this.listedNames = put(this.listedNames, listed, written);
      this.stems.add(listed);
    } else if (text === 'us') this.stems.add('usa');
    // Written small, `apple` may still be the company that the other question means.
    else if (name !== undefined) this.stems.add(name);
    else if (!plain && !this.#titled && previous?.text !== 'united' && isCapitalName(token)) {
      const found = { raw, acronym: token.innerCapital, at: this.words.length - 1 };
      this.capitalNames = put(this.capitalNames, stem, found);
    }
  }

  #listedName(token: Token, name: string | undefined, next: Token | undefined): string | undefined {
    if (token.text === 'united') {
      if (next?.text === 'states') return 'usa';
      if (next?.text === 'kingdom') return 'britain';
    }
    if (name === undefined) return token.raw === 'US' ? 'usa' : undefined;
    if (token.info?.nameNeedsCapital !== true) return name;
    const telling = token.capital && (token.text.length === 1 || (!token.initial && !this.#titled));
    return telling ? name : undefined;
  }
}

function isNumber(token: Token | undefined): boolean {
  return token !== undefined && (token.kind === 'number' || token.info?.number !== undefined);
}

function isNegation({ text, raw, info }: Token): boolean {
  // Every n't, mistyped ones too.
  return info?.negation === true || (text.endsWith('nt') && /n['’]t$/i.test(raw));
}

/** A capital tells a name unless the word stands first, is shouted, or is known not to be one. */
function isCapitalName(token: Token): boolean {
  if (!token.capital || token.info?.sides !== undefined || token.info?.negation) return false;
  if (!token.innerCapital) return !token.initial;
  return token.text.length < 6 || token.raw !== token.raw.toUpperCase();
}

/** `Israelis` are told by the singular. */
const nameOfPeople = (word: string): string | undefined =>
  word.endsWith('s') ? lookUp(word.slice(0, -1))?.name : undefined;

/**
 * Most words of a title begin with a capital, so capitals tell no names there; nor do they in a text all in capitals. A few names in
 * a row are no title: it takes a capital on a word such as `The` or `Are`, or many capitals.
 */
function isTitleCase(tokens: readonly Token[]): boolean {
  let longer = 0;
  let capital = 0;
  let needed = 5;
  for (const token of tokens) {
    if (token.kind !== 'word' || token.initial) continue;
    if (token.capital && token.text !== 'i' && token.info?.stop) needed = 2;
    if (token.text.length < 4) continue;
    longer++;
    if (token.capital) capital++;
  }
  return longer >= needed && capital * 10 >= longer * 8;
}

const particles = new Set(['in', 'out', 'on', 'off', 'up', 'down']);
const phrasal = new Set(
  'log sign check zoom turn switch opt fade cash clock scale roll speed top logged signed turned switched'.split(
    ' ',
  ),
);

/** `in` is the opposite of `out` after `log`, hardly elsewhere; and `with no money` is `without money`. */
function isTellingSide(word: string, previous: Token | undefined, next: Token | undefined): boolean {
  if (particles.has(word)) return previous !== undefined && phrasal.has(previous.text);
  return word !== 'with' || next?.text !== 'no';
}

const intensifiers = new Set(['very', 'so', 'too', 'really']);

/** A negation stands right before the word, or before `very` and the like. */
function isDenied(tokens: readonly Token[], at: number): boolean {
  const close = tokens[at - 1];
  const before = close !== undefined && intensifiers.has(close.text) ? tokens[at - 2] : close;
  return before !== undefined && before.text !== 'without' && isNegation(before);
}

const isArticleOfUnit = (word: string, next: Token | undefined): boolean =>
  (word === 'a' || word === 'an') && next?.info?.unit !== undefined;

const doubts = new Set(['know', 'understand', 'sure', 'figure']);
const doubters = new Set(['i', 'im', 'am']);

/** `or not`, `whether or not`, `not only`, a closing `why not`, `I don't know how`: the question stays what it is. */
function isIdleNegation(tokens: readonly Token[], at: number): boolean {
  const word = tokens[at]?.text;
  const previous = tokens[at - 1]?.text ?? '';
  const next = tokens[at + 1];
  if (next !== undefined && doubts.has(next.text)) {
    const who = previous === 'do' ? (tokens[at - 2]?.text ?? '') : previous;
    if (doubters.has(who)) return true;
  }
  if (word === 'no') return next?.kind === 'number';
  if (word !== 'not') return false;
  if (previous === 'why') return next === undefined || next.initial;
  return previous === 'or' || previous === 'if' || next?.text === 'only';
}

for (const word of 'of to in on at by for from with about into onto upon over under between among through during per via than as and or vs versus'.split(
  ' ',
))
  entry(word).isRelation = true;
