// Title and front matter of a Markdown text, title of a plain text. For readers.ts.

/** A text with what stands beside it. */
export interface Titled {
  /** The text without its front matter. */
  readonly text: string;
  readonly title?: string;
  readonly metadata?: Record<string, unknown>;
}

const maxTitleLength = 200;

/**
 * Takes off front matter (`---`, lines `name: value`, `---`): its `title` is the title, its other one-line values are metadata
 * (numbers and booleans as such), lists and blocks stay arrays of lines, which no database takes. Without a `title` there the
 * first heading is it.
 */
export function readMarkdown(raw: string): Titled {
  const front = /^---[ \t]*\r?\n(?:([\s\S]*?)\r?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(raw);
  const fields = front === null ? {} : readFields(front[1] ?? '');
  // A thematic break may open a text too; without a single field it is one.
  const text = front === null || Object.keys(fields).length === 0 ? raw : raw.slice(front[0].length);
  const { title: named, ...metadata } = fields;
  const title = named === undefined ? firstHeading(text) : String(named).slice(0, maxTitleLength);
  return { text, metadata, ...(title ? { title } : {}) };
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

function scalar(value: string): string | number | boolean | null {
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

function firstHeading(text: string): string | undefined {
  let fence: string | undefined;
  let previous = '';
  for (const [line] of text.matchAll(/[^\r\n]*(?:\r?\n|$)/g)) {
    const trimmed = line.trim();
    const mark = /^(`{3,}|~{3,})/.exec(trimmed)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) && mark === trimmed) fence = undefined;
      continue;
    }
    if (mark !== undefined) fence = mark;
    const heading = /^ {0,3}#{1,6}[ \t]+(.*)$/.exec(line.trimEnd())?.[1];
    if (heading !== undefined) return plain(heading.replace(/[ \t]+#+$/, ''));
    if (/^(=+|-{2,})$/.test(trimmed) && /^\w/.test(previous)) return plain(previous);
    previous = trimmed;
  }
  return undefined;
}

function plain(heading: string): string | undefined {
  return heading.replace(/[`*]/g, '').trim().slice(0, maxTitleLength) || undefined;
}
