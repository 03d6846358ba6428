// What a text says besides its words: quantities by kind, quantifiers, person, tense, code, quotes, language. Only features.ts imports it.
import { codeOf, quotesOf } from './code.js';
import { languageOf } from './language.js';
import { bigrams, type Sketch, trigrams } from './sketch.js';
import type { Token } from './tokens.js';
import { lookUp } from './vocabulary.js';

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
const datesWords = new Map<string, string>();
for (const [canonical, words] of Object.entries({
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
}))
  for (const word of words.split(' ')) datesWords.set(word, canonical);
const periods = new Set([
  'day',
  'week',
  'weekend',
  'month',
  'year',
  'quarter',
  'season',
  ...datesWords.keys(),
]);
const whichPeriod = new Set(['this', 'last', 'next', 'previous', 'past', 'coming']);
const months = new Set(
  'january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday'.split(
    ' ',
  ),
);

const quantifierWords = new Map<string, string>();
for (const [canonical, words] of Object.entries({
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
}))
  for (const word of words.split(' ')) quantifierWords.set(word, canonical);

const personWords = new Map<string, string>();
for (const [canonical, words] of Object.entries({
  // `How do I`, `how do you` and `how can we` are mostly one question.
  self: 'i me my mine myself im ive id ill we us our ours ourselves you your yours yourself',
  he: 'he him his himself hes',
  she: 'she her hers herself shes',
  they: 'they them their theirs themselves',
  child: 'child children kid kids baby babies toddler toddlers newborn newborns infant infants son daughter',
  adult: 'adult adults',
  partner: 'wife husband partner spouse girlfriend boyfriend ex',
  parent: 'parent parents mother father mom mum dad',
}))
  for (const word of words.split(' ')) personWords.set(word, canonical);

const futures = new Set('will wont shall ll'.split(' '));
const pasts = new Set(
  'was were did didnt wasnt werent had hadnt got went came bought lost won saw made took gave said told left found thought kept paid sold'.split(
    ' ',
  ),
);
const perfects = new Set('has have hasnt havent ive been'.split(' '));
const presents = new Set('is are am do does isnt arent dont doesnt im'.split(' '));

/** The facets of a text, from the text itself and its tokens. Cost: linear in the length. */
export function facetsOf(text: string, tokens: readonly Token[], stems: readonly string[]): Facets {
  const sets = {} as Record<FacetKind, Map<string, string>>;
  for (const kind of facetKinds) sets[kind] = new Map();
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.kind === 'number') quantity(sets, tokens, i);
    else if (token.kind === 'word') word(sets, tokens, i);
  }
  for (const code of codeOf(text)) sets.codes.set(code, code);
  for (const quote of quotesOf(text)) sets.quotes.set(quote.toLowerCase(), quote);
  return {
    ...sets,
    language: languageOf(text, tokens),
    length: text.length,
    trigrams: trigrams(text),
    bigrams: bigrams(stems),
  };
}

type Sets = Record<FacetKind, Map<string, string>>;

/** Puts a number where it belongs by its form and its neighbours. */
function quantity(sets: Sets, tokens: readonly Token[], at: number): void {
  const token = tokens[at] as Token;
  const { text, raw } = token;
  const previous = tokens[at - 1];
  const next = tokens[at + 1];
  const unit = next?.kind === 'word' ? lookUp(next.text)?.unit : undefined;
  const before = previous?.kind === 'word' ? lookUp(previous.text) : undefined;
  if (unit === 'percent') sets.percentages.set(text, raw);
  else if ((unit !== undefined && currencies.has(unit)) || (before?.unit && currencies.has(before.unit)))
    sets.currencies.set(text, raw);
  else if (
    isDate(text) ||
    (before?.name && months.has(before.name)) ||
    isMonth(next) ||
    unit === 'am' ||
    unit === 'pm'
  )
    sets.dates.set(text, raw);
  else if (
    previous?.text === 'version' ||
    previous?.text === 'v' ||
    (unit === undefined && before?.name !== undefined) ||
    text.split('.').length > 2 ||
    (unit === undefined && previous?.kind === 'word' && previous.capital && !previous.initial)
  )
    sets.versions.set(text, raw);
  else sets.plainNumbers.set(text, raw);
}

const isMonth = (token: Token | undefined): boolean =>
  token?.kind === 'word' && months.has(lookUp(token.text)?.name ?? '');

/** A year, a decade, a day with its month, a time of day. */
const isDate = (text: string): boolean =>
  /^(?:1[5-9]|20)\d\ds?$/.test(text) || /^\d{1,4}[/:-]\d{1,2}(?:[/:-]\d{1,4})?$/.test(text);

function word(sets: Sets, tokens: readonly Token[], at: number): void {
  const { text, raw } = tokens[at] as Token;
  const previous = tokens[at - 1]?.text ?? '';
  const next = tokens[at + 1]?.text ?? '';
  const info = lookUp(text);
  if (info?.unit !== undefined && currencies.has(info.unit)) sets.currencies.set(info.unit, raw);
  if (info?.name !== undefined && months.has(info.name) && !info.nameNeedsCapital)
    sets.dates.set(info.name, raw);
  const date = datesWords.get(text);
  if (date !== undefined) sets.dates.set(date, raw);
  if (periods.has(text) && whichPeriod.has(previous))
    sets.dates.set(`${previous} ${text}`, `${previous} ${raw}`);
  const quantifier = quantifierOf(text, previous, next);
  if (quantifier !== undefined) sets.quantifiers.set(quantifier, raw);
  const person = personWords.get(text);
  if (person !== undefined && raw !== 'US') sets.persons.set(person, raw);
  tense(sets, text, raw, previous, next, at);
}

function quantifierOf(text: string, previous: string, next: string): string | undefined {
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
  return quantifierWords.get(text);
}

function tense(sets: Sets, text: string, raw: string, previous: string, next: string, at: number): void {
  if (futures.has(text) || (text === 'going' && next === 'to')) sets.tenses.set('future', raw);
  else if (pasts.has(text)) sets.tenses.set('past', raw);
  else if (text === 'used' && next === 'to' && previous !== 'is' && previous !== 'are' && previous !== 'get')
    sets.tenses.set('past', raw);
  else if (perfects.has(text) && (text !== 'have' || /(?:ed|en|been|had)$/.test(next)) && next !== 'to')
    sets.tenses.set('perfect', raw);
  else if (presents.has(text) && !(at > 0 && previous === 'how') && next !== 'going')
    sets.tenses.set('present', raw);
}
