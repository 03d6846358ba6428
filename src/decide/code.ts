// Finds pieces of code, flags, paths and identifiers, and quoted strings, in one pass over a text. Only facets.ts imports it.

const maxPieces = 64;
const maxPiece = 80;

const signal = /^SIG[A-Z]{2,6}$/;
const wrapped = /^[("'`[{<]+|[)"'`\]}>.,;:?!]+$/g;
/** Signs that prose does not put into a word. */
const inner = /[A-Za-z0-9][_\\=<>|&]|::|->|=>|\(\)|[a-z][A-Z]|[a-z]\.[a-z]{2}|\w[(*]|\*\w|^__/;
const operator = /^(?:[=!<>]=+|&&|\|\||\?\?|=>|->|<<|>>|\*\*|\/\/|::|:=|[-+*/%&|^]=|\^|~|\|)$/;
const flag = /^(?:--?[A-Za-z][\w-]*|\/[A-Z])(?:=\S*)?$/;
const path = /^(?:~|\.{0,2})\/[\w.~-]+|^[A-Za-z]:\\|^[\w.-]+(?:\/[\w.-]+){2,}$/;

/**
 * Flags (`--force`), paths, operators, identifiers (`read_csv`, `useEffect`, `list.sort()`), as written. At most 64 of at most 80
 * characters. Cost: linear in the length of the text.
 */
export function codeOf(text: string): string[] {
  const found: string[] = [];
  let at = 0;
  while (at < text.length && found.length < maxPieces) {
    while (at < text.length && text.charCodeAt(at) <= 32) at++;
    const start = at;
    while (at < text.length && text.charCodeAt(at) > 32) at++;
    if (at === start || at - start > maxPiece) continue;
    if (isPlainWord(text, start, at)) continue;
    const piece = text.slice(start, at);
    if (operator.test(piece)) found.push(piece);
    else {
      // `**kwargs` and `(*)` keep their stars; brackets around a whole word are prose.
      const bare =
        piece.endsWith('()') || piece.includes('(')
          ? piece.replace(/[.,;:?!"'`]+$/, '')
          : piece.replace(wrapped, '');
      if (isCode(bare)) found.push(bare);
    }
  }
  return found;
}

/** Letters, the later ones small, and at most one sign of punctuation at the end: most words of prose, told without a regular expression. */
function isPlainWord(text: string, start: number, end: number): boolean {
  const last = text.charCodeAt(end - 1);
  const letters = last === 46 || last === 44 || last === 63 || last === 33 ? end - 1 : end;
  for (let i = start; i < letters; i++) {
    const code = text.charCodeAt(i);
    if (!isSmall(code) && !(i === start && isLetter(code))) return false;
  }
  return true;
}

const isSmall = (code: number): boolean => code >= 97 && code <= 122;
/** Of the English alphabet, small or not. */
const isLetter = (code: number): boolean => isSmall(code | 32);

function isCode(piece: string): boolean {
  if (piece.length < 2) return false;
  if (piece.startsWith('-') || piece.startsWith('/')) return flag.test(piece) || path.test(piece);
  return (inner.test(piece) && !isProse(piece)) || path.test(piece) || signal.test(piece);
}

/** `iPhone`, `e.g.`, `yahoo.com`: names and abbreviations that look like identifiers. */
const isProse = (piece: string): boolean =>
  /^[a-z]?[A-Z][a-z]+[A-Z]?[a-z]*$/.test(piece) ||
  /^(?:[a-z]\.)+[a-z]?$/i.test(piece) ||
  /^[\w.-]+\.(?:com|org|net|edu|gov|io|co|uk|in|de)$/i.test(piece) ||
  /^[A-Za-z]+\.[A-Z][a-z]+$/.test(piece) ||
  /^\w+\(s\)$/.test(piece);

const closing = new Map([...'"“`«„'].map((mark, i) => [mark.charCodeAt(0), '"”`»“'.charCodeAt(i)]));
const maxQuotes = 16;

/** What stands between quotation marks, without them; at most 16. Cost: linear in the length of the text. */
export function quotesOf(text: string): string[] {
  const found: string[] = [];
  // Code of the mark that closes; 0 outside of quotation marks.
  let end = 0;
  let start = 0;
  for (let i = 0; i < text.length && found.length < maxQuotes; i++) {
    const code = text.charCodeAt(i);
    if (end === 0) {
      if (isLetter(code) || code === 32) continue;
      end = closing.get(code) ?? 0;
      start = i + 1;
    } else if (code === end) {
      if (i > start) found.push(text.slice(start, i));
      end = 0;
    }
  }
  return found;
}
