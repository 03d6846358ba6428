// Cuts a question into words, numbers and operators in one pass. Only decide/ imports it.
import { stemOf } from './stem.js';
import { lookUp, type WordInfo } from './vocabulary.js';

/** A piece of a question. */
export interface Token {
  /** Lower-case word, canonical number (`1000`, `3.10`, `2020-05-12`), or operator. */
  readonly text: string;
  readonly kind: 'word' | 'number' | 'operator';
  /** As written; shown to people. */
  readonly raw: string;
  /** Begins with an upper-case letter. */
  readonly capital: boolean;
  /** Has an upper-case letter after the first, as acronyms and `iPhone` have. */
  readonly innerCapital: boolean;
  /** First word of the text or of a sentence. */
  readonly initial: boolean;
  /** What is known about the word; undefined for others. */
  readonly info: WordInfo | undefined;
  /** Light stem of the word, plural and verb endings cut off (`unsafe` has that of `safe`); the text of others. */
  readonly stem: string;
}

type Class = 0 | 1 | 2;
const other = 0;
const letter = 1;
const digit = 2;

const ascii = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90)) ascii[code] = letter;
  else if (code >= 48 && code <= 57) ascii[code] = digit;
}

// Blocks of punctuation, symbols and emoji beyond ASCII; everything else there is taken for a letter.
function classify(code: number): Class {
  if (code < 128) return ascii[code] as Class;
  if (code < 0xc0) return code === 0xb5 || code === 0xaa || code === 0xba ? letter : other;
  if (code === 0xd7 || code === 0xf7) return other;
  if (code < 0x2000) return digitOf(code) >= 0 ? digit : letter;
  if (code < 0x2c00) return other;
  if (code >= 0x3000 && code < 0x3040) return other;
  if (code >= 0xd83c && code <= 0xd83e) return other;
  if (code >= 0xdc00 && code <= 0xdfff) return other;
  if (code >= 0xfe00 && code <= 0xfe6f) return other;
  if (code >= 0xff00) return code >= 0xff10 && code <= 0xff19 ? digit : code >= 0xff21 ? letter : other;
  return letter;
}

const zeros = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xff10];

function digitOf(code: number): number {
  for (const zero of zeros) if (code >= zero && code <= zero + 9) return code - zero;
  return -1;
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const currencies = new Map(
  Object.entries({ $: 'usd', '€': 'eur', '£': 'gbp', '¥': 'jpy', '₹': 'inr', '₽': 'rub', '₩': 'krw' }),
);
const operators = '+*×÷=<>≤≥≠^−-/';
const sentenceEnds = '.?!:;\n。？！"“(';

class Scanner {
  readonly tokens: Token[] = [];
  #text: string;
  #at = 0;
  #initial = true;

  constructor(text: string) {
    this.#text = text;
  }

  run(): Token[] {
    const text = this.#text;
    while (this.#at < text.length) {
      const kind = classify(text.charCodeAt(this.#at));
      if (kind === letter) this.#word();
      else if (kind === digit) this.#number();
      else if (text.charCodeAt(this.#at) === 32) this.#at++;
      else this.#symbol();
    }
    return this.tokens;
  }

  #class(at: number): Class {
    return at < this.#text.length ? classify(this.#text.charCodeAt(at)) : other;
  }

  #emit(text: string, kind: Token['kind'], raw: string, innerCapital = false, capital = false): void {
    const info = kind === 'word' ? lookUp(text) : undefined;
    const stem = info?.stem ?? (kind === 'word' ? stemOf(text) : text);
    const initial = this.#initial;
    this.tokens.push({ text: info?.word ?? text, kind, raw, capital, innerCapital, initial, info, stem });
    if (kind !== 'operator') this.#initial = false;
  }

  #word(): void {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    let inner = false;
    let contracted = false;
    let wide = false;
    for (;;) {
      const code = text.charCodeAt(at);
      const kind = this.#class(at);
      if (kind === letter) {
        if (code >= 128) wide = true;
        if (at > start && (code < 128 ? code <= 90 : isUpper(text[at] as string))) inner = true;
        at++;
      } else if (code >= 0xdc00 && code <= 0xdfff) at++;
      else if (isApostrophe(code) && this.#class(at + 1) === letter) {
        contracted = true;
        at++;
      } else if (code === 46 && at - start === 1 && this.#dotted(at)) return;
      else break;
    }
    // `+` and `#` belong to a name only right behind its letters: C++, C#, A+.
    const end = at;
    if (at - start <= 2)
      while (at - end < 2 && (text[at] === '+' || text[at] === '#') && this.#class(at + 1) === other) at++;
    this.#at = at;
    const raw = text.slice(start, at);
    const first = text.charCodeAt(start);
    const capital = first < 128 ? first <= 90 : isUpper(text[start] as string);
    // Most words are small already; what is beyond ASCII may be a pair of code units, which only the whole word tells.
    const small = capital || inner || wide ? raw.toLowerCase() : raw;
    this.#emit(
      contracted ? joinContraction(small) : small,
      'word',
      raw,
      inner || (capital && at > end),
      capital,
    );
  }

  /** `U.S.`, `a.m.` and the like: single letters parted by dots are one word. */
  #dotted(dot: number): boolean {
    const text = this.#text;
    const start = dot - 1;
    let at = start;
    while (isAsciiLetter(text.charCodeAt(at)) && text[at + 1] === '.') at += 2;
    if (isAsciiLetter(text.charCodeAt(at)) && this.#class(at + 1) === other) at++;
    if (at - start < 3) return false;
    this.#at = at;
    const raw = text.slice(start, at);
    const letters = raw.replaceAll('.', '').toLowerCase();
    const capital = raw !== raw.toLowerCase();
    this.#emit(letters === 'us' ? 'usa' : letters, 'word', raw, capital, capital);
    return true;
  }

  #digits(at: number): number {
    while (this.#class(at) === digit) at++;
    return at;
  }

  #number(): void {
    const text = this.#text;
    const start = this.#at;
    const parts: string[] = [];
    let separators = '';
    let at = start;
    for (;;) {
      const end = this.#digits(at);
      let digits = westernDigits(text.slice(at, end));
      at = end;
      // Grouping: 1,000,000 and 1_000; a comma before any other count of digits ends the number.
      while ((text[at] === ',' || text[at] === '_') && this.#digits(at + 1) === at + 4) {
        digits += westernDigits(text.slice(at + 1, at + 4));
        at += 4;
      }
      parts.push(digits);
      const next = text[at];
      if (next === undefined || !'.:/-'.includes(next) || this.#class(at + 1) !== digit) break;
      if (next === '-' && separators !== '' && separators !== '-') break;
      separators += next;
      at++;
    }
    const before = text[start - 1];
    const negative =
      (before === '-' || before === '−') && (start < 2 || ' \t\n([{=,:'.includes(text[start - 2] as string))
        ? '-'
        : '';
    const currency = before === undefined ? undefined : currencies.get(before);
    this.#at = at;
    if (separators === '-') {
      // A range (10-15) is two numbers; a date (2020-05-12) or a telephone number is one.
      this.#emit(stripZeros(parts[0] as string), 'number', text.slice(start, at));
      this.#emit(stripZeros(parts[1] as string), 'number', text.slice(start, at));
    } else {
      let value = negative + stripZeros(parts[0] as string);
      for (let i = 1; i < parts.length; i++) {
        value += separators[i - 1] as string;
        value += separators[i - 1] === '.' ? parts[i] : stripZeros(parts[i] as string);
      }
      if (currency !== undefined && value.endsWith('.00')) value = value.slice(0, -3);
      this.#emit(this.#suffixed(value), 'number', text.slice(start, this.#at));
    }
    if (currency !== undefined) this.#emit(currency, 'word', before as string);
  }

  /** Takes what belongs to the number into it: 1st, 10k, 1990s, and the exponent of 10². */
  #suffixed(value: string): string {
    const text = this.#text;
    let at = this.#at;
    while (at < text.length && superscripts.includes(text[at] as string)) at++;
    if (at > this.#at) {
      const exponent = text.slice(this.#at, at);
      this.#at = at;
      return `${value}^${[...exponent].map((digit) => superscripts.indexOf(digit)).join('')}`;
    }
    while (this.#class(at) === letter && at - this.#at < 3) at++;
    if (this.#class(at) !== letter && this.#class(at) !== digit) {
      const suffix = text.slice(this.#at, at).toLowerCase();
      if (suffix === 'st' || suffix === 'nd' || suffix === 'rd' || suffix === 'th') this.#at = at;
      else if (suffix === 'k' && value !== '401' && /^\d{1,6}$/.test(value)) {
        this.#at = at;
        return value === '0' ? value : `${value}000`;
      } else if (suffix === 's' && value.length === 4 && value.endsWith('0')) {
        this.#at = at;
        return `${value}s`;
      }
    }
    return value;
  }

  #symbol(): void {
    const text = this.#text;
    const at = this.#at++;
    const char = text[at] as string;
    const previous = this.tokens.at(-1);
    const currency = currencies.get(char);
    if (currency !== undefined) {
      // One that touches its number is taken with it.
      if (this.#class(at + 1) !== digit) this.#emit(currency, 'word', char);
    } else if (char === '%') {
      if (previous?.kind === 'number') this.#emit('percent', 'word', '%');
    } else if (superscripts.includes(char)) {
      this.#emit(`^${superscripts.indexOf(char)}`, 'number', char);
    } else if (operators.includes(char)) {
      // A hyphen or slash is an operator only when it stands free; `+` and the rest wherever a number is near.
      const free = !'-/'.includes(char) || (text[at - 1] === ' ' && text[at + 1] === ' ');
      if (free && (previous?.kind === 'number' || this.#class(at + 1) === digit))
        this.#emit(char, 'operator', char);
    }
    if (sentenceEnds.includes(char)) this.#initial = true;
  }
}

// ' ’ ʼ `
const isApostrophe = (code: number): boolean =>
  code === 0x27 || code === 0x2019 || code === 0x2bc || code === 0x60;

const isAsciiLetter = (code: number): boolean => code < 128 && ascii[code] === letter;

function isUpper(char: string): boolean {
  return char !== char.toLowerCase();
}

/** Contractions lose their apostrophe (don't, isn't); a possessive loses its ending. */
function joinContraction(word: string): string {
  const bare =
    isApostrophe(word.charCodeAt(word.length - 2)) && word.endsWith('s') ? word.slice(0, -2) : word;
  return bare.replace(/['’ʼ`]/g, '');
}

function westernDigits(digits: string): string {
  if (digits.charCodeAt(0) < 128) return digits;
  let western = '';
  for (let i = 0; i < digits.length; i++) western += digitOf(digits.charCodeAt(i));
  return western;
}

function stripZeros(digits: string): string {
  let at = 0;
  while (at < digits.length - 1 && digits[at] === '0') at++;
  return at === 0 ? digits : digits.slice(at);
}

/** Cuts a text into tokens. Cost: linear in its length. Takes any string, ill-formed ones too. */
export function tokenise(text: string): Token[] {
  return new Scanner(text).run();
}
