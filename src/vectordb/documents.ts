// The documents of one database in LMDB, with a log of changes that indexes follow; for the databases of vectordb/ and inspect.ts.
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, systemClock } from '../core/clock.js';
import { ClosedError, CodecError, InvalidArgumentError } from '../core/errors.js';
import { Tally } from '../core/tally.js';
import type { MaybePromise } from '../core/tier.js';
import { decodeRecord, encodeRecord, toVector, vectorBytes } from '../disk/codec.js';
import type { Condition, Environment, Operation, Reader } from '../disk/environment.js';
import { checkVector } from '../engines/flat.js';
import { ChangeLog, type LogRecord, type News } from './change-log.js';
import { checkDocument, checkId, checkScope } from './checks.js';
import type { StoredDocument } from './database.js';
import { Expiries } from './expiries.js';
import { type Clause, type Filter, parseFilter, passes } from './filter.js';

/** Which documents, and how long their vectors are. */
export interface DocumentsOptions {
  /** Names the databases within the environment: 1 to 40 of `[a-z0-9-]`. */
  readonly name: string;
  /** Components of each vector. */
  readonly dimension: number;
  readonly clock?: Clock | undefined;
}

/** A document's vector under its stored key: the 32 bytes of the scope and the id in UTF-8, each byte a character (latin1). */
export interface Row {
  readonly name: string;
  /** 64 hexadecimal digits. */
  readonly scope: string;
  /** Unit length; memory of its own. */
  readonly vector: Float32Array;
}

type Body = Pick<StoredDocument, 'text' | 'metadata' | 'data' | 'expiresAtMs'>;

const rowsPerTurn = 512;
const removedPerWrite = 1000;
// Looked at by each write: more than one, so that sweeping outpaces growth.
const sweptPerWrite = 8;
// No scope is as short: its version is that of all scopes not written since everything was cleared.
const allScopes = new Uint8Array([0]);

/** The databases of the environment in which documents are kept. */
export function databaseNames(name: string) {
  return {
    bodies: `${name}-documents`,
    vectors: `${name}-vectors`,
    versions: `${name}-versions`,
    changes: `${name}-changes`,
  };
}

/**
 * Documents by scope and id. Several processes may hold the same ones: each sees the others' at once. A write is one transaction together
 * with its record in the log and the new versions of its scopes, and is on stable storage when it resolves.
 */
export class Documents {
  readonly dimension: number;
  readonly #environment: Environment;
  readonly #names: ReturnType<typeof databaseNames>;
  readonly #bodies: Reader;
  readonly #vectors: Reader;
  readonly #versions: Reader;
  readonly #log: ChangeLog;
  readonly #expiries: Expiries;
  readonly #clock: Clock;
  /** Stored keys of upserts under way. */
  readonly #upserting = new Tally();
  #closed = false;

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when the name is none. */
  constructor(environment: Environment, { name, dimension, clock = systemClock }: DocumentsOptions) {
    if (!/^[a-z0-9-]{1,40}$/.test(name))
      throw new InvalidArgumentError('name', '1 to 40 of the letters [a-z0-9-]', name);
    this.#environment = environment;
    this.#names = databaseNames(name);
    this.#bodies = environment.reader(this.#names.bodies);
    this.#vectors = environment.reader(this.#names.vectors);
    this.#versions = environment.reader(this.#names.versions);
    this.#log = new ChangeLog(environment, this.#names.changes);
    this.#expiries = new Expiries(environment, name);
    this.#clock = clock;
    this.dimension = dimension;
  }

  /**
   * Inserts or replaces all or none; the last of equal ids stands. Documents that have expired go along, a few a write.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {DimensionError} ERR_LLM_CACHE_DIMENSION · and as `Environment.write`
   */
  async upsert(documents: readonly StoredDocument[]): Promise<void> {
    this.#checkOpen();
    for (const document of documents) checkDocument(document, this.dimension);
    if (documents.length === 0) return;
    const keyed = documents.map((document) => ({ document, key: storedKey(document.scope, document.id) }));
    const names = [...new Set(keyed.map(({ key }) => latin1(key)))];
    const sweeping = this.#sweep(new Set(names));
    const operations = keyed.flatMap(({ document, key }) => this.#puts(document, key));
    const scopes = documents.map(({ scope }) => scope);
    await this.#upserting.during(names, () => this.#commit(operations, scopes, { put: names }));
    await sweeping;
  }

  /** Removes by id, or what passes a filter; how many there were. An empty filter passes everything, no filter is a mistake. */
  async delete(scope: string, which: readonly string[] | Filter): Promise<number> {
    if (Array.isArray(which)) return await this.remove(scope, which);
    if (which === undefined) throw new InvalidArgumentError('which', 'a list of ids or a filter', which);
    return await this.removePassing(scope, parseFilter(which as Filter));
  }

  /** Removes by id; how many there were. An upsert under way counts as later seen: its documents go too, uncounted. */
  async remove(scope: string, ids: readonly string[]): Promise<number> {
    this.#checkOpen();
    const keys = ids.map((id) => storedKey(scope, id));
    const held = keys.filter((key) => this.#bodies.has(key) || this.#vectors.has(key));
    const doomed = this.#upserting.size > 0 ? keys : held;
    for (let at = 0; at < doomed.length; at += removedPerWrite) {
      const some = doomed.slice(at, at + removedPerWrite);
      const removals = some.flatMap((key) => this.#removals(key));
      await this.#commit(removals, [scope], { removed: some.map(latin1) });
    }
    return new Set(held.map(latin1)).size;
  }

  /** Removes what passes; how many there were. Gives way to other work. */
  async removePassing(scope: string, clause: Clause): Promise<number> {
    this.#checkOpen();
    // What is being written is to be judged too.
    if (this.#upserting.size > 0) await this.#environment.write([]);
    const names = await this.passing(scope, clause);
    return await this.remove(scope, names.map(idOf));
  }

  /** Removes everything, or everything of one scope. */
  async clear(scope?: string): Promise<void> {
    this.#checkOpen();
    const prefix = scope === undefined ? new Uint8Array() : scopeBytes(scope);
    const { bodies, vectors, versions } = this.#names;
    const cleared = [bodies, vectors, ...(scope === undefined ? [versions] : [])];
    const removals = cleared.map((database): Operation => ({ kind: 'clear', database, prefix }));
    await this.#commit(removals, [scope], { cleared: latin1(prefix) });
  }

  get(scope: string, ids: readonly string[]): readonly (StoredDocument | undefined)[] {
    this.#checkOpen();
    return ids.map((id) => this.read(latin1(storedKey(scope, id))));
  }

  vectors(scope: string, ids: readonly string[]): readonly (Float32Array | undefined)[] {
    this.#checkOpen();
    return ids.map((id) => this.vector(latin1(storedKey(scope, id))));
  }

  /** The document under a stored key; undefined when it is gone or damaged, which only a faulty disk brings about. */
  read(name: string): StoredDocument | undefined {
    const key = Buffer.from(name, 'latin1');
    const body = bodyOf(this.#bodies.get(key));
    const vector = body && this.vector(name);
    return vector && { id: key.toString('utf8', 32), scope: scopeOf(name), ...body, vector };
  }

  /** The vector under a stored key; undefined when it is gone or damaged. */
  vector(name: string): Float32Array | undefined {
    const bytes = this.#vectors.get(Buffer.from(name, 'latin1'));
    return bytes && usable(bytes, this.dimension);
  }

  /** Stored keys of the documents of a scope that pass. Reads every body of the scope, giving way to other work now and then. */
  async passing(scope: string, clause: Clause): Promise<string[]> {
    const names: string[] = [];
    let judged = 0;
    for (const [key, bytes] of this.#inPages(this.#bodies, scopeBytes(scope))) {
      if (++judged % rowsPerTurn === 0) await nextTurn();
      const body = bodyOf(bytes);
      if (body !== undefined && passes(clause, body.metadata)) names.push(latin1(key));
    }
    return names;
  }

  /** Number of documents: in all, in one scope, or in one scope and passing. Cost: constant, 0.1 microseconds a document, or reading all. */
  count(scope?: string): number;
  count(scope?: string, filter?: Filter): MaybePromise<number>;
  count(scope?: string, filter?: Filter): MaybePromise<number> {
    this.#checkOpen();
    if (filter !== undefined) {
      const clause = parseFilter(filter);
      checkScope(scope as string);
      return this.passing(scope as string, clause).then((names) => names.length);
    }
    return this.#bodies.count(scope === undefined ? undefined : scopeBytes(scope));
  }

  /** Bytes on disk. */
  bytes(): number {
    this.#checkOpen();
    const readers = [this.#bodies, this.#vectors, this.#versions, this.#log];
    return readers.reduce((sum, reader) => sum + reader.bytes(), 0);
  }

  /** A text that differs from every earlier one once any process wrote or removed a document of the scope; the same for all processes. */
  version(scope: string): string {
    this.#checkOpen();
    const held = this.#versions.get(scopeBytes(scope)) ?? this.#versions.get(allScopes);
    return held?.toString('utf8') ?? 'empty';
  }

  /** Where the log of changes ends now. Cost: 3 microseconds. */
  cursor(): number {
    this.#checkOpen();
    return this.#log.cursor();
  }

  /**
   * What was changed after the cursor, some 1,000 changes at a time; undefined when an index has to be built anew: take `cursor()`, then
   * `everything()`, then follow. Cost when nothing is new: 3 microseconds.
   */
  changes(cursor: number): News | undefined {
    this.#checkOpen();
    return this.#log.since(cursor);
  }

  /** All usable vectors, in the order of their stored keys. One may await between them; a document written meanwhile may be missed. */
  *everything(): Generator<Row> {
    for (const [key, bytes] of this.#inPages(this.#vectors, new Uint8Array())) {
      const vector = usable(bytes, this.dimension);
      if (vector !== undefined) yield { name: latin1(key), scope: key.toString('hex', 0, 32), vector };
    }
  }

  /** Stored keys of all vectors, in their order. One may await between them; a document written meanwhile may be missed. */
  *names(): Generator<string> {
    for (let after: Buffer | undefined, page: Buffer[]; ; after = page.at(-1)) {
      this.#checkOpen();
      page = [];
      for (const key of this.#vectors.keys(after)) {
        page.push(Buffer.from(key));
        if (page.length === rowsPerTurn) break;
      }
      yield* page.map(latin1);
      if (page.length < rowsPerTurn) return;
    }
  }

  /** Number of vectors `everything` yields at most. */
  get rows(): number {
    return this.#vectors.count();
  }

  /** Refuses every later call. The environment stays open. */
  close(): void {
    this.#closed = true;
  }

  *#inPages(reader: Reader, prefix: Uint8Array): Generator<[Buffer, Buffer]> {
    for (let after: Buffer | undefined, page: [Buffer, Buffer][]; ; after = page.at(-1)?.[0]) {
      this.#checkOpen();
      page = [];
      for (const [key, value] of reader.entries(prefix, after)) {
        page.push([Buffer.from(key), Buffer.from(value)]);
        if (page.length === rowsPerTurn) break;
      }
      yield* page;
      if (page.length < rowsPerTurn) return;
    }
  }

  #puts(document: StoredDocument, key: Uint8Array): Operation[] {
    const { text, vector, metadata, data, expiresAtMs } = document;
    const mortal = expiresAtMs !== undefined && Number.isFinite(expiresAtMs);
    const body: Body = { text, metadata, ...(data && { data }), ...(mortal && { expiresAtMs }) };
    return [
      { kind: 'put', database: this.#names.bodies, key, value: encodeRecord(body) },
      { kind: 'put', database: this.#names.vectors, key, value: vectorBytes(vector) },
      ...(mortal ? [this.#expiries.note(key, expiresAtMs)] : []),
    ];
  }

  #removals(key: Uint8Array): Operation[] {
    const { bodies, vectors } = this.#names;
    return [bodies, vectors].map((database) => ({ kind: 'remove', database, key }));
  }

  /** Removes some documents that have expired, but for those that are being written, here or by another process. */
  async #sweep(written: ReadonlySet<string>): Promise<void> {
    const nowMs = this.#clock.wall();
    const sweeps = this.#expiries.due(nowMs, sweptPerWrite).map(async ({ key, removal }) => {
      const name = latin1(key);
      if (written.has(name) || this.#upserting.has(name)) return;
      const value = this.#bodies.get(key);
      const body = bodyOf(value);
      // A document written anew since has a record of its own.
      if (body === undefined || (body.expiresAtMs ?? Number.POSITIVE_INFINITY) > nowMs) {
        await this.#environment.write([removal]);
        return;
      }
      const unchanged = { database: this.#names.bodies, key, value };
      const removals = [removal, ...this.#removals(key)];
      await this.#commit(removals, [scopeOf(name)], { removed: [name] }, unchanged);
    });
    // The next write finds what could not be swept.
    await Promise.allSettled(sweeps);
  }

  /** Writes, with a record in the log and a new version for each scope; an undefined one stands for all. */
  async #commit(
    changes: readonly Operation[],
    scopes: readonly (string | undefined)[],
    record: LogRecord,
    condition?: Condition,
  ): Promise<void> {
    const version = new TextEncoder().encode(randomUUID());
    const renewals = [...new Set(scopes)].map((scope): Operation => {
      const key = scope === undefined ? allScopes : scopeBytes(scope);
      return { kind: 'put', database: this.#names.versions, key, value: version };
    });
    await this.#environment.write([...changes, ...renewals, this.#log.append(record)], condition);
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError('the vector database');
  }
}

/** The scope within a stored key: 64 hexadecimal digits. */
export function scopeOf(name: string): string {
  return Buffer.from(name.slice(0, 32), 'latin1').toString('hex');
}

function idOf(name: string): string {
  return Buffer.from(name, 'latin1').toString('utf8', 32);
}

function scopeBytes(scope: string): Uint8Array<ArrayBuffer> {
  checkScope(scope);
  return new Uint8Array(Buffer.from(scope, 'hex'));
}

function storedKey(scope: string, id: string): Uint8Array<ArrayBuffer> {
  const bytes = checkId(id);
  const key = new Uint8Array(32 + bytes.length);
  key.set(scopeBytes(scope));
  key.set(bytes, 32);
  return key;
}

function bodyOf(bytes: Buffer | undefined): Body | undefined {
  try {
    return bytes && decodeRecord<Body>(bytes);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

function usable(bytes: Buffer, dimension: number): Float32Array | undefined {
  if (bytes.length !== dimension * 4) return undefined;
  const vector = toVector(bytes);
  try {
    checkVector(vector, dimension);
    return vector;
  } catch {
    return undefined;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
