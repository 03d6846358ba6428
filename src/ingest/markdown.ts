// Front matter, title and headings of a Markdown text, title of a plain text; the only importer of marked. For formats.ts.
import { Lexer, type Token } from 'marked';
import { HeadingPath, type Part, type Titled } from './document.js';

const maxTitleLength = 200;

/**
 * Takes off front matter (`---`, lines `name: value`, `---`): its `title` is the title, its other one-line values are metadata
 * (numbers and booleans as such), lists and blocks stay arrays of lines, which no database takes. Without a `title` there the
 * first heading is it. Each heading begins a part. Cost: hostile text of 16 KiB takes a tenth of a second, and more than linear
 * time beyond.
 */
export function readMarkdown(raw: string): Titled {
  const front = /^---[ \t]*\r?\n(?:([\s\S]*?)\r?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(raw);
  const fields = front === null ? {} : readFields(front[1] ?? '');
  // A thematic break may open a text too; without a single field it is one.
  const text = front === null || Object.keys(fields).length === 0 ? raw : raw.slice(front[0].length);
  const { title: named, ...metadata } = fields;
  const { parts, first } = readHeadings(text);
  const title = named === undefined ? first : String(named).slice(0, maxTitleLength);
  return { text, metadata, ...(title ? { title } : {}), ...(parts.length > 0 ? { parts } : {}) };
}

/** The first line is the title when it is short, ends like a title and a blank line follows. */
export function readPlain(text: string): Titled {
  const found = /^\s*(\S[^\r\n]{0,99})\r?\n[ \t]*\r?\n/.exec(text);
  const title = found?.[1]?.trim();
  return title && !/[.,;:]$/.test(title) ? { text, title } : { text };
}

function readFields(block: string): Record<string, unknown> {
  const fields: [string, unknown][] = [];
  let nested: string[] | undefined;
  for (const line of block.split(/\r?\n/)) {
    const found = /^([A-Za-z_][\w.-]*):(?:[ \t]+(.*))?$/.exec(line);
    if (found === null) {
      if (/^\s*(#|$)/.test(line)) continue;
      nested?.push(line);
      continue;
    }
    const value = (found[2] ?? '').trim();
    nested = undefined;
    if (/^([[{|>&*!]|$)/.test(value)) nested = value === '' ? [] : [value];
    fields.push([found[1] as string, nested ?? scalar(value)]);
  }
  return Object.fromEntries(fields.map(([name, value]) => [name, emptyAsNull(value)]));
}

function emptyAsNull(value: unknown): unknown {
  return Array.isArray(value) && value.length === 0 ? null : value;
}

/** The value that a text stands for: a number, a boolean or null where it is written as one, else the text. */
export function scalar(value: string): string | number | boolean | null {
  const quoted = /^"((?:[^"\\]|\\.)*)"|^'((?:[^']|'')*)'/.exec(value);
  if (quoted?.[1] !== undefined) return quoted[1].replace(/\\(["\\])/g, '$1');
  if (quoted?.[2] !== undefined) return quoted[2].replaceAll("''", "'");
  const bare = value.replace(/\s+#.*$/, '');
  if (bare === 'true' || bare === 'false') return bare === 'true';
  if (bare === 'null' || bare === '~') return null;
  const number = Number(bare);
  // `007` and `1.10` are names, not numbers.
  return String(number) === bare && Number.isFinite(number) ? number : bare;
}

function readHeadings(text: string): { parts: Part[]; first: string | undefined } {
  const parts: Part[] = [];
  const path = new HeadingPath();
  let first: string | undefined;
  const offsets = new Offsets(text);
  for (const token of blocksOf(text)) {
    const start = offsets.advance(token.raw.length);
    if (token.type !== 'heading') continue;
    const heading = plain(token.text);
    if (heading === undefined) continue;
    first ??= heading;
    parts.push({ start, headings: path.enter(token.depth, heading) });
  }
  return { parts, first };
}

function blocksOf(text: string): Token[] {
  const lexer = new Lexer();
  try {
    // The blocks alone: their inline parts are not needed.
    return lexer.blockTokens(text.replace(/\r\n?/g, '\n'), []);
  } catch (error) {
    // Quotes within quotes, thousands deep, take the stack. Such a text has no headings to speak of.
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** Follows offsets of a text whose line ends were made one character each. */
class Offsets {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Goes on by so many characters; where they begin in the text as it is. */
  advance(length: number): number {
    const start = this.#at;
    for (let left = length; left > 0; left--) {
      this.#at += this.#text.startsWith('\r\n', this.#at) ? 2 : 1;
    }
    return start;
  }
}

function plain(heading: string): string | undefined {
  return heading.replace(/[`*]/g, '').trim().slice(0, maxTitleLength) || undefined;
}
