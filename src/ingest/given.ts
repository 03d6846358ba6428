// Checks documents that a caller hands over in memory. For pipeline.ts.
import { describe, InvalidArgumentError } from '../core/errors.js';
import { isWellFormed, type ReadItem, type SourceDocument } from './document.js';

const defaultMaxBytes = 64 * 2 ** 20;

/**
 * Yields each usable document, and a reason for each other one, named by its position when it has no name.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when `documents` cannot be iterated.
 */
export async function* readGiven(
  documents: Iterable<SourceDocument> | AsyncIterable<SourceDocument>,
  maxBytes = defaultMaxBytes,
): AsyncGenerator<ReadItem, void, undefined> {
  if (
    typeof documents !== 'object' ||
    documents === null ||
    !(Symbol.iterator in documents || Symbol.asyncIterator in documents)
  ) {
    throw new InvalidArgumentError('documents', 'an iterable of documents', documents);
  }
  let index = 0;
  for await (const document of documents) {
    const place = `documents[${index++}]`;
    const why = fault(document, maxBytes);
    if (why === undefined) yield { kind: 'document', document, bytes: Buffer.byteLength(document.text) };
    else yield { kind: 'skipped', skipped: { source: nameOf(document) ?? place, why } };
  }
}

function fault(document: unknown, maxBytes: number): string | undefined {
  if (typeof document !== 'object' || document === null)
    return `expected an object, got ${describe(document)}`;
  const { source, text, title, metadata, parts } = document as Record<string, unknown>;
  if (nameOf(document) === undefined) return `source must be a name, got ${describe(source)}`;
  if (typeof text !== 'string') return `text must be a string, got ${describe(text)}`;
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes)
    return `its text has more than ${maxBytes} bytes`;
  if (!isWellFormed(text)) return 'its text has a lone surrogate';
  if (title !== undefined && (typeof title !== 'string' || !isWellFormed(title))) {
    return `title must be a string, got ${describe(title)}`;
  }
  if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null)) {
    return `metadata must be an object, got ${describe(metadata)}`;
  }
  if (parts !== undefined && !areParts(parts, text.length)) {
    return 'parts must be a list of { start, page, headings } by ascending start';
  }
  return undefined;
}

function areParts(parts: unknown, length: number): boolean {
  if (!Array.isArray(parts)) return false;
  let least = 0;
  return parts.every(({ start, page, headings }: Record<string, unknown>) => {
    const fits = Number.isInteger(start) && (start as number) >= least && (start as number) <= length;
    least = start as number;
    const isNumbered = page === undefined || (Number.isInteger(page) && (page as number) > 0);
    return fits && isNumbered && (headings === undefined || isName(headings));
  });
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && isWellFormed(value);
}

function nameOf(document: unknown): string | undefined {
  const source = (document as { source?: unknown } | null | undefined)?.source;
  return typeof source === 'string' && source !== '' && isWellFormed(source) ? source : undefined;
}
