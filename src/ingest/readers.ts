// Turns a file, a directory or a stream into documents, and everything it cannot read into reasons. The pipeline imports it.
import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { dirname, extname, relative, resolve, sep } from 'node:path';
import type { Clock } from '../core/clock.js';
import { IngestError, InvalidArgumentError, MissingPackageError } from '../core/errors.js';
import { type Blocks, blocksOf, tooLong, untilAborted } from './bytes.js';
import type { ReadItem } from './document.js';
import { checkFields, type RecordFields } from './fields.js';
import {
  type Format,
  type FormatSettings,
  formatOf,
  formatOfType,
  holdsMany,
  knownTypes,
  readAs,
} from './formats.js';
import { ParseThread } from './parse-thread.js';
import { type Early, ReadAhead } from './read-ahead.js';
import { Selection, type SelectOptions } from './select.js';
import { isInside, reasonOf, type Walked, walk } from './walk.js';

/** What is read, and how. */
export interface ReadOptions extends SelectOptions {
  /** Sources are named by their path relative to this directory, with slashes; without it by their absolute real path. */
  readonly relativeTo?: string | undefined;
  /** Largest file, and most bytes that one may unpack to, default 64 MiB. JSONL and CSV are streamed and may be larger. */
  readonly maxFileBytes?: number | undefined;
  /** Longest line of a JSONL file or row of a CSV file, in bytes, default 16 MiB. */
  readonly maxLineBytes?: number | undefined;
  /** Most pages of a PDF file, default 10,000. */
  readonly maxPages?: number | undefined;
  /** Most milliseconds that one PDF or DOCX file, or long HTML or Markdown text, may take to be read, default 60,000. */
  readonly parseTimeoutMs?: number | undefined;
  /** Field names of JSONL lines, column names of CSV files. */
  readonly fields?: RecordFields | undefined;
}

/** A file that comes as a stream, such as standard input. */
export interface StreamInput {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** What it would end in as a file: `txt`, `md`, `html`, `pdf`, `docx`, `csv`, `jsonl` and the like. */
  readonly type: string;
  /** Its name in the corpus, default `stdin`. */
  readonly source?: string | undefined;
}

/** What was found: the files in reading order, not opened yet. */
export interface Found {
  /** Name that every source found here begins with: a prefix that ends in a slash, or the one file's name. */
  readonly prefix: string;
  readonly directory: boolean;
  /** Number of documents, when no file among them holds many. */
  readonly total: number | undefined;
  /** Number of files. */
  readonly files: number;
  /** Reads one file after the other. */
  read(signal?: AbortSignal): AsyncGenerator<ReadItem, void, undefined>;
}

type Settings = Omit<FormatSettings, 'thread' | 'signal'>;

interface PlannedFile {
  readonly source: string;
  readonly path: string;
  readonly root: string;
}

/** A file to be read, or the news of one that is not. */
type Planned = { readonly item: ReadItem } | PlannedFile;

// A thread is not worth its start for fewer.
const fewFiles = 32;

const defaultMaxFileBytes = 64 * 2 ** 20;
const defaultMaxLineBytes = 16 * 2 ** 20;
const known = knownTypes.map((type) => `.${type}`).join(', ');

/**
 * Looks at a path and lists what it holds; a directory is walked to its leaves, in a fixed order.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for a limit out of range, a path outside `relativeTo`, or one file of unknown type.
 * @throws {IngestError} ERR_LLM_CACHE_INGEST when there is nothing at the path, or neither a file nor a directory.
 */
export async function find(path: string, options: ReadOptions = {}, clock?: Clock): Promise<Found> {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new InvalidArgumentError('path', 'the path of a file or directory', path);
  }
  const settings = settingsOf(options);
  const { real, directory } = await locate(path);
  if (!directory && formatOf(real) === undefined) {
    throw new InvalidArgumentError('path', `a directory or a file of type ${known}`, path);
  }
  const base = options.relativeTo === undefined ? undefined : (await locate(options.relativeTo)).real;
  if (base !== undefined && !isInside(base, real)) {
    throw new InvalidArgumentError('path', `inside ${options.relativeTo}`, path);
  }
  const top = (base === undefined ? real : relative(base, real)).split(sep).join('/');
  const prefix = directory && top !== '' && !top.endsWith('/') ? `${top}/` : top;
  const selection = new Selection(real, options);
  const root = directory ? real : dirname(real);
  const planned: Planned[] = [];
  if (!directory) planned.push({ source: top, path: real, root });
  else {
    for await (const item of walk(real, selection)) {
      planned.push(planOf(item, item.name === '.' ? top || '.' : prefix + item.name, root));
    }
  }
  const files = planned.filter((each): each is PlannedFile => 'path' in each);
  const skips = planned.filter(
    (each) => 'item' in each && each.item.kind === 'skipped' && !each.item.skipped.partial,
  );
  const many = files.some(({ path }) => holdsMany(formatOf(path)));
  return {
    prefix,
    directory,
    total: many ? undefined : files.length + skips.length,
    files: files.length,
    async *read(signal) {
      const thread = new ParseThread({ timeoutMs: options.parseTimeoutMs, clock });
      const early = files.map(({ path }) => path).filter((path) => isRead(formatOf(path)));
      const ahead = early.length > fewFiles ? new ReadAhead(root, early) : undefined;
      const all = { ...settings, thread, signal };
      try {
        for (const each of planned) {
          if ('item' in each) yield each.item;
          else {
            const found = isRead(formatOf(each.path)) ? ((await ahead?.next()) ?? 'later') : 'later';
            if (found === 'later') yield* readFile(each.path, each.root, each.source, all, directory);
            else yield* readEarly(found, each, all, directory);
          }
        }
      } finally {
        await ahead?.close();
        await thread.close();
      }
    },
  };
}

/**
 * The documents of a stream.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for what is no stream, or an unknown type.
 */
export function findStream(input: StreamInput, options: ReadOptions = {}, clock?: Clock): Found {
  const settings = settingsOf(options);
  const { bytes, type, source = 'stdin' } = input;
  if (typeof bytes?.[Symbol.asyncIterator] !== 'function') {
    throw new InvalidArgumentError('input.bytes', 'a stream of bytes', bytes);
  }
  const format = typeof type === 'string' ? formatOfType(type) : undefined;
  if (format === undefined) {
    throw new InvalidArgumentError('input.type', `one of ${knownTypes.join(', ')}`, type);
  }
  if (typeof source !== 'string' || source === '' || !source.isWellFormed()) {
    throw new InvalidArgumentError('input.source', 'a name', source);
  }
  return {
    prefix: source,
    directory: false,
    total: holdsMany(format) ? undefined : 1,
    files: 1,
    async *read(signal) {
      const thread = new ParseThread({ timeoutMs: options.parseTimeoutMs, clock });
      try {
        const blocks = untilAborted(bytes, signal);
        yield* readBlocks(format, blocks, source, { ...settings, thread, signal }, false);
      } finally {
        await thread.close();
      }
    },
  };
}

function planOf(item: Walked, source: string, root: string): Planned {
  if (item.kind === 'file') return { source, path: item.path, root };
  if (item.kind === 'unselected') {
    return { item: { kind: 'ignored', source, kept: item.choice === 'other' } };
  }
  const { why, partial } = item;
  return { item: { kind: 'skipped', skipped: { source, why, ...(partial ? { partial } : {}) } } };
}

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

/** True for a file that is read in one piece. */
function isRead(format: Format | undefined): boolean {
  return format !== undefined && !holdsMany(format);
}

async function* readEarly(
  found: Exclude<Early, 'later'>,
  { path, source }: PlannedFile,
  settings: FormatSettings,
  among: boolean,
): AsyncGenerator<ReadItem> {
  if ('why' in found) yield { kind: 'skipped', skipped: { source, why: found.why } };
  else if (found.bytes.length > settings.maxFileBytes) {
    yield { kind: 'skipped', skipped: { source, why: tooLong(found.bytes.length, settings.maxFileBytes) } };
  } else yield* readBlocks(formatOf(path) as Format, blockOf(found.bytes), source, settings, among);
}

async function* blockOf(bytes: Uint8Array): Blocks {
  yield bytes;
}

async function* readFile(
  path: string,
  root: string,
  source: string,
  settings: FormatSettings,
  among: boolean,
): AsyncGenerator<ReadItem> {
  const skip = (why: string): ReadItem => ({ kind: 'skipped', skipped: { source, why } });
  const format = formatOf(path);
  if (format === undefined) {
    const type = extname(path);
    yield skip(`${type === '' ? 'no file type' : `unknown file type ${type}`}; known are ${known}`);
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
    else if (!holdsMany(format) && found.size > settings.maxFileBytes) {
      yield skip(tooLong(found.size, settings.maxFileBytes));
    } else yield* readBlocks(format, blocksOf(file, found.size), source, settings, among);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    yield skip(reasonOf(error));
  } finally {
    await file.close();
  }
}

/** One file among many that needs a package which is not there is left out; where it is all that is asked for, that is a failure. */
async function* readBlocks(
  format: Format,
  blocks: Blocks,
  source: string,
  settings: FormatSettings,
  among: boolean,
): AsyncGenerator<ReadItem> {
  try {
    yield* readAs(format, blocks, source, settings);
  } catch (error) {
    const isMissing = among && error instanceof MissingPackageError;
    if (!isMissing && !(error instanceof IngestError)) throw error;
    yield { kind: 'skipped', skipped: { source, why: error.message } };
  }
}

function settingsOf(options: ReadOptions): Settings {
  const { parseTimeoutMs = 60_000 } = options;
  if (!Number.isSafeInteger(parseTimeoutMs) || parseTimeoutMs < 1 || parseTimeoutMs > 3_600_000) {
    throw new InvalidArgumentError(
      'parseTimeoutMs',
      'an integer from 1 to 3,600,000 (milliseconds)',
      parseTimeoutMs,
    );
  }
  return {
    maxFileBytes: bound('maxFileBytes', options.maxFileBytes ?? defaultMaxFileBytes, 'bytes'),
    maxLineBytes: bound('maxLineBytes', options.maxLineBytes ?? defaultMaxLineBytes, 'bytes'),
    maxPages: bound('maxPages', options.maxPages ?? 10_000, 'pages'),
    fields: checkFields(options.fields),
  };
}

function bound(name: string, value: number, unit: string): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 29) {
    throw new InvalidArgumentError(name, `an integer from 1 to 2^29 (${unit})`, value);
  }
  return value;
}
