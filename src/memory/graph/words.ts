// Cuts a message into sentences of tokens in one pass of bounded patterns. For entities.ts and facts.ts.

/** What a token is by its form alone. */
export type TokenKind = 'word' | 'number' | 'date' | 'time' | 'url' | 'code' | 'mark';

/** A piece of a sentence. */
export interface Token {
  /** As written, without a possessive ending. */
  readonly text: string;
  readonly lower: string;
  readonly kind: TokenKind;
  /** Begins with an upper-case letter. */
  readonly capital: boolean;
  /** Was written with `'s`: what follows belongs to it. */
  readonly owner: boolean;
}

/** Characters of a message that are read; the rest is kept by others but adds nothing to the graph. */
export const maxCharactersRead = 8_192;

// Every repetition is bounded or over one class of characters, so no text takes more than linear time.
const patterns: readonly (readonly [TokenKind | 'space' | 'end', RegExp])[] = [
  ['space', /[^\S\n]+/uy],
  ['url', /(?:https?:\/\/|www\.)[^\s<>"'`]{1,500}/uy],
  ['url', /[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}/uy],
  ['code', /`[^`\n]{1,120}`/uy],
  ['date', /\d{4}-\d{2}-\d{2}(?!\d)/uy],
  ['time', /\d{1,2}:\d{2}(?: ?[ap]\.?m\b)?|\d{1,2} ?[ap]m\b/iuy],
  ['code', /v\d{1,4}(?:\.\d{1,6}){1,3}(?![\w.])/uy],
  ['code', /#\d{1,9}\b/uy],
  ['number', /[$€£¥]?\d{1,15}(?:[.,]\d{1,15}){0,6}(?:st|nd|rd|th)?%?/uy],
  ['word', /[\p{L}_][\p{L}\p{M}\p{N}_]{0,63}(?:[-/.'’][\p{L}\p{M}\p{N}_]{1,63}){0,8}(?:\(\))?/uy],
  ['end', /[.!?\n;…]+/uy],
  ['mark', /./suy],
];
const extension =
  /\.(?:ts|js|mjs|cjs|tsx|jsx|py|rs|go|java|rb|cpp|hpp|cs|php|sh|sql|json|ya?ml|toml|ini|md|csv|txt|html|css|env|lock)$/i;

/** The sentences of a text; empty ones are left out. Reads the first 8,192 characters. */
export function sentencesOf(text: string): Token[][] {
  const read = text.slice(0, maxCharactersRead);
  const sentences: Token[][] = [];
  let sentence: Token[] = [];
  const finish = () => {
    if (sentence.length > 0) sentences.push(sentence);
    sentence = [];
  };
  for (let at = 0; at < read.length; ) {
    const [kind, found] = match(read, at);
    at += found.length;
    if (kind === 'space') continue;
    if (kind === 'end') finish();
    else {
      const { token, left } = tokenOf(kind, found);
      at -= left;
      sentence.push(token);
    }
  }
  finish();
  return sentences;
}

function match(text: string, at: number): [TokenKind | 'space' | 'end', string] {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) return [kind, found[0]];
  }
  // Half a surrogate pair, which no pattern with the flag u takes apart.
  return ['mark', text[at] as string];
}

/** The token, and how many characters behind it were not its own. */
function tokenOf(kind: TokenKind, found: string): { token: Token; left: number } {
  if (kind === 'url') {
    const text = found.replace(/[.,;:!?)\]}]{1,8}$/, '');
    return { token: made(kind, text), left: found.length - text.length };
  }
  if (kind === 'code') return { token: made(kind, found.replaceAll('`', '')), left: 0 };
  if (kind !== 'word') return { token: made(kind, found), left: 0 };
  const owner = /['’]s?$/.test(found);
  const text = owner ? found.replace(/['’]s?$/, '') : found;
  return { token: made(isCode(text) ? 'code' : 'word', text, owner), left: 0 };
}

function isCode(word: string): boolean {
  if (word.endsWith('()') || extension.test(word)) return true;
  if (word.includes('_')) return word.length > 1;
  if (/^[\p{L}\d]+(?:\.[\p{Ll}\d][\p{L}\d]*)+$/u.test(word)) return word.length > 4;
  return /^\p{Ll}+\p{Lu}\p{Ll}/u.test(word) || /^(?:\p{Lu}\p{Ll}{2,}){2,}$/u.test(word);
}

function made(kind: TokenKind, text: string, owner = false): Token {
  const first = text[0] ?? '';
  return { text, lower: text.toLowerCase(), kind, owner, capital: first !== first.toLowerCase() };
}
