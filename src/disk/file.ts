// Opens the LMDB file after checking that it is safe to map; the only importer of lmdb. For disk/ alone.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { CapacityError, DirectoryError } from '../core/errors.js';

export type BytesDatabase = Database<Buffer, Buffer>;
export type BytesRoot = RootDatabase<Buffer, Buffer>;

/** The data file of an environment. */
export const fileName = 'cache.mdb';
const startAnew = 'delete the directory to start anew';
const mostDatabases = 64;
const bytesOnly = { encoding: 'binary', keyEncoding: 'binary' } as const;

/**
 * Opens, or creates with mode 0600 in a directory of mode 0700, the environment of a cache directory.
 * @throws {DirectoryError} ERR_LLM_CACHE_DIRECTORY when the directory cannot be written or its file is damaged.
 */
export function openRoot(directory: string): BytesRoot {
  try {
    makeDirectory(directory);
    if (!statSync(directory).isDirectory()) throw new Error('it is not a directory');
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new DirectoryError(directory, reasonOf(error), { cause: error });
  }
  const path = join(directory, fileName);
  checkFile(directory, path);
  if (!existsSync(path)) checkSpace(directory, 0, 0);
  try {
    return open<Buffer, Buffer>({
      ...bytesOnly,
      path,
      noSubdir: true,
      maxDbs: mostDatabases,
      maxReaders: 512,
      permissionsMode: 0o600,
      // A commit is on disk before the next one starts: acknowledged means durable, and no half-flushed state exists.
      overlappingSync: false,
    } as Parameters<typeof open>[0]) as BytesRoot;
  } catch (error) {
    throw new DirectoryError(directory, reasonOf(error), { cause: error });
  }
}

// Not `recursive: true`: Node spins for ever where a parent can never exist, as below /proc.
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(resolve(path));
  if (parent !== resolve(path)) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process that starts at the same time was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** A named database within the environment. */
export function openNamed(root: BytesRoot, directory: string, name: string): BytesDatabase {
  try {
    return root.openDB<Buffer, Buffer>({ ...bytesOnly, name } as never) as unknown as BytesDatabase;
  } catch (error) {
    throw new DirectoryError(directory, `${fileName} is damaged (${reasonOf(error)}); ${startAnew}`, {
      cause: error,
    });
  }
}

const pageBytes = 4096;
// Creating the file and its databases, and the pages of the free list.
const reserveBytes = 512 << 10;
// A change copies the pages on its path from the root; four levels hold over a billion entries.
const pagesPerChange = 4;

/**
 * Refuses a commit that might not fit: LMDB's own handling of a full disk corrupts the heap and ends the process (tried with
 * lmdb 3.5.6 on a full tmpfs), so it must never get there.
 * @throws {CapacityError} ERR_LLM_CACHE_CAPACITY
 */
export function checkSpace(directory: string, changes: number, bytes: number): void {
  const { bavail, bsize } = statfsSync(directory);
  const needed = 2 * bytes + changes * pagesPerChange * pageBytes + reserveBytes;
  if (bavail * bsize < needed) {
    throw new CapacityError(
      `${directory}: the disk is full (${bavail * bsize} bytes free, a write wants ${needed})`,
    );
  }
}

/** Bytes of the pages a database uses. */
export function bytesOf(database: BytesDatabase): number {
  const pages = database.getStats() as Record<string, number>;
  const used = (pages.treeBranchPageCount ?? 0) + (pages.treeLeafPageCount ?? 0) + (pages.overflowPages ?? 0);
  return used * (pages.pageSize ?? 0);
}

// LMDB maps its file and trusts it: a truncated or foreign one ends the process with SIGBUS or SIGSEGV (tried with lmdb 3.5).
// So the two meta pages are read here first. Offsets within a page: mdb.c, MDB_page and MDB_meta, data format 2.
const metaMagic = 0xbeefc0de;
const dataFormat = 2;
const magicOffset = 24;
const pageSizeOffset = 48;
const freeRootOffset = 88;
const mainRootOffset = 136;
const lastPageOffset = 144;
const transactionOffset = 152;
const metaLength = 160;

function checkFile(directory: string, path: string): void {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new DirectoryError(directory, reasonOf(error), { cause: error });
  }
  try {
    const status = fstatSync(file);
    if (!status.isFile()) throw new DirectoryError(directory, `${fileName} is not a file`);
    if (status.size === 0) return;
    const first = readMeta(file, 0);
    const second = first && readMeta(file, first.pageSize);
    if (!first || !second)
      throw new DirectoryError(
        directory,
        `${fileName} is not a cache file, or its head is damaged; ${startAnew}`,
      );
    const newest = first.transaction >= second.transaction ? first : second;
    const needed = (newest.lastPage + 1n) * BigInt(first.pageSize);
    // Anew: another process may have grown the file since, always before it states so.
    const { size } = fstatSync(file);
    if (BigInt(size) < needed) {
      throw new DirectoryError(
        directory,
        `${fileName} is truncated (${size} bytes, it states ${needed}); ${startAnew}`,
      );
    }
  } finally {
    closeSync(file);
  }
}

/** What a meta page says; undefined for anything else. */
export function readMeta(file: number, position: number) {
  const bytes = Buffer.alloc(metaLength);
  if (readSync(file, bytes, 0, metaLength, position) < metaLength) return undefined;
  if (bytes.readUInt32LE(magicOffset) !== metaMagic || bytes.readUInt32LE(magicOffset + 4) !== dataFormat)
    return undefined;
  const pageSize = bytes.readUInt32LE(pageSizeOffset);
  if (pageSize < 512 || pageSize > 65_536) return undefined;
  return {
    pageSize,
    /** Root pages of the list of free pages and of the database of databases. */
    roots: [bytes.readBigUInt64LE(freeRootOffset), bytes.readBigUInt64LE(mainRootOffset)] as const,
    lastPage: bytes.readBigUInt64LE(lastPageOffset),
    transaction: bytes.readBigUInt64LE(transactionOffset),
  };
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EACCES' || code === 'EPERM' || String(code) === '13')
    return 'no permission to read and write it';
  if (code === 'EROFS' || String(code) === '30') return 'it is on a read-only file system';
  return (error as Error).message;
}
