// The file that spares an embedded database building its index at each start; embedded.ts uses it.
import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type NativeIvfIndex, type NativeStateWriter, native } from '../core/native.js';
import { decodeRecord, encodeRecord } from '../disk/codec.js';
import type { Environment } from '../disk/environment.js';
import type { MappableEngine, MappedIndex, MappedNames } from '../engines/mapped.js';
import { type Documents, scopeOf } from './documents.js';

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
  /** The engine's, by which rows are kept. */
  readonly kind: string;
  readonly format: number;
}

type Written = Pick<Manifest, 'bytes' | 'checksum'>;

/** The index as it stands in this process. */
export interface IndexState {
  readonly engine: MappableEngine;
  /** Up to where in the log of changes it stands; undefined while it does not. */
  cursor(): number | undefined;
  /** Changes whenever names are given other ids. */
  generation(): number;
  /** All ids are below. */
  limit(): number;
  id(name: string): number | undefined;
  partition(scope: string): number | undefined;
}

/** A mapped index. */
export interface Mapped extends MappedIndex {
  readonly cursor: number;
  /** The scope of each partition, in the order of their numbers. */
  readonly scopes: readonly string[];
}

// Changes with what is written, the container's own version apart.
const format = 2;
const key = new TextEncoder().encode('flat');
const noName = 2 ** 32 - 1;
const scopeBytes = 32;
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
  readonly #state: IndexState;
  readonly #name: string;
  readonly #database: string;
  readonly #least: number;
  #cursor: number | undefined;
  /** Rows changed since the file was written; all where there is none. */
  #changed = Number.POSITIVE_INFINITY;
  /** The engine's `built` when it was written. */
  #built = 0;
  #writing: Promise<void> | undefined;
  #failures = 0;
  #closed = false;

  /** `name` is the documents'; `least`: rows from which on an index is kept, for smaller ones are built in an instant. */
  constructor(
    environment: Environment,
    documents: Documents,
    state: IndexState,
    { name, least }: { readonly name: string; readonly least: number },
  ) {
    this.#environment = environment;
    this.#documents = documents;
    this.#state = state;
    this.#name = name;
    this.#database = `${name}-index`;
    this.#least = least;
  }

  /** Files that could not be used or written; each was told by a warning. */
  get failures(): number {
    return this.#failures;
  }

  /** Makes the engine the file's index. Undefined, with the engine as it was, when there is no file that serves. */
  async map(): Promise<Mapped | undefined> {
    const manifest = this.#manifest();
    this.#changed = Number.POSITIVE_INFINITY;
    if (manifest === undefined || !this.#fits(manifest)) return undefined;
    const { engine } = this.#state;
    try {
      const mapped = await engine.map(join(this.#environment.directory, manifest.file), manifest.checksum);
      this.#cursor = manifest.cursor;
      this.#changed = 0;
      this.#built = engine.built;
      return { ...mapped, cursor: manifest.cursor, scopes: scopesOf(mapped.names) };
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
    if (this.#closed || this.#writing !== undefined || this.#state.engine.building) return;
    this.#keepIfDue();
  }

  /** Writes what is due, and waits for it: some 16 microseconds a row, 3 a row in lists. */
  async close(): Promise<void> {
    if (this.#writing === undefined) this.#keepIfDue();
    this.#closed = true;
    await this.#writing;
  }

  #keepIfDue(): void {
    if (!this.#isDue()) return;
    this.#writing = this.#write()
      .catch((error) => this.#fail('written', error))
      .finally(() => {
        this.#writing = undefined;
      });
  }

  #isDue(): boolean {
    const { rows } = this.#documents;
    if (rows < this.#least) return false;
    if (this.#state.engine.built !== this.#built) return true;
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

  #fits({ dimension, embedder, kind, format: held, cursor }: Manifest): boolean {
    const isOurs = dimension === this.#documents.dimension && held === format;
    if (!isOurs || kind !== this.#state.engine.kind || embedder !== this.#environment.embedder()?.fingerprint)
      return false;
    return this.#documents.changes(cursor) !== undefined;
  }

  async #write(): Promise<void> {
    const { directory } = this.#environment;
    const { dimension } = this.#documents;
    const { kind, built } = this.#state.engine;
    const value = this.#environment.reader(this.#database).get(key);
    const old = this.#manifest()?.file;
    // Before the rows: what changes meanwhile is followed afterwards.
    const cursor = this.#state.cursor();
    if (cursor === undefined) return;
    this.#changed = 0;
    this.#built = built;
    this.#cursor = cursor;
    const writer = new native.StateWriter(join(directory, `${this.#name}-index.new`), dimension);
    try {
      const file = `${this.#name}-${randomUUID()}.index`;
      const written = await this.#fill(writer, join(directory, file));
      if (written === undefined) {
        this.#changed = Number.POSITIVE_INFINITY;
        return;
      }
      const embedder = this.#environment.embedder()?.fingerprint;
      const manifest: Manifest = { file, ...written, cursor, dimension, embedder, kind, format };
      const put = { kind: 'put' as const, database: this.#database, key, value: encodeRecord(manifest) };
      // Another process may have written one meanwhile; its own is as good.
      const unchanged = { database: this.#database, key, ...(value && { value }) };
      const stands = await this.#environment.write([put], unchanged);
      this.#removeBut(stands ? file : (this.#manifest()?.file ?? old));
    } finally {
      writer.abort();
    }
  }

  /**
   * Writes all names, with vectors as the documents hold them or, of partitions that are in lists, with the lists as they stand. A name
   * whose id is another's by now has changed since, so it is in the log. Undefined when the index has been built anew meanwhile.
   */
  async #fill(writer: NativeStateWriter, path: string): Promise<Written | undefined> {
    const { engine, generation, limit, id: idOf, partition } = this.#state;
    const began = generation();
    const inLists = engine.inLists();
    const numbers = new Uint32Array(limit()).fill(noName);
    const lists: NativeIvfIndex[] = [];
    const partitions: number[] = [];
    let scope:
      | { readonly prefix: string; readonly lists: NativeIvfIndex | undefined; number?: number }
      | undefined;
    let [looked, written, scopes] = [0, 0, 0];
    for (const name of this.#documents.names()) {
      if (++looked % rowsPerTurn === 0) await nextTurn();
      if (scope === undefined || !name.startsWith(scope.prefix)) {
        const held = partition(scopeOf(name));
        scope = { prefix: name.slice(0, scopeBytes), lists: held === undefined ? held : inLists.get(held) };
      }
      const id = scope.lists && idOf(name);
      const vector = scope.lists === undefined ? this.#documents.vector(name) : undefined;
      // Written or removed just now.
      if (vector === undefined && (id === undefined || id >= numbers.length)) continue;
      if (scope.number === undefined) {
        scope.number = scopes++;
        if (scope.lists !== undefined) {
          lists.push(scope.lists);
          partitions.push(scope.number);
        }
      }
      if (vector !== undefined) writer.add(scope.number, Buffer.from(name, 'latin1'), vector);
      else {
        writer.addName(Buffer.from(name, 'latin1'));
        numbers[id as number] = written;
      }
      written++;
    }
    if (generation() !== began) return undefined;
    return await writer.commit(path, Uint32Array.from(partitions), lists, numbers);
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

/** The scopes of a file's names, in their order, which is that of its partitions. */
function scopesOf(names: MappedNames): string[] {
  const scopes: string[] = [];
  const prefixAt = (number: number) => names.nameAt(number)?.slice(0, scopeBytes) as string;
  for (let first = 0; first < names.nameCount; ) {
    const prefix = prefixAt(first);
    scopes.push(scopeOf(prefix));
    // Names of a scope lie together: in ever longer steps beyond the last of them, then back by halves.
    let [last, step] = [first, 1];
    while (last + step < names.nameCount && prefixAt(last + step) === prefix) {
      last += step;
      step *= 2;
    }
    for (; step >= 1; step /= 2) {
      if (last + step < names.nameCount && prefixAt(last + step) === prefix) last += step;
    }
    first = last + 1;
  }
  return scopes;
}
