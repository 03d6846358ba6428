// From the fields of a record (a line of JSON, a row of a table) to a document. For jsonl.ts and csv.ts.
import { describe, InvalidArgumentError } from '../core/errors.js';
import { contentFingerprint } from '../core/key.js';
import { isWellFormed, type SourceDocument } from './document.js';

/** Names of the fields of a record. */
export interface RecordFields {
  /** Field of the name that is unique in its file, a string or number, default `id`. Without one the text's fingerprint names it. */
  readonly id?: string | undefined;
  /** Field of the title, default `title`. */
  readonly title?: string | undefined;
  /** Field of the text, default `text`. */
  readonly text?: string | undefined;
  /** Field of an object with further values, default `metadata`; in a table every other column is metadata. */
  readonly metadata?: string | undefined;
}

const names: ReadonlySet<string> = new Set(['id', 'title', 'text', 'metadata']);

/** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for a name that is none. */
export function checkFields(fields: RecordFields = {}): RecordFields {
  for (const [name, value] of Object.entries(fields)) {
    if (!names.has(name)) {
      throw new InvalidArgumentError(`fields.${name}`, 'one of id, title, text, metadata', name);
    }
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw new InvalidArgumentError(`fields.${name}`, 'the name of a field', value);
    }
  }
  return fields;
}

/** The document of a record, or the reason why there is none; `notes` gets what else is left out. */
export function documentOf(
  record: Readonly<Record<string, unknown>>,
  file: string,
  fields: RecordFields,
  notes: string[],
): SourceDocument | string {
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
