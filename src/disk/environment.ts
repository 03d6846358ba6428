// The LMDB environment of a cache directory: reads here, writes through the writer thread. tiers, vectordb, ingest and open.ts import it.
import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.js';
import { ClosedError, DirectoryError, EmbedderMismatchError } from '../core/errors.js';
import { decodeRecord, encodeRecord } from './codec.js';
import { type BytesDatabase, type BytesRoot, bytesOf, openNamed, openRoot } from './file.js';
import { type Condition, type Operation, Writer } from './writer.js';

export type { Condition, Operation } from './writer.js';

/** A database's readable face; every read sees what was committed last. */
export interface Reader {
  /** A copy of the value. Cost: about 2 microseconds for 1 KB in the page cache. */
  get(key: Uint8Array): Buffer | undefined;
  has(key: Uint8Array): boolean;
  /**
   * Keys and values in key order: those that begin with `prefix` and come after the key `after`. Do not write to the database meanwhile,
   * nor await: read a page, and the next one after its last key.
   */
  entries(prefix?: Uint8Array, after?: Uint8Array): Iterable<[Buffer, Buffer]>;
  /** The keys after one, or all; the rules of `entries` hold. Values are not read. */
  keys(after?: Uint8Array): Iterable<Buffer>;
  /** Keys and values that begin with `prefix` and come before the key `before`, greatest first; the rules of `entries` hold. */
  backwards(prefix: Uint8Array, before?: Uint8Array): Iterable<[Buffer, Buffer]>;
  /** The greatest key. Cost: about 3 microseconds. */
  last(): Buffer | undefined;
  /** Number of keys, or of those that begin with `prefix`. Cost: constant, or about 0.1 microseconds a key. */
  count(prefix?: Uint8Array): number;
  /** Bytes of the pages in use. */
  bytes(): number;
}

/** What a directory says of its embedder. */
export interface EmbedderIdentity {
  readonly name: string;
  readonly fingerprint: string;
}

const metaDatabase = 'meta';
const embedderKey = Buffer.from('embedder');
const homeKey = Buffer.from('home');
const mostAttempts = 200;
const attemptDelayMs = 10;

/**
 * Several processes may open one directory; each sees the others' commits. A write resolves when it is on stable storage, so it
 * survives `kill -9` and loss of power.
 */
export class Environment {
  readonly directory: string;
  readonly #root: BytesRoot;
  readonly #writer: Writer;
  readonly #databases = new Map<string, BytesDatabase>();
  #closing: Promise<void> | undefined;

  /** @throws {DirectoryError} ERR_LLM_CACHE_DIRECTORY when the directory cannot be used. */
  constructor(directory: string) {
    this.directory = directory;
    this.#root = openRoot(directory);
    this.#writer = new Writer(directory);
  }

  /** The named database; created when it is not there. */
  reader(name: string): Reader {
    const database = this.#database(name);
    return {
      get: (key) => {
        this.#toLatest();
        const held = database.getBinary(asBuffer(key));
        return held === undefined ? undefined : Buffer.from(held);
      },
      has: (key) => {
        this.#toLatest();
        return database.doesExist(asBuffer(key));
      },
      entries: (prefix = new Uint8Array(), after) =>
        this.#scan(database, asBuffer(prefix), after && asBuffer(after)),
      keys: (after) => this.#scanKeys(database, after && asBuffer(after)),
      backwards: (prefix, before) => this.#scanBack(database, asBuffer(prefix), before && asBuffer(before)),
      last: () => {
        this.#toLatest();
        for (const key of database.getKeys({ reverse: true, limit: 1 })) return Buffer.from(key);
        return undefined;
      },
      count: (prefix) => {
        if (this.#closing) return 0;
        this.#toLatest();
        if (prefix === undefined) return (database.getStats() as { entryCount: number }).entryCount;
        const end = beyond(prefix);
        return database.getKeysCount({ start: asBuffer(prefix), ...(end && { end }) });
      },
      bytes: () => (this.#closing ? 0 : bytesOf(database)),
    };
  }

  /** Commits all operations or none; false when the condition did not hold. @throws as `Writer.write`. */
  async write(operations: readonly Operation[], condition?: Condition): Promise<boolean> {
    this.#checkOpen();
    const applied = await this.#writer.write(operations, condition);
    // The reader's snapshot may be older than this commit; whoever awaited the write must see it.
    if (!this.#closing) this.#root.resetReadTxn();
    return applied;
  }

  /**
   * Overwrites with zeros, on stable storage, whatever was deleted before this call and still lies in free pages or unused parts of
   * pages, by any process. Holds up every writer for some 4 microseconds a page (4 KB) of the file. What file systems with snapshots, or
   * disks that move blocks, keep besides is out of its reach.
   * @throws {DirectoryError} ERR_LLM_CACHE_DIRECTORY when a process goes on reading what was deleted, or the file is damaged.
   */
  async scrub(clock: Clock = systemClock): Promise<void> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      this.#checkOpen();
      // A read of this process may still hold the snapshot of before; so may those of others, until their event loops turn.
      this.#root.resetReadTxn();
      if (await this.#writer.scrub()) return;
      await new Promise<void>((resolve) => clock.after(attemptDelayMs, resolve));
    }
    throw new DirectoryError(
      this.directory,
      'a process goes on reading what was deleted, so it could not be overwritten; end it and try again',
    );
  }

  /**
   * Ties the directory to an embedder, or checks that it is tied to this one.
   * @throws {EmbedderMismatchError} ERR_LLM_CACHE_EMBEDDER_MISMATCH
   */
  async bindEmbedder(embedder: EmbedderIdentity): Promise<void> {
    if (this.embedder() === undefined) {
      const value = encodeRecord({ name: embedder.name, fingerprint: embedder.fingerprint });
      // Another process may be tying it to another embedder at this moment.
      const absent = { database: metaDatabase, key: embedderKey };
      await this.write([{ kind: 'put', database: metaDatabase, key: embedderKey, value }], absent);
    }
    const stored = this.embedder() as EmbedderIdentity;
    if (stored.fingerprint !== embedder.fingerprint) {
      const show = ({ name, fingerprint }: EmbedderIdentity) => `${name} (${fingerprint.slice(0, 12)})`;
      throw new EmbedderMismatchError(this.directory, show(stored), show(embedder));
    }
  }

  /** What names this directory among all: 32 hexadecimal digits, drawn when it is first asked for. */
  async home(): Promise<string> {
    const reader = this.reader(metaDatabase);
    const absent = { database: metaDatabase, key: homeKey };
    if (!reader.has(homeKey)) {
      const value = encodeRecord({ home: randomBytes(16).toString('hex') });
      // Another process may be drawing one at this moment.
      await this.write([{ kind: 'put', ...absent, value }], absent);
    }
    return decodeRecord<{ home: string }>(reader.get(homeKey) as Buffer).home;
  }

  /** The embedder this directory is tied to. */
  embedder(): EmbedderIdentity | undefined {
    const bytes = this.reader(metaDatabase).get(embedderKey);
    return bytes === undefined ? undefined : decodeRecord<EmbedderIdentity>(bytes);
  }

  /** Finishes the writes under way and closes the file. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#writer.close().then(() => this.#root.close());
    return this.#closing;
  }

  #database(name: string): BytesDatabase {
    this.#checkOpen();
    let database = this.#databases.get(name);
    if (database === undefined) {
      database = openNamed(this.#root, this.directory, name);
      this.#databases.set(name, database);
    }
    return database;
  }

  *#scan(database: BytesDatabase, prefix: Buffer, after?: Buffer): Generator<[Buffer, Buffer]> {
    this.#toLatest();
    for (const { key, value } of database.getRange({ start: after ?? prefix })) {
      if (!key.subarray(0, prefix.length).equals(prefix)) return;
      if (after?.equals(key)) continue;
      yield [key, value];
      this.#checkOpen();
    }
  }

  *#scanKeys(database: BytesDatabase, after?: Buffer): Generator<Buffer> {
    this.#toLatest();
    for (const key of database.getKeys(after && { start: after })) {
      if (after?.equals(key)) continue;
      yield key;
      this.#checkOpen();
    }
  }

  *#scanBack(database: BytesDatabase, prefix: Buffer, before?: Buffer): Generator<[Buffer, Buffer]> {
    this.#toLatest();
    const start = before ?? beyond(prefix);
    for (const { key, value } of database.getRange({ reverse: true, ...(start && { start }) })) {
      // Reading backwards begins at `start` itself.
      if (start !== undefined && key.equals(start)) continue;
      if (!key.subarray(0, prefix.length).equals(prefix)) return;
      yield [key, value];
      this.#checkOpen();
    }
  }

  /** Lets go of the snapshot of earlier reads, which lmdb keeps until its timer runs: another process may have committed since. */
  #toLatest(): void {
    this.#checkOpen();
    this.#root.resetReadTxn();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('the disk environment');
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The first key after all that begin with `prefix`; undefined when there is none. */
function beyond(prefix: Uint8Array): Buffer | undefined {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last < 0) return undefined;
  const key = Buffer.from(prefix.subarray(0, last + 1));
  key.writeUInt8(key.readUInt8(last) + 1, last);
  return key;
}
