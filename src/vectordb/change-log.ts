// The log of which documents changed, in a database of the environment, for indexes to follow; documents.ts imports it.
import { CodecError } from '../core/errors.js';
import { decodeRecord, encodeRecord } from '../disk/codec.js';
import type { Environment, Operation, Reader } from '../disk/environment.js';

/** One stored key written or removed, or all that begin with `prefix` removed. */
export type Change =
  | { readonly kind: 'put' | 'remove'; readonly name: string }
  | { readonly kind: 'clear'; readonly prefix: string };

/** What a reader of the log gets. */
export interface News {
  /** Oldest first. What a key holds now may be newer than its change: read it, whatever the change was. */
  readonly changes: readonly Change[];
  /** Where to go on. */
  readonly cursor: number;
  /** True when there is more. */
  readonly more: boolean;
}

/** What one write changed: a clear, then removals, then what was put. Stored keys, each byte a character. */
export interface LogRecord {
  readonly cleared?: string;
  readonly removed?: readonly string[];
  readonly put?: readonly string[];
}

const changesPerRead = 1024;
// An index that is further behind is built anew, at about 5 microseconds a document.
const mostRecords = 100_000;
const mostBytes = 64 << 20;

/** Records numbered from 1 within the transactions of the writes they tell of; the oldest are dropped. */
export class ChangeLog {
  readonly #database: string;
  readonly #reader: Reader;

  constructor(environment: Environment, database: string) {
    this.#database = database;
    this.#reader = environment.reader(database);
  }

  /** What to write along with a change. */
  append(record: LogRecord): Operation {
    // Long records make the log heavy before it is long.
    const most = this.bytes() > mostBytes ? this.#reader.count() >> 1 : mostRecords;
    return { kind: 'append', database: this.#database, value: encodeRecord(record), least: 1, most };
  }

  /** The number of the last record; 0 when nothing was ever written. */
  cursor(): number {
    const last = this.#reader.last();
    return last === undefined ? 0 : numberOf(last);
  }

  /** What comes after the cursor, some 1,000 changes at a time; undefined when the log does not reach back that far, or is another's. */
  since(cursor: number): News | undefined {
    const last = this.cursor();
    if (last === cursor) return { changes: [], cursor, more: false };
    if (last < cursor) return undefined;
    const changes: Change[] = [];
    let at = cursor;
    for (const [key, value] of this.#reader.entries(undefined, keyOf(cursor))) {
      const record = numberOf(key) === ++at ? readRecord(value) : undefined;
      if (record === undefined) return undefined;
      if (record.cleared !== undefined) changes.push({ kind: 'clear', prefix: record.cleared });
      for (const name of record.removed ?? []) changes.push({ kind: 'remove', name });
      for (const name of record.put ?? []) changes.push({ kind: 'put', name });
      if (changes.length >= changesPerRead) break;
    }
    return { changes, cursor: at, more: at < last };
  }

  bytes(): number {
    return this.#reader.bytes();
  }
}

function readRecord(bytes: Buffer): LogRecord | undefined {
  try {
    return decodeRecord<LogRecord>(bytes);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

function keyOf(number: number): Buffer {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(number));
  return key;
}

function numberOf(key: Buffer): number {
  return Number(key.readBigUInt64BE(0));
}
