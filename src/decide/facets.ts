// What a text says besides its words: quantities by kind, quantifiers, person, tense, code, quotes, language. Only features.ts imports it.
import { codeOf, quotesOf } from './code.js';
import { languageOf } from './language.js';
import { bigrams, type Sketch, trigrams } from './sketch.js';
import { nothing, put } from './sparse.js';
import type { Token } from './tokens.js';
import { entry, tell, type WordInfo } from './vocabulary.js';

/** Kinds of things of which each question has a set: the sets are the same, differ, or stand on one side alone. */
export const facetKinds = [
  'plainNumbers',
  'dates',
  'versions',
  'currencies',
  'percentages',
  'quantifiers',
  'persons',
  'tenses',
  'codes',
  'quotes',
] as const;

export type FacetKind = (typeof facetKinds)[number];

/** The sets, by kind, and what else is known of a text as a whole. */
export interface Facets extends Readonly<Record<FacetKind, ReadonlyMap<string, string>>> {
  /** Code of the language (`en`, `de`, …) or script; empty when nothing tells. */
  readonly language: string;
  /** Length in UTF-16 code units. */
  readonly length: number;
  readonly trigrams: Sketch;
  readonly bigrams: Sketch;
}

const currencies = new Set(
  (
    'usd eur gbp jpy inr cny chf cad aud nzd sek nok dkk krw rub btc eth peso pln czk huf ron hrk try brl zar thb sgd hkd ils aed ' +
    'pounds-sterling'
  ).split(' '),
);

tell('date', {
  today: 'today tonight',
  tomorrow: 'tomorrow',
  yesterday: 'yesterday',
  weekend: 'weekend weekends',
  weekday: 'weekday weekdays',
  spring: 'spring',
  summer: 'summer',
  autumn: 'autumn fall',
  winter: 'winter',
  morning: 'morning',
  afternoon: 'afternoon',
  evening: 'evening',
  night: 'night bedtime midnight',
  noon: 'noon midday',
  easter: 'easter',
  christmas: 'christmas xmas',
});
for (const word of 'day week weekend month year quarter season'.split(' ')) entry(word).isPeriod = true;

const whichPeriod = new Set(['this', 'last', 'next', 'previous', 'past', 'coming']);
const months = new Set(
  'january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday'.split(
    ' ',
  ),
);

tell('quantifier', {
  all: 'all every each everyone everybody everything whole entire always',
  some: 'some part sometimes partly partially',
  any: 'any anyone anybody anything',
  none: 'none nobody nothing never',
  most: 'most mostly usually',
  both: 'both',
  either: 'either',
  only: 'only solely exclusively',
  half: 'half',
  several: 'several multiple',
  one: 'one single once',
  twice: 'twice double',
  first: 'first',
  last: 'last',
  distinct: 'distinct unique',
});

tell('person', {
  // `How do I`, `how do you` and `how can we` are mostly one question.
  self: 'i me my mine myself im ive id ill we us our ours ourselves you your yours yourself',
  he: 'he him his himself hes',
  she: 'she her hers herself shes',
  they: 'they them their theirs themselves',
  child: 'child children kid kids baby babies toddler toddlers newborn newborns infant infants son daughter',
  adult: 'adult adults',
  partner: 'wife husband partner spouse girlfriend boyfriend ex',
  parent: 'parent parents mother father mom mum dad',
});

tell('tense', {
  future: 'will wont shall ll',
  past: 'was were did didnt wasnt werent had hadnt got went came bought lost won saw made took gave said told left found thought kept paid sold',
  perfect: 'has have hasnt havent ive been',
  present: 'is are am do does isnt arent dont doesnt im',
});

type Sets = Record<FacetKind, ReadonlyMap<string, string>>;

/** The facets of a text, from the text itself and its tokens. Cost: linear in the length. */
export function facetsOf(text: string, tokens: readonly Token[], stems: readonly string[]): Facets {
  const facets = {
    plainNumbers: nothing,
    dates: nothing,
    versions: nothing,
    currencies: nothing,
    percentages: nothing,
    quantifiers: nothing,
    persons: nothing,
    tenses: nothing,
    codes: nothing,
    quotes: nothing,
    language: languageOf(text, tokens),
    length: text.length,
    trigrams: trigrams(text),
    bigrams: bigrams(stems),
  };
  const sets: Sets = facets;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.kind === 'number') quantity(sets, tokens, i);
    else if (token.kind === 'word') word(sets, tokens, i);
  }
  for (const code of codeOf(text)) sets.codes = put(sets.codes, code, code);
  for (const quote of quotesOf(text)) sets.quotes = put(sets.quotes, quote.toLowerCase(), quote);
  return facets;
}

/** Puts a number where it belongs by its form and its neighbours. */
function quantity(sets: Sets, tokens: readonly Token[], at: number): void {
  const token = tokens[at] as Token;
  const { text, raw } = token;
  const previous = tokens[at - 1];
  const next = tokens[at + 1];
  const unit = next?.info?.unit;
  const before = previous?.info;
  if (unit === 'percent') sets.percentages = put(sets.percentages, text, raw);
  else if ((unit !== undefined && currencies.has(unit)) || (before?.unit && currencies.has(before.unit)))
    sets.currencies = put(sets.currencies, text, raw);
  else if (
    isDate(text) ||
    (before?.name && months.has(before.name)) ||
    isMonth(next) ||
    unit === 'am' ||
    unit === 'pm'
  )
    sets.dates = put(sets.dates, text, raw);
  else if (
    previous?.text === 'version' ||
    previous?.text === 'v' ||
    (unit === undefined && before?.name !== undefined) ||
    text.split('.').length > 2 ||
    (unit === undefined && previous?.kind === 'word' && previous.capital && !previous.initial)
  )
    sets.versions = put(sets.versions, text, raw);
  else sets.plainNumbers = put(sets.plainNumbers, text, raw);
}

const isMonth = (token: Token | undefined): boolean => months.has(token?.info?.name ?? '');

/** A year, a decade, a day with its month, a time of day. */
const isDate = (text: string): boolean =>
  /^(?:1[5-9]|20)\d\ds?$/.test(text) || /^\d{1,4}[/:-]\d{1,2}(?:[/:-]\d{1,4})?$/.test(text);

function word(sets: Sets, tokens: readonly Token[], at: number): void {
  const { text, raw, info } = tokens[at] as Token;
  if (info === undefined) return;
  const { unit, name, date, person } = info;
  if (unit !== undefined && currencies.has(unit)) sets.currencies = put(sets.currencies, unit, raw);
  if (name !== undefined && months.has(name) && !info.nameNeedsCapital)
    sets.dates = put(sets.dates, name, raw);
  if (date !== undefined) sets.dates = put(sets.dates, date, raw);
  const previous = tokens[at - 1]?.text ?? '';
  const next = tokens[at + 1]?.text ?? '';
  if ((info.isPeriod || info.date !== undefined) && whichPeriod.has(previous))
    sets.dates = put(sets.dates, `${previous} ${text}`, `${previous} ${raw}`);
  const quantifier = quantifierOf(text, info, previous, next);
  if (quantifier !== undefined) sets.quantifiers = put(sets.quantifiers, quantifier, raw);
  if (person !== undefined && raw !== 'US') sets.persons = put(sets.persons, person, raw);
  const tense = tenseOf(text, info, previous, next);
  if (tense !== undefined) sets.tenses = put(sets.tenses, tense, raw);
}

function quantifierOf(
  text: string,
  { quantifier }: WordInfo,
  previous: string,
  next: string,
): string | undefined {
  if (previous === 'at' && (text === 'least' || text === 'most')) return `at ${text}`;
  if (text === 'most' && !(next === 'of' || next.endsWith('s'))) return undefined;
  if (
    text === 'one' &&
    (previous === 'this' || previous === 'that' || previous === 'the' || previous === 'which')
  )
    return undefined;
  // `at all`, `after all`, `all right`, `first aid` and `at last` count nothing.
  if (text === 'all' && (previous === 'at' || previous === 'after' || next === 'right')) return undefined;
  if ((text === 'last' || text === 'first') && (previous === 'at' || next === 'aid' || next === 'time'))
    return undefined;
  if (text === 'double' && previous === '') return undefined;
  return quantifier;
}

function tenseOf(text: string, { tense }: WordInfo, previous: string, next: string): WordInfo['tense'] {
  if (text === 'going') return next === 'to' ? 'future' : undefined;
  if (text === 'used')
    return next === 'to' && previous !== 'is' && previous !== 'are' && previous !== 'get'
      ? 'past'
      : undefined;
  if (tense === 'perfect')
    return (text !== 'have' || /(?:ed|en|been|had)$/.test(next)) && next !== 'to' ? tense : undefined;
  if (tense === 'present') return previous !== 'how' && next !== 'going' ? tense : undefined;
  return tense;
}
