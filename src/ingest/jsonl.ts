// Reads JSON Lines as a stream, one document a line. For readers.ts.
import type { FileHandle } from 'node:fs/promises';
import { describe } from '../core/errors.js';
import { contentFingerprint } from '../core/key.js';
import { isWellFormed, type ReadItem, type SourceDocument } from './document.js';

/** Names of the fields of a line. */
export interface JsonlFields {
  /** Field of the name that is unique in its file, a string or number, default `id`. Without one the text's fingerprint names it. */
  readonly id?: string | undefined;
  /** Field of the title, default `title`. */
  readonly title?: string | undefined;
  /** Field of the text, default `text`. */
  readonly text?: string | undefined;
  /** Field of an object with further values, default `metadata`. */
  readonly metadata?: string | undefined;
}

/** A line of a file, or the news that it is too long. */
type Line = { readonly number: number; readonly bytes: Buffer | undefined; readonly length: number };

const newline = 0x0a;
const readSize = 1 << 16;

/** Yields a document for each good line and a reason for each other one. Cost: holds one line at a time, up to `maxLineBytes`. */
export async function* readJsonl(
  file: FileHandle,
  source: string,
  fields: JsonlFields,
  maxLineBytes: number,
): AsyncGenerator<ReadItem, void, undefined> {
  for await (const line of readLines(file, maxLineBytes)) {
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

/** True when the file begins like a binary one: a NUL byte in its first 4 KiB. */
export async function looksBinary(file: FileHandle): Promise<boolean> {
  const head = Buffer.alloc(4096);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  return head.subarray(0, bytesRead).includes(0);
}

async function* readLines(file: FileHandle, maxLineBytes: number): AsyncGenerator<Line, void, undefined> {
  const buffer = Buffer.alloc(readSize);
  let pieces: Buffer[] = [];
  let length = 0;
  let number = 1;
  const take = (piece: Buffer): void => {
    length += piece.length;
    if (length > maxLineBytes) pieces = [];
    else if (piece.length > 0) pieces.push(Buffer.from(piece));
  };
  const finish = (): Line => {
    const line = { number, bytes: length > maxLineBytes ? undefined : Buffer.concat(pieces), length };
    pieces = [];
    length = 0;
    number++;
    return line;
  };
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, readSize, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    let from = 0;
    for (
      let at = buffer.indexOf(newline, from);
      at >= 0 && at < bytesRead;
      at = buffer.indexOf(newline, from)
    ) {
      take(buffer.subarray(from, at));
      from = at + 1;
      yield finish();
    }
    take(buffer.subarray(from, bytesRead));
  }
  if (length > 0) yield finish();
}

// A document, the reason why there is none, or undefined for a blank line.
function parse(
  bytes: Buffer,
  file: string,
  fields: JsonlFields,
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
  const record = value as Record<string, unknown>;
  const field = (name: string): unknown =>
    Object.hasOwn(record, name) ? (record[name] ?? undefined) : undefined;
  const textField = fields.text ?? 'text';
  const text = field(textField);
  if (typeof text !== 'string') {
    return `no text: the field "${textField}" is ${text === undefined ? 'missing' : describe(text)}`;
  }
  if (!isWellFormed(text)) return `the field "${textField}" has a lone surrogate`;
  const idField = fields.id ?? 'id';
  const id = field(idField) ?? contentFingerprint(text).slice(0, 16);
  if ((typeof id !== 'string' && typeof id !== 'number') || id === '' || !isWellFormed(String(id))) {
    return `the field "${idField}" must be a string or a number, got ${describe(id)}`;
  }
  const title = optional(field(fields.title ?? 'title'), fields.title ?? 'title', isTitle, 'a string', notes);
  const metadataField = fields.metadata ?? 'metadata';
  const metadata = optional(field(metadataField), metadataField, isObject, 'an object', notes);
  return { source: `${file}#${id}`, text, title, metadata };
}

function optional<T>(
  value: unknown,
  name: string,
  is: (value: unknown) => value is T,
  kind: string,
  notes: string[],
): T | undefined {
  if (value === undefined || is(value)) return value;
  notes.push(`the field "${name}" is left out: it must be ${kind}, got ${describe(value)}`);
  return undefined;
}

function isTitle(value: unknown): value is string {
  return typeof value === 'string' && isWellFormed(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
