// The embedded vector database: documents in LMDB, a native index over their vectors. open.ts, tiers and ./testing import it.
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, systemClock } from '../core/clock.js';
import { ClosedError, CodecError, InvalidArgumentError } from '../core/errors.js';
import { Tally } from '../core/tally.js';
import { decodeRecord, encodeRecord, toVector, vectorBytes } from '../disk/codec.js';
import type { Environment, Operation, Reader } from '../disk/environment.js';
import { checkVector, FlatEngine } from '../engines/flat.js';
import type { Found, SearchOptions, StoredDocument, VectorDatabase } from './database.js';
import { Expiries } from './expiries.js';
import { checkMetadata, type Filter, parseFilter, passes } from './filter.js';

/** Which documents, and how long their vectors are. */
export interface EmbeddedDatabaseOptions {
  /** Names the databases within the environment: `[a-z0-9-]`. */
  readonly name: string;
  readonly dimension: number;
  readonly clock?: Clock | undefined;
}

type Body = Pick<StoredDocument, 'text' | 'metadata' | 'data' | 'expiresAtMs'>;

// LMDB takes keys of up to 1,978 bytes; 32 go to the scope.
const longestId = 512;
const rowsPerTurn = 1024;
// Looked at by each write: more than one, so that sweeping outpaces growth.
const sweptPerWrite = 8;

/**
 * Opens the database and builds its index from what is stored: about 5 microseconds a document. Every write is on stable storage
 * when it resolves; the index follows it, and is derived, so it is never written. Other processes see written documents at
 * once by id, and by nearness once they open the database anew; until then their `version` is that of what they search.
 */
export async function openEmbeddedDatabase(
  environment: Environment,
  options: EmbeddedDatabaseOptions,
): Promise<VectorDatabase> {
  const database = new EmbeddedDatabase(environment, options);
  await database.load();
  return database;
}

/** The databases of the environment in which an embedded database keeps its documents. */
export function databaseNames(name: string) {
  return { bodies: `${name}-documents`, vectors: `${name}-vectors`, versions: `${name}-versions` };
}

class EmbeddedDatabase implements VectorDatabase {
  readonly name = 'embedded';
  readonly #environment: Environment;
  readonly #bodies: Reader;
  readonly #vectors: Reader;
  readonly #versions: Reader;
  readonly #expiries: Expiries;
  readonly #clock: Clock;
  readonly #names: ReturnType<typeof databaseNames>;
  readonly #dimension: number;
  readonly #index: FlatEngine;
  readonly #labels = new Map<string, number>();
  readonly #storedKeys: (string | undefined)[] = [];
  readonly #freeLabels: number[] = [];
  readonly #partitions = new Map<string, number>();
  /** The version of each scope that the index stands for. */
  readonly #seen = new Map<string, string>();
  /** Versions written and not yet acknowledged, oldest first. */
  readonly #pending = new Map<string, string[]>();
  /** Scopes that another process has written too, so that this index lacks what the stored version stands for. */
  readonly #behind = new Set<string>();
  /** Stored keys of upserts under way. */
  readonly #upserting = new Tally();
  #closed = false;

  constructor(environment: Environment, { name, dimension, clock = systemClock }: EmbeddedDatabaseOptions) {
    if (!/^[a-z0-9-]{1,40}$/.test(name))
      throw new InvalidArgumentError('name', 'of the letters [a-z0-9-]', name);
    this.#environment = environment;
    this.#names = databaseNames(name);
    this.#bodies = environment.reader(this.#names.bodies);
    this.#vectors = environment.reader(this.#names.vectors);
    this.#versions = environment.reader(this.#names.versions);
    this.#expiries = new Expiries(environment, name);
    this.#clock = clock;
    this.#dimension = dimension;
    this.#index = new FlatEngine(dimension);
  }

  /** Reads all vectors and builds the index, giving way to other work now and then. */
  async load(): Promise<void> {
    // Before the vectors: an index newer than its version is harmless, an older one would pass off stale results as new.
    for (const [scope, version] of this.#versions.entries()) {
      this.#seen.set(scope.toString('hex'), version.toString('utf8'));
    }
    const count = this.#vectors.count();
    const partitions = new Uint32Array(count);
    const rows = new Float32Array(count * this.#dimension);
    let row = 0;
    for (const [key, bytes] of this.#vectors.entries()) {
      // Another process may have added documents since the count.
      if (row === count) break;
      const vector = toVector(bytes);
      if (!isUsable(vector, this.#dimension)) continue;
      rows.set(vector, row * this.#dimension);
      partitions[row] = this.#partition(key.toString('hex', 0, 32));
      this.#label(key.toString('latin1'));
      if (++row % rowsPerTurn === 0) await nextTurn();
    }
    const ids = Uint32Array.from({ length: row }, (_, index) => index);
    const used = rows.subarray(0, row * this.#dimension);
    await this.#index.load(ids, partitions.subarray(0, row), used);
  }

  async upsert(documents: readonly StoredDocument[]): Promise<void> {
    if (documents.length === 0) return;
    const keyed = documents.map((document) => {
      checkVector(document.vector, this.#dimension);
      checkMetadata(document.metadata);
      const key = storedKey(document.scope, document.id);
      return { document, key, name: latin1(key) };
    });
    const names = keyed.map(({ name }) => name);
    const swept = this.#sweep(new Set(names));
    const operations = [
      ...swept.operations,
      ...keyed.flatMap(({ document, key }) => this.#puts(document, key)),
    ];
    const toIndex = () => {
      for (const name of swept.names) this.#forget(name);
      for (const { document, name } of keyed) {
        this.#index.set(this.#label(name), this.#partition(document.scope), document.vector);
      }
    };
    const scopes = documents.map(({ scope }) => scope);
    await this.#upserting.during(names, () => this.#commit(operations, scopes, toIndex));
  }

  search(vector: Float32Array, { scope, topK, filter, signal }: SearchOptions): readonly Found[] {
    signal?.throwIfAborted();
    this.#checkOpen();
    const clause = parseFilter(filter);
    const partition = this.#partitions.get(scope);
    if (partition === undefined) return [];
    // A filter is judged on what the index returns, so ask for more until enough pass or all were seen: the result is exact.
    for (let k = filter === undefined ? topK : topK * 4; ; k *= 4) {
      const neighbours = this.#index.search(vector, partition, k);
      const found: Found[] = [];
      for (const { id, similarity } of neighbours) {
        const document = this.#read(this.#storedKeys[id] as string);
        if (document === undefined) this.#forget(this.#storedKeys[id] as string);
        else if (passes(clause, document.metadata)) found.push({ document, similarity });
      }
      if (found.length >= topK || neighbours.length < k) return found.slice(0, topK);
    }
  }

  get(scope: string, ids: readonly string[]): readonly (StoredDocument | undefined)[] {
    return ids.map((id) => this.#read(latin1(storedKey(scope, id))));
  }

  vectors(scope: string, ids: readonly string[]): readonly (Float32Array | undefined)[] {
    return this.get(scope, ids).map((document) => document?.vector);
  }

  async delete(scope: string, which: readonly string[] | Filter): Promise<number> {
    const ids = Array.isArray(which) ? (which as readonly string[]) : this.#passing(scope, which as Filter);
    const keys = ids.map((id) => storedKey(scope, id));
    const held = keys.filter((key) => this.#bodies.has(key));
    // An upsert under way is not to be seen yet; the removal is committed after it.
    const doomed = this.#upserting.size > 0 ? keys : held;
    if (doomed.length > 0) await this.#remove(doomed, scope);
    return held.length;
  }

  async clear(scope?: string): Promise<void> {
    const prefix = scope === undefined ? new Uint8Array() : scopeBytes(scope);
    const scopes =
      scope === undefined ? [...new Set([...this.#seen.keys(), ...this.#partitions.keys()])] : [scope];
    const removals: Operation[] = [
      { kind: 'clear', database: this.#names.bodies, prefix },
      { kind: 'clear', database: this.#names.vectors, prefix },
    ];
    await this.#commit(removals, scopes, () => {
      const start = latin1(prefix);
      for (const key of [...this.#labels.keys()]) if (key.startsWith(start)) this.#forget(key);
    });
  }

  count(scope?: string, filter?: Filter): number {
    if (scope === undefined) return this.#bodies.count();
    if (filter !== undefined) return this.#passing(scope, filter).length;
    let count = 0;
    for (const _ of this.#bodies.entries(scopeBytes(scope))) count++;
    return count;
  }

  bytes(): number {
    return this.#bodies.bytes() + this.#vectors.bytes() + this.#index.bytes;
  }

  version(scope: string): string {
    return this.#seen.get(scope) ?? 'empty';
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
    this.#index.clear();
    this.#labels.clear();
    this.#partitions.clear();
  }

  #passing(scope: string, filter: Filter): string[] {
    const clause = parseFilter(filter);
    const ids: string[] = [];
    for (const [key] of this.#bodies.entries(scopeBytes(scope))) {
      const document = this.#read(key.toString('latin1'));
      if (document !== undefined && passes(clause, document.metadata)) ids.push(document.id);
    }
    return ids;
  }

  #puts(
    { text, vector, metadata, data, expiresAtMs }: StoredDocument,
    key: Uint8Array<ArrayBuffer>,
  ): Operation[] {
    const mortal = expiresAtMs !== undefined && Number.isFinite(expiresAtMs);
    const body: Body = { text, metadata, ...(data && { data }), ...(mortal && { expiresAtMs }) };
    return [
      { kind: 'put', database: this.#names.bodies, key, value: encodeRecord(body) },
      { kind: 'put', database: this.#names.vectors, key, value: vectorBytes(vector) },
      ...(mortal ? [this.#expiries.note(key, expiresAtMs)] : []),
    ];
  }

  #removals(key: Uint8Array): Operation[] {
    return [this.#names.bodies, this.#names.vectors].map((database) => ({ kind: 'remove', database, key }));
  }

  /** The removal of some documents that have expired, but for those that are being written. */
  #sweep(written: ReadonlySet<string>): { operations: Operation[]; names: string[] } {
    const nowMs = this.#clock.wall();
    const operations: Operation[] = [];
    const names: string[] = [];
    for (const { key, removal } of this.#expiries.due(nowMs, sweptPerWrite)) {
      const name = latin1(key);
      if (written.has(name) || this.#upserting.has(name)) continue;
      operations.push(removal);
      // A document written anew since has a record of its own.
      if ((this.#read(name)?.expiresAtMs ?? 0) > nowMs) continue;
      names.push(name);
      operations.push(...this.#removals(key));
    }
    return { operations, names };
  }

  async #remove(keys: readonly Uint8Array<ArrayBuffer>[], scope: string): Promise<void> {
    const removals = keys.flatMap((key) => this.#removals(key));
    await this.#commit(removals, [scope], () => {
      for (const key of keys) this.#forget(latin1(key));
    });
  }

  /** Writes, with a new version for each scope, and brings the index up to it. */
  async #commit(
    changes: readonly Operation[],
    scopes: readonly string[],
    toIndex: () => void,
  ): Promise<void> {
    this.#checkOpen();
    const versions = new Map([...new Set(scopes)].map((scope) => [scope, randomUUID()] as const));
    const operations = [...changes];
    for (const [scope, version] of versions) {
      const key = scopeBytes(scope);
      const stored = this.#versions.get(key)?.toString('utf8');
      const pending = this.#pending.get(scope) ?? [];
      if (stored !== this.#seen.get(scope) && !pending.includes(stored ?? '')) this.#behind.add(scope);
      this.#pending.set(scope, [...pending, version]);
      const value = new TextEncoder().encode(version);
      operations.push({ kind: 'put', database: this.#names.versions, key, value });
    }
    try {
      await this.#environment.write(operations);
      if (this.#closed) return;
      toIndex();
      for (const [scope, version] of versions) {
        this.#seen.set(scope, this.#behind.has(scope) ? randomUUID() : version);
      }
    } finally {
      for (const [scope, version] of versions) {
        const rest = (this.#pending.get(scope) ?? []).filter((each) => each !== version);
        if (rest.length > 0) this.#pending.set(scope, rest);
        else this.#pending.delete(scope);
      }
    }
  }

  /** The document under a stored key; undefined when it is gone or damaged, which only a faulty disk brings about. */
  #read(key: string): StoredDocument | undefined {
    const bytes = Buffer.from(key, 'latin1');
    const body = this.#bodies.get(bytes);
    const vector = this.#vectors.get(bytes);
    if (body === undefined || vector === undefined) return undefined;
    try {
      const stored = { id: bytes.toString('utf8', 32), scope: bytes.toString('hex', 0, 32) };
      return { ...stored, ...decodeRecord<Body>(body), vector: toVector(vector) };
    } catch (error) {
      if (error instanceof CodecError) return undefined;
      throw error;
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError('the vector database');
  }

  #label(key: string): number {
    let label = this.#labels.get(key);
    if (label === undefined) {
      label = this.#freeLabels.pop() ?? this.#storedKeys.length;
      this.#labels.set(key, label);
      this.#storedKeys[label] = key;
    }
    return label;
  }

  #forget(key: string): void {
    const label = this.#labels.get(key);
    if (label === undefined) return;
    this.#index.remove(label);
    this.#labels.delete(key);
    this.#storedKeys[label] = undefined;
    this.#freeLabels.push(label);
  }

  #partition(scope: string): number {
    let partition = this.#partitions.get(scope);
    if (partition === undefined) {
      partition = this.#partitions.size;
      this.#partitions.set(scope, partition);
    }
    return partition;
  }
}

function isUsable(vector: Float32Array, dimension: number): boolean {
  try {
    checkVector(vector, dimension);
    return true;
  } catch {
    return false;
  }
}

function scopeBytes(scope: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Buffer.from(scope, 'hex'));
  if (bytes.length !== 32) throw new InvalidArgumentError('scope', '64 hexadecimal digits', scope);
  return bytes;
}

function storedKey(scope: string, id: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(id);
  if (bytes.length === 0 || bytes.length > longestId) {
    throw new InvalidArgumentError('id', `1 to ${longestId} bytes of UTF-8`, id);
  }
  const key = new Uint8Array(32 + bytes.length);
  key.set(scopeBytes(scope));
  key.set(bytes, 32);
  return key;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
