// Dates, times and numbers with units, each in one form whatever its spelling. For entities.ts.
import type { Found } from './entities.js';
import { doubtfulMonths, doubtfulWeekdays, months, relativeDays, units, weekdays } from './vocabulary.js';
import type { Token } from './words.js';

const currencies: Readonly<Record<string, string>> = { $: 'dollar', '€': 'euro', '£': 'pound', '¥': 'yen' };
const dayNumber = /^\d{1,2}(?:st|nd|rd|th)?$/;

/** The date that begins at a token: ISO, `3 May 2026`, `May 3rd`, `the 3rd of May`, a weekday, `tomorrow`. */
export function dateAt(sentence: readonly Token[], at: number): Found | undefined {
  const token = sentence[at] as Token;
  const made = (form: string, end: number): Found => ({
    kind: 'date',
    surface: sentence
      .slice(at, end)
      .map(({ text }) => text)
      .join(' '),
    form: `date ${form}`,
    start: at,
    end,
  });
  if (token.kind === 'date') return made(token.text, at + 1);
  const next = sentence[at + 1];
  const month = months.get(token.lower);
  if (month !== undefined && token.kind === 'word') {
    if (next?.kind === 'number' && dayNumber.test(next.lower)) {
      return made(`${month} ${Number.parseInt(next.lower, 10)}`, at + 2);
    }
    if (doubtfulMonths.has(token.lower) && !(token.capital && at > 0)) return undefined;
    return token.capital ? made(month, at + 1) : undefined;
  }
  if (token.kind === 'number' && dayNumber.test(token.lower)) {
    const skip = next?.lower === 'of' ? 2 : 1;
    const after = months.get(sentence[at + skip]?.lower ?? '');
    if (after !== undefined && sentence[at + skip]?.capital) {
      return made(`${after} ${Number.parseInt(token.lower, 10)}`, at + skip + 1);
    }
    return undefined;
  }
  if (token.kind !== 'word') return undefined;
  const weekday = weekdays.get(token.lower);
  // A short form counts with its capital only.
  const sure = token.lower.length > 4 || (token.capital && (at > 0 || !doubtfulWeekdays.has(token.lower)));
  if (weekday !== undefined && sure) return made(weekday, at + 1);
  return relativeDays.has(token.lower) ? made(token.lower, at + 1) : undefined;
}

/** The number with its unit that begins at a token: `€249`, `1,200 km`, `15%`, `two hours` is left to the phrases. */
export function quantityAt(sentence: readonly Token[], at: number): Found | undefined {
  const token = sentence[at] as Token;
  if (token.kind !== 'number') return undefined;
  const sign = currencies[token.text[0] ?? ''];
  const digits = token.lower.replace(/^[$€£¥]/, '').replace(/(?:st|nd|rd|th|%)$/, '');
  const value = digits.replace(/,(?=\d{3}(?:\D|$))/g, '').replace(',', '.');
  const next = sentence[at + 1];
  const unit =
    sign ??
    (token.lower.endsWith('%') ? 'percent' : next?.text === '€' ? 'euro' : units.get(next?.lower ?? ''));
  if (unit === undefined) return undefined;
  const end = sign === undefined && !token.lower.endsWith('%') ? at + 2 : at + 1;
  return {
    kind: 'number',
    surface: sentence
      .slice(at, end)
      .map(({ text }) => text)
      .join(' '),
    form: `number ${value} ${unit}`,
    start: at,
    end,
  };
}

/** `5 pm` and `17:00` as hours and minutes of the day. */
export function timeForm(lower: string): string {
  const [hour = '0', minute = '00'] = lower.replace(/[^\d:]/g, '').split(':');
  const shift =
    lower.includes('p') && Number(hour) < 12 ? 12 : lower.includes('a') && hour === '12' ? -12 : 0;
  return `${String(Number(hour) + shift).padStart(2, '0')}:${minute}`;
}
