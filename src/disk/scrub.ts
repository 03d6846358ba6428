// Zeroes what is deleted and still lies in the LMDB file: free pages, unused parts of pages in use. For writer-worker.ts alone.
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DirectoryError } from '../core/errors.js';
import { fileName, readMeta } from './file.js';

// Offsets within pages and nodes: mdb.c, MDB_page_header, MDB_node, MDB_ovpage and MDB_db, data format 2.
const flagsOffset = 18;
const lowerOffset = 20;
const upperOffset = 22;
const headerBytes = 24;
const nodeBytes = 8;
const rootInDatabase = 40;
const databaseBytes = 48;
const overflowBytes = 24;
const isBranch = 0x01;
const isLeaf = 0x02;
const onOverflowPages = 0x01;
const isDatabase = 0x02;
const firstDataPage = 2;
const noPage = 0xffff_ffff_ffff_ffffn;
const deepest = 32;
const zeros = Buffer.alloc(65_536);

/**
 * Zeroes every byte of the data file that no snapshot needs: false, with nothing done, while a reader looks at an older snapshot than
 * the two that the meta pages name. Must run within a write transaction that has written nothing, after two commits that come
 * after the deletion. Checks each page before it trusts it, and writes only after all were seen. O(pages): some 4 microseconds each.
 * @throws {DirectoryError} ERR_LLM_CACHE_DIRECTORY when the file is not as LMDB would write it; nothing was changed then.
 */
export function scrub(directory: string, readers: string): boolean {
  const file = openSync(join(directory, fileName), 'r+');
  try {
    const metas = metasOf(directory, file);
    const isOlder = (snapshot: bigint) => metas.every(({ transaction }) => snapshot < transaction);
    if (snapshotsOf(readers).some(isOlder)) return false;
    const pages = new Pages(directory, file, metas[0].pageSize, fstatSync(file).size);
    for (const { roots } of metas) for (const root of roots) pages.walk(root, 0);
    pages.zeroTheRest();
    fsyncSync(file);
    return true;
  } finally {
    closeSync(file);
  }
}

function metasOf(directory: string, file: number) {
  const first = readMeta(file, 0);
  const second = first && readMeta(file, first.pageSize);
  if (first === undefined || second === undefined) throw damaged(directory);
  return [first, second] as const;
}

/** Transactions whose snapshots are being read, from LMDB's table: process, thread, transaction or `-`, one reader a line. */
function snapshotsOf(readers: string): bigint[] {
  return [...readers.matchAll(/^\s*\d+\s+[0-9a-f]+\s+(\d+)\s*$/gm)].map(([, number]) =>
    BigInt(number as string),
  );
}

/** The pages of a file, and what of them is in use. */
class Pages {
  readonly #directory: string;
  readonly #file: number;
  readonly #pageSize: number;
  readonly #count: number;
  readonly #used: Uint8Array;
  /** Ranges of the file without use within pages in use: where, how many bytes. */
  readonly #gaps: (readonly [number, number])[] = [];

  constructor(directory: string, file: number, pageSize: number, size: number) {
    this.#directory = directory;
    this.#file = file;
    this.#pageSize = pageSize;
    this.#count = Math.ceil(size / pageSize);
    this.#used = new Uint8Array(this.#count).fill(1, 0, firstDataPage);
  }

  /** Marks what is reachable from a root. */
  walk(root: bigint, depth: number): void {
    if (root === noPage) return;
    const number = this.#number(root);
    if (depth > deepest) throw damaged(this.#directory);
    // Snapshots share most of their pages.
    if (this.#used[number] === 1) return;
    this.#used[number] = 1;
    const page = this.#read(number);
    const flags = page.readUInt16LE(flagsOffset) & 0xff;
    const lower = headerBytes + page.readUInt16LE(lowerOffset);
    const upper = headerBytes + page.readUInt16LE(upperOffset);
    const isSound =
      page.readBigUInt64LE(0) === root && (flags === isBranch || flags === isLeaf) && lower <= upper;
    if (!isSound || upper > this.#pageSize) throw damaged(this.#directory);
    this.#gap(page, number, lower, upper);
    for (let at = headerBytes; at < lower; at += 2) {
      const node = headerBytes + page.readUInt16LE(at);
      if (node < upper || node + nodeBytes > this.#pageSize) throw damaged(this.#directory);
      if (flags === isBranch) this.walk(childOf(page, node), depth + 1);
      else this.#leaf(page, node, depth);
    }
  }

  /** Writes zeros over everything that was not marked. */
  zeroTheRest(): void {
    for (const [position, length] of this.#gaps) this.#zero(position, length);
    for (let number = firstDataPage; number < this.#count; number++) {
      if (this.#used[number] === 1) continue;
      const page = this.#read(number);
      if (!isZero(page)) this.#zero(number * this.#pageSize, page.length);
    }
  }

  #leaf(page: Buffer, node: number, depth: number): void {
    const flags = page.readUInt16LE(node + 4);
    const size = page.readUInt32LE(node);
    const data = node + nodeBytes + page.readUInt16LE(node + 6);
    const held = flags === onOverflowPages ? overflowBytes : size;
    const isKnown =
      flags === 0 || flags === onOverflowPages || (flags === isDatabase && size === databaseBytes);
    if (!isKnown || data + held > this.#pageSize) throw damaged(this.#directory);
    if (flags === isDatabase) this.walk(page.readBigUInt64LE(data + rootInDatabase), depth + 1);
    if (flags === onOverflowPages) this.#overflow(page, data, size);
  }

  #overflow(page: Buffer, data: number, size: number): void {
    const first = this.#number(page.readBigUInt64LE(data));
    const count = Number(page.readBigUInt64LE(data + 16));
    if (first + count > this.#count || headerBytes + size > count * this.#pageSize)
      throw damaged(this.#directory);
    if (this.#used[first] === 1) return;
    this.#used.fill(1, first, first + count);
    // A value that was replaced by a shorter one keeps all of its pages.
    for (let from = headerBytes + size; from < count * this.#pageSize; ) {
      const number = first + Math.floor(from / this.#pageSize);
      const within = from % this.#pageSize;
      this.#gap(this.#read(number), number, within, this.#pageSize);
      from += this.#pageSize - within;
    }
  }

  #gap(page: Buffer, number: number, from: number, to: number): void {
    if (!isZero(page.subarray(from, to))) this.#gaps.push([number * this.#pageSize + from, to - from]);
  }

  #number(page: bigint): number {
    if (page < BigInt(firstDataPage) || page >= BigInt(this.#count)) throw damaged(this.#directory);
    return Number(page);
  }

  #read(number: number): Buffer {
    const page = Buffer.alloc(this.#pageSize);
    const read = readSync(this.#file, page, 0, this.#pageSize, number * this.#pageSize);
    // The last page of a file may be cut.
    return page.subarray(0, read);
  }

  #zero(position: number, length: number): void {
    writeSync(this.#file, Buffer.alloc(length), 0, length, position);
  }
}

/** Page number of a branch node: 48 bits over two fields. */
function childOf(page: Buffer, node: number): bigint {
  return BigInt(page.readUInt32LE(node)) | (BigInt(page.readUInt16LE(node + 4)) << 32n);
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(zeros.subarray(0, bytes.length));
}

function damaged(directory: string): DirectoryError {
  return new DirectoryError(
    directory,
    `${fileName} is not as it should be, so what was deleted cannot be overwritten in it`,
  );
}
