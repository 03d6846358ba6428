// Reads JSON Lines as a stream, one document a line. For formats.ts.
import { describe } from '../core/errors.js';
import type { Blocks } from './bytes.js';
import type { ReadItem, SourceDocument } from './document.js';
import { documentOf, type RecordFields } from './fields.js';

/** A line of a file, or the news that it is too long. */
type Line = { readonly number: number; readonly bytes: Buffer | undefined; readonly length: number };

const newline = 0x0a;

/** Yields a document for each good line and a reason for each other one. Cost: holds one line at a time, up to `maxLineBytes`. */
export async function* readJsonl(
  blocks: Blocks,
  source: string,
  fields: RecordFields,
  maxLineBytes: number,
): AsyncGenerator<ReadItem, void, undefined> {
  for await (const line of readLines(blocks, maxLineBytes)) {
    const skip = (why: string, partial = false): ReadItem => ({
      kind: 'skipped',
      skipped: {
        source,
        line: line.number,
        why: `line ${line.number}: ${why}`,
        ...(partial ? { partial } : {}),
      },
    });
    if (line.bytes === undefined) {
      yield skip(`${line.length} bytes are more than the ${maxLineBytes} that a line may have`);
      continue;
    }
    const notes: string[] = [];
    const document = parse(line.bytes, source, fields, notes);
    if (document === undefined) continue;
    if (typeof document === 'string') {
      yield skip(document);
      continue;
    }
    for (const note of notes) yield skip(note, true);
    yield { kind: 'document', document, bytes: line.length, line: line.number };
  }
}

async function* readLines(blocks: Blocks, maxLineBytes: number): AsyncGenerator<Line, void, undefined> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  let number = 1;
  const take = (piece: Uint8Array): void => {
    length += piece.length;
    if (length > maxLineBytes) pieces = [];
    else if (piece.length > 0) pieces.push(piece);
  };
  const finish = (): Line => {
    const line = { number, bytes: length > maxLineBytes ? undefined : Buffer.concat(pieces), length };
    pieces = [];
    length = 0;
    number++;
    return line;
  };
  for await (const block of blocks) {
    let from = 0;
    for (let at = block.indexOf(newline); at >= 0; at = block.indexOf(newline, from)) {
      take(block.subarray(from, at));
      from = at + 1;
      yield finish();
    }
    take(block.subarray(from));
  }
  if (length > 0) yield finish();
}

// A document, the reason why there is none, or undefined for a blank line.
function parse(
  bytes: Buffer,
  file: string,
  fields: RecordFields,
  notes: string[],
): SourceDocument | string | undefined {
  let line: string;
  try {
    line = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return 'not UTF-8';
  }
  if (line.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return `not JSON (${(error as Error).message.slice(0, 120)})`;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `expected an object, got ${describe(value)}`;
  }
  return documentOf(value as Record<string, unknown>, file, fields, notes);
}
