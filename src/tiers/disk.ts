// Tier B, embedded: entries in LMDB, shared by the processes of one machine. open.ts and ./testing import it.
import { type Clock, systemClock } from '../core/clock.js';
import type { Entry, Key } from '../core/entry.js';
import type { Scope } from '../core/scope.js';
import type { DeleteOptions, SetOptions, Tier, TierSize } from '../core/tier.js';
import { decodeEntry, encodeEntry, expiryOf } from '../disk/codec.js';
import type { Environment, Operation, Reader } from '../disk/environment.js';

/** How tier B on disk is bounded. */
export interface DiskTierOptions {
  /** Most bytes of entries; above it, those that expire soonest go. Default 4 GiB. */
  readonly maxBytes?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** The databases of the environment in which tier B keeps its entries. */
export const diskDatabases = { entries: 'entries', expiries: 'entry-expiries' } as const;
const { entries: database, expiries: expiryDatabase } = diskDatabases;
// Looked at by each write: more than one, so that sweeping outpaces growth.
const sweptPerWrite = 8;

/**
 * The shared exact tier without a server. `set` resolves when the entry is on stable storage. Reads are synchronous, about
 * 5 microseconds for a short answer in the page cache. Closing the tier leaves the environment open.
 */
export function diskTier(environment: Environment, options: DiskTierOptions = {}): Tier {
  return new DiskTier(environment, options);
}

class DiskTier implements Tier {
  readonly name = 'disk';
  readonly shared = true;
  readonly #environment: Environment;
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #maxBytes: number;

  constructor(environment: Environment, { maxBytes = 4 * 2 ** 30, clock = systemClock }: DiskTierOptions) {
    this.#environment = environment;
    this.#reader = environment.reader(database);
    environment.reader(expiryDatabase);
    this.#clock = clock;
    this.#maxBytes = maxBytes;
  }

  get(key: Key, scope: Scope): Entry | undefined {
    const bytes = this.#reader.get(storedKey(scope.id, key));
    if (bytes === undefined || expiryOf(bytes) <= this.#clock.wall()) return undefined;
    return decodeEntry(bytes, key, scope);
  }

  async set(entry: Entry, { onlyIfAbsent = false }: SetOptions = {}): Promise<boolean> {
    const key = storedKey(entry.scope, entry.key);
    const nowMs = this.#clock.wall();
    if (entry.expiresAtMs <= nowMs) return false;
    const held = onlyIfAbsent ? this.#reader.get(key) : undefined;
    if (held !== undefined && expiryOf(held) > nowMs) return true;
    const expiryKey = Buffer.from(new ArrayBuffer(8 + key.length));
    expiryKey.writeDoubleBE(entry.expiresAtMs, 0);
    expiryKey.set(key, 8);
    const operations: Operation[] = [
      { kind: 'put', database, key, value: encodeEntry(entry) },
      { kind: 'put', database: expiryDatabase, key: expiryKey, value: new Uint8Array() },
      {
        kind: 'sweep',
        database,
        expiries: expiryDatabase,
        nowMs,
        most: sweptPerWrite,
        maxBytes: this.#maxBytes,
      },
    ];
    const absent = onlyIfAbsent && held === undefined ? { database, key } : undefined;
    await this.#environment.write(operations, absent);
    return true;
  }

  async delete(key: Key, scope: Scope, { onlyIf }: DeleteOptions = {}): Promise<boolean> {
    const stored = storedKey(scope.id, key);
    const removal: Operation = { kind: 'remove', database, key: stored };
    if (onlyIf !== undefined) {
      const value = this.#reader.get(stored);
      if (value === undefined || !onlyIf(decodeEntry(value, key, scope))) return false;
      return this.#environment.write([removal], { database, key: stored, value: Uint8Array.from(value) });
    }
    const held = this.#reader.has(stored);
    await this.#environment.write([removal]);
    return held;
  }

  async clear(scope?: Scope): Promise<void> {
    await this.#environment.write([{ kind: 'clear', database, prefix: scope?.digest ?? new Uint8Array() }]);
  }

  size(): TierSize {
    return { entries: this.#reader.count(), bytes: this.#reader.bytes() };
  }

  async close(): Promise<void> {}
}

/** Scope first, so that a scope's entries lie together: 64 bytes. */
function storedKey(scope: string, key: Key): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(scope + key, 'hex'));
}
