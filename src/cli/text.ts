// How values become text for people: cut, wrapped, counted. Pure; for the command line alone.

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

function columnsOf(grapheme: string): number {
  return wide.test(grapheme) ? 2 : 1;
}

/** Columns that a text takes on a terminal. */
export function columns(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let sum = 0;
  for (const { segment } of segmenter.segment(text)) sum += columnsOf(segment);
  return sum;
}

/**
 * One line without control characters: documents and file names may hold codes that would move the cursor or turn the reading
 * direction round.
 */
export function oneLine(text: string): string {
  return text
    .replace(/[\s\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .toWellFormed()
    .trim();
}

/** The text, cut to `width` columns with an ellipsis. */
export function cut(text: string, width: number): string {
  if (columns(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += columnsOf(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** The text filled up to `width` columns. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columns(text)));
}

/** The text in lines of at most `width` columns, `most` of them; the last one ends in an ellipsis when more would follow. */
export function wrap(text: string, width: number, most = Number.POSITIVE_INFINITY): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of oneLine(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (columns(longer) <= width || line === '') line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  lines.push(line);
  if (lines.length <= most) return lines.map((each) => cut(each, width));
  return [...lines.slice(0, most - 1), lines.slice(most - 1).join(' ')].map((each) => cut(each, width));
}

/** Milliseconds with microseconds behind the point. */
export function milliseconds(value: number): string {
  return value.toFixed(3);
}

/** A duration for people: `840 ms`, `3.2 s`, `4 min 10 s`. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Bytes in powers of 1,000: `512 B`, `40.8 kB`, `1.2 GB`. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  let value = count;
  let unit = '';
  for (const next of ['kB', 'MB', 'GB', 'TB', 'PB']) {
    if (value < 999.95) break;
    value /= 1000;
    unit = next;
  }
  return `${value.toFixed(1)} ${unit}`;
}

/** A whole number with commas. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** A number and its noun: `1 passage`, `12 passages`, `2 entries`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** A word as a shell takes it, quoted where it must be. */
export function shellWord(word: string): string {
  if (/^[\w./:@%+=,-]+$/.test(word)) return word;
  return /["$`\\!]/.test(word) ? `'${word.replaceAll("'", `'\\''`)}'` : `"${word}"`;
}
