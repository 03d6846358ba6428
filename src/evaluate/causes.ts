// In what two questions differ, in one word: why a hit between them was wrong. Only evaluate/ imports it.
import { featuresOf } from '../decide/features.js';
import { featureNames, pairFeatures } from '../decide/pair-features.js';

/** What differs, by the name of the first thing seen; `unexplained` when nothing was. */
export type Cause =
  | 'negation'
  | 'antonym'
  | 'version'
  | 'currency'
  | 'percentage'
  | 'date'
  | 'number'
  | 'unit'
  | 'code'
  | 'entity'
  | 'order'
  | 'question word'
  | 'quantifier'
  | 'tense'
  | 'person'
  | 'language'
  | 'quotation'
  | 'substitution'
  | 'other words'
  | 'unexplained';

const column = (name: string): number => {
  const at = featureNames.indexOf(name);
  if (at < 0) throw new RangeError(`no feature ${name}`);
  return at;
};
const differs = (kind: string): number[] => [column(`${kind}.different`), column(`${kind}.oneSided`)];

/** Any column above 0 shows the cause; the surest come first. */
const signs: readonly (readonly [Cause, readonly number[]])[] = [
  ['negation', [column('negation.parity'), column('rule.negation')]],
  ['antonym', [column('sides.different'), column('rule.antonyms')]],
  ['version', [column('versions.different')]],
  ['currency', [column('currencies.different')]],
  ['percentage', [column('percentages.different')]],
  ['date', [column('dates.different')]],
  ['number', differs('numbers')],
  ['unit', [column('units.different')]],
  ['code', differs('codes')],
  ['order', [column('rule.order')]],
  ['entity', [...differs('listedNames'), ...differs('capitalNames')]],
  ['language', [column('language.different')]],
  ['question word', [column('question.different')]],
  ['quantifier', differs('quantifiers')],
  ['date', [column('dates.oneSided')]],
  ['tense', [column('tenses.different')]],
  ['person', [column('persons.different')]],
  ['quotation', differs('quotes')],
  ['substitution', [column('frame.substitution'), column('rule.substitution')]],
];
const askedOnly = column('rarest.askedOnly');
const storedOnly = column('rarest.storedOnly');
/** Rarity, over ten, of a word that stands in one of 90 questions or fewer. */
const telling = 0.45;

/** What the first sign that shows says. Symmetric but for ties; cost as the features of a pair. */
export function causeOf(a: string, b: string): Cause {
  const signals = { cosine: 0, margin: 0, agreement: 1, rank: 0 };
  const seen = pairFeatures(featuresOf(a), featuresOf(b), signals);
  for (const [cause, columns] of signs) if (columns.some((at) => (seen[at] as number) > 0)) return cause;
  const rarest = Math.max(seen[askedOnly] as number, seen[storedOnly] as number);
  return rarest >= telling ? 'other words' : 'unexplained';
}
