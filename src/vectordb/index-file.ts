// The file that spares an embedded database building its index at each start; embedded.ts uses it.
import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { native } from '../core/native.js';
import { decodeRecord, encodeRecord } from '../disk/codec.js';
import type { Environment } from '../disk/environment.js';
import type { FlatEngine, MappedNames } from '../engines/flat.js';
import type { Documents } from './documents.js';

/** What LMDB holds of a file. */
interface Manifest {
  /** Name within the directory. */
  readonly file: string;
  readonly bytes: number;
  /** The header's, which stands for the whole file. */
  readonly checksum: string;
  /** Where in the log of changes its rows stand. */
  readonly cursor: number;
  readonly dimension: number;
  readonly embedder: string | undefined;
  readonly format: number;
}

/** A mapped index. */
export interface Mapped {
  readonly names: MappedNames;
  readonly cursor: number;
  /** The scope of each partition, in the order of their numbers. */
  readonly scopes: readonly string[];
}

// Changes with what is written, the container's own version apart.
const format = 1;
const key = new TextEncoder().encode('flat');
const rowsPerTurn = 256;
// An index that follows more records than that from its file is written anew, well before the log is trimmed.
const mostRecords = 50_000;

/**
 * An index derived from the documents, in a file beside LMDB's. It is no value of LMDB: a mapped file is read in place, and its pages are
 * shared by all processes and threads that map it, where a value of gigabytes would lie on overflow pages and be copied by each. LMDB
 * holds the file's manifest, so that file and documents cannot be taken for each other's. A file never changes: a new one is written
 * aside, put on stable storage and given its name, then the manifest, then the old one is removed. What is off in any way is not used,
 * and the index is built from the documents.
 *
 * Vectors of documents that were removed stay in the file until it is replaced. Where they must not, as in chat memories, none is kept.
 */
export class IndexFile {
  readonly #environment: Environment;
  readonly #documents: Documents;
  readonly #name: string;
  readonly #database: string;
  readonly #least: number;
  #cursor: number | undefined;
  /** Rows changed since the file was written; all where there is none. */
  #changed = Number.POSITIVE_INFINITY;
  #writing: Promise<void> | undefined;
  #failures = 0;
  #closed = false;

  /** @param least rows from which on an index is kept; smaller ones are built in an instant. */
  constructor(environment: Environment, documents: Documents, name: string, least: number) {
    this.#environment = environment;
    this.#documents = documents;
    this.#name = name;
    this.#database = `${name}-index`;
    this.#least = least;
  }

  /** Files that could not be used or written; each was told by a warning. */
  get failures(): number {
    return this.#failures;
  }

  /** Makes the engine the file's index. Undefined, with the engine as it was, when there is no file that serves. */
  async map(engine: FlatEngine): Promise<Mapped | undefined> {
    const manifest = this.#manifest();
    this.#changed = Number.POSITIVE_INFINITY;
    if (manifest === undefined || !this.#fits(manifest)) return undefined;
    try {
      const names = await engine.map(join(this.#environment.directory, manifest.file), manifest.checksum);
      const scopes: string[] = [];
      for (let first = 0; first < names.nameCount; first += names.partitionSize(scopes.length - 1)) {
        scopes.push(Buffer.from(names.nameAt(first) as string, 'latin1').toString('hex', 0, 32));
      }
      this.#cursor = manifest.cursor;
      this.#changed = 0;
      return { names, cursor: manifest.cursor, scopes };
    } catch (error) {
      this.#fail('read', error);
      return undefined;
    }
  }

  /** To be told of rows that were set or removed. */
  changed(rows: number): void {
    this.#changed += rows;
  }

  /** Writes the file in the background when enough has changed. */
  keep(): void {
    if (this.#closed || this.#writing !== undefined || !this.#isDue()) return;
    this.#writing = this.#write()
      .catch((error) => this.#fail('written', error))
      .finally(() => {
        this.#writing = undefined;
      });
  }

  /** Writes what is due, and waits for it: some 8 microseconds a row. */
  async close(): Promise<void> {
    this.keep();
    this.#closed = true;
    await this.#writing;
  }

  #isDue(): boolean {
    const { rows } = this.#documents;
    if (rows < this.#least) return false;
    return this.#changed * 4 > rows || this.#documents.cursor() - (this.#cursor ?? 0) > mostRecords;
  }

  #manifest(): Manifest | undefined {
    const bytes = this.#environment.reader(this.#database).get(key);
    try {
      return bytes && decodeRecord<Manifest>(bytes);
    } catch (error) {
      this.#fail('read', error);
      return undefined;
    }
  }

  #fits({ dimension, embedder, format: held, cursor }: Manifest): boolean {
    const isOurs = dimension === this.#documents.dimension && held === format;
    if (!isOurs || embedder !== this.#environment.embedder()?.fingerprint) return false;
    return this.#documents.changes(cursor) !== undefined;
  }

  async #write(): Promise<void> {
    const { directory } = this.#environment;
    const { dimension } = this.#documents;
    const value = this.#environment.reader(this.#database).get(key);
    const old = this.#manifest()?.file;
    // Before the rows: what is written meanwhile is followed afterwards.
    const cursor = this.#documents.cursor();
    this.#changed = 0;
    this.#cursor = cursor;
    const writer = new native.FlatStateWriter(join(directory, `${this.#name}-index.new`), dimension);
    try {
      const partitions = new Map<string, number>();
      let rows = 0;
      for (const { name, scope, vector } of this.#documents.everything()) {
        const partition = partitions.get(scope) ?? partitions.size;
        partitions.set(scope, partition);
        writer.add(partition, Buffer.from(name, 'latin1'), vector);
        if (++rows % rowsPerTurn === 0) await nextTurn();
      }
      const file = `${this.#name}-${randomUUID()}.index`;
      const { bytes, checksum } = await writer.commit(join(directory, file));
      const embedder = this.#environment.embedder()?.fingerprint;
      const manifest: Manifest = { file, bytes, checksum, cursor, dimension, embedder, format };
      const put = { kind: 'put' as const, database: this.#database, key, value: encodeRecord(manifest) };
      // Another process may have written one meanwhile; its own is as good.
      const unchanged = { database: this.#database, key, ...(value && { value }) };
      const stands = await this.#environment.write([put], unchanged);
      this.#removeBut(stands ? file : (this.#manifest()?.file ?? old));
    } finally {
      writer.abort();
    }
  }

  /** Removes files of this database that no manifest names: those that were replaced, or whose writer was killed. */
  #removeBut(kept: string | undefined): void {
    const { directory } = this.#environment;
    const isOurs = new RegExp(`^${this.#name}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.index$`);
    for (const file of readdirSync(directory)) {
      // A system that does not remove files in use leaves them to the next time.
      if (isOurs.test(file) && file !== kept) rmSync(join(directory, file), { force: true });
    }
  }

  #fail(what: 'read' | 'written', error: unknown): void {
    // Another process is writing it: the next start finds that one's.
    if ((error as { code?: unknown }).code === 'ERR_LLM_CACHE_BUSY') return;
    this.#failures++;
    const { message } = error as Error;
    process.emitWarning(
      `the index file of ${this.#name} could not be ${what}, the documents serve: ${message}`,
    );
  }
}
