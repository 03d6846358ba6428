// What readers yield and the pipeline takes. Readers, pipeline and the package's face import it.
import type { MetadataValue } from '../vectordb/filter.js';

/** A document to take in. */
export interface SourceDocument {
  /** Its name, unique in its corpus: a path, or whatever the caller names it. */
  readonly source: string;
  readonly text: string;
  readonly title?: string | undefined;
  /** Values that results carry and filters compare. `source`, `title`, `chunkIndex` and `documentId` are the pipeline's. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** Something that was left out, and why. */
export interface Skipped {
  /** The file or document. */
  readonly source: string;
  /** Line of a JSONL file, from 1. */
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
  | { readonly kind: 'skipped'; readonly skipped: Skipped };

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
