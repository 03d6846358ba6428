// The formats of files: what each is called, and how its bytes become documents. For readers.ts. Readers that stand on a package are
// loaded with their first file: most programs ingest nothing.
import { basename, extname } from 'node:path';
import { IngestError } from '../core/errors.js';
import { type Blocks, collect, decodeText, toUtf8 } from './bytes.js';
import type { ReadItem, Titled } from './document.js';
import type { RecordFields } from './fields.js';
import { readJsonl } from './jsonl.js';
import type { ParsedFormat } from './parse-protocol.js';
import type { ParseThread } from './parse-thread.js';

/** What a file can be. */
export type Format = 'text' | 'jsonl' | 'csv' | ParsedFormat;

/** Bounds and names for reading. */
export interface FormatSettings {
  readonly maxFileBytes: number;
  readonly maxLineBytes: number;
  readonly maxPages: number;
  readonly fields: RecordFields;
  readonly thread: ParseThread;
  readonly signal: AbortSignal | undefined;
}

const formats: Readonly<Record<string, Format>> = {
  txt: 'text',
  md: 'markdown',
  markdown: 'markdown',
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  pdf: 'pdf',
  docx: 'docx',
  csv: 'csv',
  tsv: 'csv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
};

// Once: asking for a module again costs as much as reading a short file.
const csv = once(() => import('./csv.js'));
const html = once(() => import('./html.js'));
const markdown = once(() => import('./markdown.js'));

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => (loaded ??= load());
}

/** All types by the ends of their file names. */
export const knownTypes: readonly string[] = Object.keys(formats);

// Hostile text of this length holds the event loop for a tenth of a second; what is longer goes to a thread.
const mostInline = 16_384;

/** The format that the end of a file's name says; undefined for another. */
export function formatOf(path: string): Format | undefined {
  return formatOfType(extname(basename(path)).slice(1));
}

/** The format of a type such as `md`; undefined for another. */
export function formatOfType(type: string): Format | undefined {
  const name = type.toLowerCase();
  return Object.hasOwn(formats, name) ? formats[name] : undefined;
}

/** True for a file of which every line or row is a document. */
export function holdsMany(format: Format | undefined): boolean {
  return format === 'jsonl' || format === 'csv';
}

/**
 * Yields the documents of a file.
 * @throws {IngestError} ERR_LLM_CACHE_INGEST where it cannot be read (any further).
 * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when the package for its format is not installed.
 */
export async function* readAs(
  format: Format,
  blocks: Blocks,
  source: string,
  settings: FormatSettings,
): AsyncGenerator<ReadItem, void, undefined> {
  const { fields, maxLineBytes } = settings;
  if (format === 'jsonl') yield* readJsonl(toUtf8(blocks), source, fields, maxLineBytes);
  else if (format === 'csv') {
    const { readCsv } = await csv();
    yield* readCsv(toUtf8(blocks), source, fields, maxLineBytes);
  } else {
    const bytes = await collect(blocks, settings.maxFileBytes);
    const titled = await readWhole(format, bytes, settings);
    yield { kind: 'document', document: { source, ...titled }, bytes: bytes.length };
  }
}

async function readWhole(
  format: Exclude<Format, 'jsonl' | 'csv'>,
  bytes: Buffer,
  { thread, maxPages, maxFileBytes: maxBytes, signal }: FormatSettings,
): Promise<Titled> {
  if (format === 'pdf' || format === 'docx') {
    return thread.parse({ format, content: bytes, maxPages, maxBytes }, signal);
  }
  const content = format === 'html' ? decodeHtml(bytes) : decodeText(bytes);
  if (format === 'text') return (await markdown()).readPlain(content);
  if (content.length > mostInline) return thread.parse({ format, content, maxPages, maxBytes }, signal);
  return format === 'html' ? (await html()).readHtml(content) : (await markdown()).readMarkdown(content);
}

function decodeHtml(bytes: Buffer): string {
  try {
    return decodeText(bytes);
  } catch (error) {
    const named = encodingNamedIn(bytes);
    if (named === undefined || bytes.includes(0)) throw error;
    try {
      return new TextDecoder(named, { fatal: true }).decode(bytes);
    } catch (cause) {
      throw new IngestError(`not ${named}, which it says it is`, { cause });
    }
  }
}

/** The encoding that a page's own beginning names, for one that is neither UTF-8 nor has a byte order mark. */
function encodingNamedIn(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 1024)).toString('latin1');
  return /<meta[^>]{0,200}charset\s{0,8}=\s{0,8}["']?\s{0,8}([\w-]{1,40})/i.exec(head)?.[1]?.toLowerCase();
}
