// Where a text may be cut: white space, and the edges of what a reader sees as one character. For chunk.ts.

/** A cluster longer than this (code units) is no character of any script; it may be cut between code points. */
export const maxGraphemeUnits = 256;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** True for what `\s` matches. */
export function isSpace(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  if (code < 0xa0) return false;
  return (
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000 ||
    code === 0xfeff
  );
}

/** True for scripts that write no space between words (East Asian, Thai, Lao, Burmese, Khmer). */
export function isUnspaced(code: number): boolean {
  return (
    (code >= 0x0e00 && code <= 0x0eff) ||
    (code >= 0x1000 && code <= 0x109f) ||
    (code >= 0x1780 && code <= 0x17ff) ||
    (code >= 0x2e80 && code <= 0xd7ff && code !== 0x3000)
  );
}

// Between two of these there is always a boundary: none of them combines with a neighbour (UAX #29, GB3 to GB13).
function isPlain(code: number): boolean {
  return (
    (code >= 0x20 && code <= 0x7e) ||
    (code >= 0xc0 && code <= 0x24f) ||
    (code >= 0x391 && code <= 0x3c9) ||
    (code >= 0x400 && code <= 0x481) ||
    (code >= 0x3041 && code <= 0x3096) ||
    (code >= 0x30a1 && code <= 0x30fa) ||
    (code >= 0x4e00 && code <= 0x9fff)
  );
}

// No code point below these can join a following space (GB9b: the lowest prepended mark is U+0600).
function precedesSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 0x600 || (code >= 0x2e80 && code <= 0xd7ff)) return true;
  const high = text.charCodeAt(at - 1);
  return (code & 0xfc00) === 0xdc00 && high >= 0xd83c && high <= 0xd83e;
}

// How far back a certain boundary is looked for; keeps hostile text (a run of marks or emoji) linear.
const maxLookBack = 1024;

// The latest certain boundary at or before `index`; `from` is one.
function anchor(text: string, from: number, index: number): number {
  const lowest = Math.max(from, index - maxLookBack);
  for (let at = index; at > lowest; at--) {
    const code = text.charCodeAt(at);
    const before = text.charCodeAt(at - 1);
    if (isPlain(code) && isPlain(before)) return at;
    if ((code === 0x20 || code === 0x0a) && before !== 0x0d && precedesSpace(text, at - 1)) return at;
  }
  // A multiple of four keeps the parity of a run of flags, which pair up two by two.
  return lowest === from ? from : codePointBefore(text, lowest - ((lowest - from) % 4));
}

/** The latest grapheme boundary in [`from`, `index`]; `from` must be one. Cost: O(distance to the next plain letter before). */
export function boundaryBefore(text: string, from: number, index: number): number {
  if (index <= from) return from;
  if (index >= text.length) return text.length;
  const start = anchor(text, from, index);
  if (start === index) return index;
  // Rules look at one code point to the right of a boundary, so two more code units decide.
  const piece = segmenter.segment(text.slice(start, index + 2)).containing(index - start);
  return piece === undefined ? index : start + piece.index;
}

/** True when no grapheme spans `index`; `from` is a known boundary before it. */
export function isBoundary(text: string, from: number, index: number): boolean {
  return boundaryBefore(text, from, index) === index;
}

/** The earliest grapheme boundary at or after `index`, or the text's end when that grapheme is overlong; `from` as above. */
export function boundaryAfter(text: string, from: number, index: number): number {
  const before = boundaryBefore(text, from, index);
  if (before === index) return index;
  const end = graphemeEnd(text, before);
  return end - before > maxGraphemeUnits || end < index ? text.length : end;
}

/** End of the grapheme that begins at `from`, at most about `maxGraphemeUnits` away. */
export function graphemeEnd(text: string, from: number): number {
  const piece = segmenter.segment(text.slice(from, from + maxGraphemeUnits + 2)).containing(0);
  return from + Math.max(1, piece?.segment.length ?? 1);
}

/** `index`, or the index before where it would part a surrogate pair. */
export function codePointBefore(text: string, index: number): number {
  const pair =
    (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
  return pair ? index - 1 : index;
}

/** First index at or after `from` (and before `to`) that is not white space, or `to`. */
export function skipSpace(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && isSpace(text.charCodeAt(at))) at++;
  // A mark on a space makes the space part of what is seen.
  if (at > from && at < to && !isBoundary(text, at - 1, at)) at--;
  return at;
}

/** Last index after `from` up to `to` that follows something other than white space, or `from`. */
export function trimSpace(text: string, from: number, to: number): number {
  let at = to;
  while (at > from && isSpace(text.charCodeAt(at - 1))) at--;
  if (at > from && at < to && !isBoundary(text, from, at)) at++;
  return at;
}
