// What readers yield and the pipeline takes. Readers, pipeline and the package's face import it.
import type { MetadataValue } from '../vectordb/filter.js';

/** Where a page or a section of a text begins. */
export interface Part {
  /** Offset of its first code unit. */
  readonly start: number;
  /** Number of the page, from 1. */
  readonly page?: number;
  /** The headings that it stands under, the outermost first: `Setup > Linux`. */
  readonly headings?: string;
}

/** A document to take in. */
export interface SourceDocument {
  /** Its name, unique in its corpus: a path, or whatever the caller names it. */
  readonly source: string;
  readonly text: string;
  readonly title?: string | undefined;
  /** Values that results carry and filters compare. `source`, `title`, `chunkIndex` and `documentId` are the pipeline's. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Its pages or sections by ascending start. A chunk carries `page` and `headings` of the one in which it begins. */
  readonly parts?: readonly Part[] | undefined;
}

/** A text with what stands beside it, as readers of one format give it. */
export type Titled = Omit<SourceDocument, 'source'>;

/** Something that was left out, and why. */
export interface Skipped {
  /** The file or document. */
  readonly source: string;
  /** Line of a JSONL or CSV file, from 1. */
  readonly line?: number;
  readonly why: string;
  /** The document itself was taken in; only the named part of it was left out. */
  readonly partial?: boolean;
}

/** One thing that a reader found. */
export type ReadItem =
  | {
      readonly kind: 'document';
      readonly document: SourceDocument;
      readonly bytes: number;
      readonly line?: number;
    }
  | { readonly kind: 'skipped'; readonly skipped: Skipped }
  /** A file that patterns leave out. Where they name what is wanted in this run (`kept`), it stays in the corpus. */
  | { readonly kind: 'ignored'; readonly source: string; readonly kept: boolean };

const separator = ' > ';
const maxHeadingLength = 200;
const maxPathLength = 1000;

/** Follows the headings of a document and says under which ones a part stands. */
export class HeadingPath {
  readonly #open: { readonly level: number; readonly text: string }[] = [];

  /** Enters a heading of a level, 1 to 6; the path down to it, empty for one without text. */
  enter(level: number, text: string): string {
    while ((this.#open.at(-1)?.level ?? 0) >= level) this.#open.pop();
    const line = text.replace(/\s+/g, ' ').trim().slice(0, maxHeadingLength).toWellFormed();
    if (line !== '') this.#open.push({ level, text: line });
    const path = this.#open.map(({ text }) => text).join(separator);
    return path.slice(0, maxPathLength).toWellFormed();
  }
}

/** The metadata that a database takes: own primitives, well-formed; says for each other field why it is left out. */
export function primitivesOf(
  metadata: Readonly<Record<string, unknown>> | undefined,
  leftOut: (why: string) => void,
): Record<string, MetadataValue> {
  const kept: [string, MetadataValue][] = [];
  for (const [name, value] of Object.entries(metadata ?? {})) {
    if (value === undefined) continue;
    if (reserved.has(name)) leftOut(`the metadata field "${name}" is left out: the name is taken`);
    else if (isPrimitive(value) && isWellFormed(name)) kept.push([name, value]);
    else
      leftOut(
        `the metadata field "${name}" is left out: it must be a string, a finite number, a boolean or null`,
      );
  }
  return Object.fromEntries(kept);
}

const reserved = new Set(['source', 'title', 'chunkIndex', 'documentId']);

function isPrimitive(value: unknown): value is MetadataValue {
  if (value === null || typeof value === 'boolean') return true;
  return typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value === 'string' && isWellFormed(value);
}

/** False when the text has a lone surrogate: two different ones are one and the same in UTF-8. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
