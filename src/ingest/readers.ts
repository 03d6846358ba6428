// Turns a file or a directory into documents, and everything it cannot read into reasons. The pipeline imports it.
import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, relative, resolve, sep } from 'node:path';
import { IngestError, InvalidArgumentError } from '../core/errors.js';
import type { ReadItem } from './document.js';
import { type JsonlFields, looksBinary, readJsonl } from './jsonl.js';
import { readMarkdown, readPlain, type Titled } from './markdown.js';
import { isInside, reasonOf, type Walked, walk } from './walk.js';

/** What is read, and how. */
export interface ReadOptions {
  /** Sources are named by their path relative to this directory, with slashes; without it by their absolute real path. */
  readonly relativeTo?: string | undefined;
  /** Largest `.txt` or `.md` file, in bytes, default 64 MiB. JSONL files are streamed and may be larger. */
  readonly maxFileBytes?: number | undefined;
  /** Longest line of a JSONL file, in bytes, default 16 MiB. */
  readonly maxLineBytes?: number | undefined;
  /** Field names of JSONL lines. */
  readonly fields?: JsonlFields | undefined;
}

/** What was found at a path: the files in reading order, not opened yet. */
export interface Found {
  /** Name that every source found here begins with: a prefix that ends in a slash, or the one file's name. */
  readonly prefix: string;
  readonly directory: boolean;
  /** Number of documents, when no file among them holds many. */
  readonly total: number | undefined;
  /** Reads one file after the other. */
  read(): AsyncGenerator<ReadItem, void, undefined>;
}

const readersOfText: Readonly<Record<string, (raw: string) => Titled>> = {
  '.txt': readPlain,
  '.md': readMarkdown,
  '.markdown': readMarkdown,
};
const linesOfJson = new Set(['.jsonl', '.ndjson']);
const knownTypes = [...Object.keys(readersOfText), ...linesOfJson].join(', ');

const defaultMaxFileBytes = 64 * 2 ** 20;
const defaultMaxLineBytes = 16 * 2 ** 20;

/**
 * Looks at a path and lists what it holds; a directory is walked to its leaves, in a fixed order.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for a limit out of range, a path outside `relativeTo`, or one file of unknown type.
 * @throws {IngestError} ERR_LLM_CACHE_INGEST when there is nothing at the path, or neither a file nor a directory.
 */
export async function find(path: string, options: ReadOptions = {}): Promise<Found> {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new InvalidArgumentError('path', 'the path of a file or directory', path);
  }
  const settings = {
    maxFileBytes: bound('maxFileBytes', options.maxFileBytes ?? defaultMaxFileBytes),
    maxLineBytes: bound('maxLineBytes', options.maxLineBytes ?? defaultMaxLineBytes),
    fields: checkFields(options.fields),
  };
  const { real, directory } = await locate(path);
  if (!directory && !isKnown(real)) {
    throw new InvalidArgumentError('path', `a directory or a file of type ${knownTypes}`, path);
  }
  const base = options.relativeTo === undefined ? undefined : (await locate(options.relativeTo)).real;
  if (base !== undefined && !isInside(base, real)) {
    throw new InvalidArgumentError('path', `inside ${options.relativeTo}`, path);
  }
  const top = (base === undefined ? real : relative(base, real)).split(sep).join('/');
  const prefix = directory && top !== '' && !top.endsWith('/') ? `${top}/` : top;
  const walked: Walked[] = [];
  if (!directory) walked.push({ kind: 'file', name: '', path: real });
  else for await (const item of walk(real)) walked.push(item);
  const many = walked.some(({ name, kind }) => kind === 'file' && linesOfJson.has(typeOf(name || real)));
  const root = directory ? real : dirname(real);
  return {
    prefix,
    directory,
    total: many ? undefined : walked.length,
    async *read() {
      for (const item of walked) {
        const source = item.name === '.' ? top || '.' : prefix + item.name;
        if (item.kind === 'skipped') yield { kind: 'skipped', skipped: { source, why: item.why } };
        else yield* readFile(item.path, root, source, settings);
      }
    },
  };
}

type Settings = {
  readonly maxFileBytes: number;
  readonly maxLineBytes: number;
  readonly fields: JsonlFields;
};

async function locate(path: string): Promise<{ real: string; directory: boolean }> {
  try {
    const real = await realpath(resolve(path));
    const found = await stat(real);
    if (found.isDirectory() || found.isFile()) return { real, directory: found.isDirectory() };
  } catch (error) {
    throw new IngestError(`nothing can be read at ${path}: ${reasonOf(error)}`, { cause: error });
  }
  throw new IngestError(`nothing can be read at ${path}: it is neither a file nor a directory`);
}

async function* readFile(
  path: string,
  root: string,
  source: string,
  settings: Settings,
): AsyncGenerator<ReadItem> {
  const skip = (why: string): ReadItem => ({ kind: 'skipped', skipped: { source, why } });
  if (!isKnown(path)) {
    const type = extname(path);
    yield skip(`${type === '' ? 'no file type' : `unknown file type ${type}`}; known are ${knownTypes}`);
    return;
  }
  let file: FileHandle;
  try {
    const real = await realpath(path);
    if (!isInside(root, real)) {
      yield skip('a link that leads out of the directory');
      return;
    }
    // Between the walk and now the file may have become a link or a FIFO: neither is followed or waited for.
    file = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    yield skip(reasonOf(error));
    return;
  }
  try {
    const found = await file.stat();
    if (!found.isFile()) yield skip('neither a file nor a directory');
    else if (linesOfJson.has(typeOf(path))) {
      if (await looksBinary(file)) yield skip('binary, not text');
      else yield* readJsonl(file, source, settings.fields, settings.maxLineBytes);
    } else yield await readText(file, found.size, path, source, settings.maxFileBytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    yield skip(reasonOf(error));
  } finally {
    await file.close();
  }
}

async function readText(
  file: FileHandle,
  size: number,
  path: string,
  source: string,
  most: number,
): Promise<ReadItem> {
  const skip = (why: string): ReadItem => ({ kind: 'skipped', skipped: { source, why } });
  if (size > most) return skip(`${size} bytes are more than the ${most} that a file may have`);
  const bytes = await file.readFile();
  if (bytes.length > most)
    return skip(`${bytes.length} bytes are more than the ${most} that a file may have`);
  const mark = bytes.subarray(0, 2).toString('hex');
  if (mark === 'fffe' || mark === 'feff') return skip('UTF-16 text; save it as UTF-8');
  const zero = bytes.indexOf(0);
  if (zero >= 0) return skip(`binary, not text: a NUL byte at offset ${zero}`);
  let raw: string;
  try {
    raw = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return skip('not UTF-8');
  }
  const titled = (readersOfText[typeOf(path)] as (raw: string) => Titled)(raw);
  return { kind: 'document', document: { source, ...titled }, bytes: bytes.length };
}

function typeOf(path: string): string {
  return extname(basename(path)).toLowerCase();
}

function isKnown(path: string): boolean {
  return Object.hasOwn(readersOfText, typeOf(path)) || linesOfJson.has(typeOf(path));
}

function bound(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 29) {
    throw new InvalidArgumentError(name, 'an integer from 1 to 2^29 (bytes)', value);
  }
  return value;
}

function checkFields(fields: JsonlFields = {}): JsonlFields {
  for (const [name, value] of Object.entries(fields)) {
    if (!['id', 'title', 'text', 'metadata'].includes(name)) {
      throw new InvalidArgumentError(`fields.${name}`, 'one of id, title, text, metadata', name);
    }
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw new InvalidArgumentError(`fields.${name}`, 'the name of a field', value);
    }
  }
  return fields;
}
