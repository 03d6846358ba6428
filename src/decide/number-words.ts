// Numbers written in words, in Roman numerals, or with a scale (`2 million`). Only features.ts imports it.
import type { Token } from './tokens.js';

const vague = new Set(['several', 'few', 'many', 'some']);
const determiners = new Set([
  'the',
  'a',
  'my',
  'your',
  'his',
  'her',
  'its',
  'their',
  'our',
  'every',
  'this',
  'that',
]);
const roman = [
  '',
  '',
  'II',
  'III',
  'IV',
  '',
  'VI',
  'VII',
  'VIII',
  'IX',
  '',
  'XI',
  'XII',
  'XIII',
  'XIV',
  'XV',
  'XVI',
];

const smallRoman = new Set(['ii', 'iii', 'vii', 'viii', 'ix', 'xii', 'xiii', 'xiv']);

/** `2 million` is 2000000. */
export function scaledNumber(token: Token, next: Token | undefined): string | undefined {
  const scale = next?.info?.number;
  if (scale === undefined || scale < 100 || token.text.length > 9) return undefined;
  const value = Number(token.text) * scale;
  return Number.isFinite(value) ? String(Number(value.toPrecision(15))) : undefined;
}

/** A number written in words or Roman numerals, with the index of its last token. */
export function numberWord(
  tokens: readonly Token[],
  start: number,
): { text: string; last: number } | undefined {
  const token = tokens[start] as Token;
  const previous = tokens[start - 1];
  const number = token.info?.number;
  if (number === undefined) {
    // In small letters only what is no word or abbreviation otherwise.
    const value =
      token.innerCapital || (token.info === undefined && smallRoman.has(token.raw))
        ? roman.indexOf(token.raw.toUpperCase())
        : -1;
    return value < 0 ? undefined : { text: String(value), last: start };
  }
  // `one` is mostly a pronoun, `second` mostly a unit.
  if (token.text === 'one' || token.text === 'first') return undefined;
  if (token.text === 'second' && !(previous !== undefined && determiners.has(previous.text)))
    return undefined;
  // `several thousand` is no number.
  if ((number >= 100 || number === 12) && previous !== undefined && vague.has(previous.text))
    return undefined;
  let total = 0;
  let current = -1;
  let last = start;
  for (let i = start; i < tokens.length; i++) {
    const value = tokens[i]?.info?.number;
    if (value === undefined) break;
    if (value >= 1000) {
      total += Math.max(current, 1) * value;
      current = -1;
    } else if (value === 100) current = Math.max(current, 1) * 100;
    else if (current < 0) current = value;
    else if ((current % 100 === 0 && current > 0) || (current % 10 === 0 && current >= 20 && value < 10))
      current += value;
    else break;
    last = i;
  }
  return { text: String(total + Math.max(current, 0)), last };
}
