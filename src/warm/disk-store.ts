// Popular questions in the cache directory, so that a restart knows them and processes of one machine share them. open.ts imports it.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import type { Key } from '../core/entry.js';
import { CodecError } from '../core/errors.js';
import { Scope, type ScopeFields } from '../core/scope.js';
import { decodeRecord, encodeRecord } from '../disk/codec.js';
import type { Environment, Operation } from '../disk/environment.js';
import type { Counted } from './popularity.js';
import type { PopularityStore, RoundLease } from './warmer.js';

/** The databases of popular questions. */
export const popularityDatabases = { questions: 'popular', scopes: 'popular-scopes' } as const;
const { questions: database, scopes: scopeDatabase } = popularityDatabases;
// Records read or written between two turns of the event loop: about 0.3 ms.
const chunk = 50;
const leaseKey = new TextEncoder().encode('lease');

/** How counts age and how many are kept. */
export interface DiskStoreOptions {
  /** Questions kept; the rest goes when the store is loaded. */
  readonly capacity: number;
  /** Factor on a count after `intervalMs`. */
  readonly decay: number;
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Questions of another embedder are none of ours. */
  readonly embedderFingerprint: string;
  /** As scopes are made with. */
  readonly home?: string | undefined;
}

interface Stored {
  readonly question: string;
  readonly count: number;
  readonly atMs: number;
}

/** A store over the cache directory. Two processes that save in the same instant may lose one's counts of that minute. */
export function diskStore(environment: Environment, options: DiskStoreOptions): PopularityStore {
  return new DiskStore(environment, options);
}

class DiskStore implements PopularityStore {
  readonly #environment: Environment;
  readonly #options: DiskStoreOptions;
  readonly #savedScopes = new Set<string>();

  constructor(environment: Environment, options: DiskStoreOptions) {
    this.#environment = environment;
    this.#options = options;
    environment.reader(database);
    environment.reader(scopeDatabase);
  }

  async load(): Promise<Omit<Counted, 'unsaved'>[]> {
    const { capacity } = this.#options;
    const scopes = await this.#scopes();
    const found: Omit<Counted, 'unsaved'>[] = [];
    const useless: Uint8Array[] = [];
    for await (const [name, bytes] of this.#pages(database)) {
      if (name.length !== 64) continue;
      const scope = scopes.get(name.toString('hex', 0, 32));
      const stored = read<Stored>(bytes);
      if (scope === undefined || stored === undefined) useless.push(name);
      else
        found.push({
          scope,
          key: name.toString('hex', 32),
          question: stored.question,
          count: this.#aged(stored),
        });
    }
    found.sort((a, b) => b.count - a.count);
    for (const { scope, key } of found.splice(capacity)) useless.push(nameOf(scope.id, key));
    const used = new Set(found.map(({ scope }) => scope.id));
    const operations: Operation[] = useless.map((key) => ({ kind: 'remove', database, key: copy(key) }));
    for (const id of scopes.keys()) {
      const key = copy(Buffer.from(id, 'hex'));
      if (!used.has(id)) operations.push({ kind: 'remove', database: scopeDatabase, key });
    }
    await this.#write(operations);
    return found;
  }

  async save(items: readonly Counted[]): Promise<void> {
    const reader = this.#environment.reader(database);
    const atMs = this.#options.clock.wall();
    for (let begin = 0; begin < items.length; begin += chunk) {
      const operations: Operation[] = [];
      for (const { scope, key, question, unsaved } of items.slice(begin, begin + chunk)) {
        if (!this.#savedScopes.has(scope.id)) {
          const id = copy(scope.digest);
          const value = encodeRecord({ fields: JSON.stringify(scope.fields) });
          operations.push({ kind: 'put', database: scopeDatabase, key: id, value });
          this.#savedScopes.add(scope.id);
        }
        const name = nameOf(scope.id, key);
        const held = reader.get(name);
        const before = held === undefined ? undefined : read<Stored>(held);
        const count = unsaved + (before === undefined ? 0 : this.#aged(before));
        operations.push({ kind: 'put', database, key: name, value: encodeRecord({ question, count, atMs }) });
      }
      await this.#environment.write(operations);
    }
  }

  async forget(scopeId?: string, key?: Key): Promise<void> {
    if (scopeId !== undefined && key !== undefined) {
      if (!this.#environment.reader(database).has(nameOf(scopeId, key))) return;
      await this.#environment.write([{ kind: 'remove', database, key: nameOf(scopeId, key) }]);
      return;
    }
    const prefix = scopeId === undefined ? new Uint8Array() : copy(Buffer.from(scopeId, 'hex'));
    await this.#environment.write([{ kind: 'clear', database, prefix }]);
  }

  async lease(forMs: number): Promise<RoundLease | undefined> {
    const held = this.#environment.reader(database).get(leaseKey);
    const now = this.#options.clock.wall();
    const until = held === undefined ? 0 : (read<{ untilMs: number }>(held)?.untilMs ?? 0);
    // One that lies further ahead than any can was written before the clock was put back.
    if (until > now && until <= now + forMs) return undefined;
    const value = encodeRecord({ untilMs: now + forMs, fence: randomUUID() });
    const condition = { database, key: leaseKey, ...(held === undefined ? {} : { value: copy(held) }) };
    const put = { kind: 'put', database, key: leaseKey, value } as const;
    if (!(await this.#environment.write([put], condition))) return undefined;
    return {
      release: async () => {
        const mine = this.#environment.reader(database).get(leaseKey);
        if (mine === undefined || !mine.equals(value)) return;
        await this.#environment.write([{ kind: 'remove', database, key: leaseKey }], {
          database,
          key: leaseKey,
          value,
        });
      },
    };
  }

  async #scopes(): Promise<Map<string, Scope>> {
    const scopes = new Map<string, Scope>();
    for await (const [name, bytes] of this.#pages(scopeDatabase)) {
      const { fields = '{}' } = read<{ fields: string }>(bytes) ?? {};
      const { embedderFingerprint, home } = this.#options;
      const scope = new Scope(JSON.parse(fields) as ScopeFields, embedderFingerprint, home);
      // What does not lead back to the digest was written with another embedder or for others to share, or is damaged.
      if (scope.id === name.toString('hex')) scopes.set(scope.id, scope);
    }
    return scopes;
  }

  async *#pages(name: string): AsyncGenerator<[Buffer, Buffer]> {
    let after: Buffer | undefined;
    for (;;) {
      const page: [Buffer, Buffer][] = [];
      for (const [key, value] of this.#environment.reader(name).entries(undefined, after)) {
        page.push([Buffer.from(key), Buffer.from(value)]);
        if (page.length === chunk) break;
      }
      yield* page;
      after = page.at(-1)?.[0];
      if (page.length < chunk) return;
      await new Promise(setImmediate);
    }
  }

  async #write(operations: readonly Operation[]): Promise<void> {
    for (let begin = 0; begin < operations.length; begin += chunk)
      await this.#environment.write(operations.slice(begin, begin + chunk));
  }

  #aged({ count, atMs }: Stored): number {
    const { decay, intervalMs, clock } = this.#options;
    return count * decay ** (Math.max(0, clock.wall() - atMs) / intervalMs);
  }
}

function nameOf(scopeId: string, key: Key): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(scopeId + key, 'hex'));
}

function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}

/** The record; undefined when it is damaged, which costs a count and no more. */
function read<T extends object>(bytes: Buffer): T | undefined {
  try {
    return decodeRecord<T>(bytes);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
