// Tier B, shared: entries in Redis. The subpath ./tiers/redis exports it.
import { type Clock, systemClock } from '../core/clock.js';
import type { Entry, Key } from '../core/entry.js';
import { CodecError, InvalidArgumentError } from '../core/errors.js';
import { checkOptions } from '../core/options.js';
import type { Scope } from '../core/scope.js';
import type { DeleteOptions, SetOptions, Tier, TierSize } from '../core/tier.js';
import { decodeEntry, encodeEntry } from '../disk/codec.js';
import { openRedis, type RedisConnection, type RedisOptions } from '../redis/connection.js';
import { RedisEntries } from '../redis/entries.js';
import { Hits, type Popular } from '../redis/hits.js';
import { leaseName } from '../redis/lease.js';
import { Seal, type SealOptions } from '../redis/seal.js';

export type { RedisAddress, RedisOptions } from '../redis/connection.js';
export { redisTierCommands } from '../redis/entries.js';
export type { Popular } from '../redis/hits.js';
export type { SealKey, SealOptions } from '../redis/seal.js';

/** Where Redis is and how entries stay there. */
export interface RedisTierOptions extends RedisOptions {
  /** A connection shared with others, closed by whoever opened it; `client` and the connection options are then ignored. */
  readonly connection?: RedisConnection | undefined;
  /** Begins every key: 1 to 100 letters, digits and _ . : - Default `llm-cache`. */
  readonly keyPrefix?: string | undefined;
  /** Milliseconds an entry stays at most, however long it lives. Default one hour. */
  readonly ttlMs?: number | undefined;
  /** By how much of its time, from 0 to 1, an entry may leave earlier, so that what was stored together does not leave together. Default 0.1. */
  readonly ttlJitter?: number | undefined;
  /** Each read lets the entry stay for `ttlMs` anew, up to its own expiry. Default false. */
  readonly sliding?: boolean | undefined;
  /** Bytes an encoded entry may have; a larger one is neither stored nor read. Default 8 MiB. */
  readonly maxEntryBytes?: number | undefined;
  /** Seals entries against whoever else can write to this Redis. Default: a checksum only, which finds damage but no forger. */
  readonly seal?: SealOptions | undefined;
}

/** The tier and what only Redis can do. */
export interface RedisTier extends Tier {
  /** The entries of the keys, in their order, in few round trips; a bad one is rejected alone. */
  getMany(keys: readonly Key[], scope: Scope): Promise<PromiseSettledResult<Entry | undefined>[]>;
  /** Stores the entries in few round trips, each as `set` does; a bad one is rejected alone. */
  setMany(entries: readonly Entry[], options?: SetOptions): Promise<PromiseSettledResult<boolean>[]>;
  /**
   * The `count` entries that were found most often by all processes, first the most often; hits are told every five seconds, and
   * the 10,000 most hit are kept. @throws {TierError} ERR_LLM_CACHE_TIER
   */
  popular(count: number): Promise<readonly Popular[]>;
}

const optionNames: Record<keyof RedisTierOptions, true> = {
  url: true,
  host: true,
  port: true,
  db: true,
  username: true,
  password: true,
  tls: true,
  sentinels: true,
  sentinelName: true,
  sentinelUsername: true,
  sentinelPassword: true,
  sentinelTls: true,
  cluster: true,
  commandTimeoutMs: true,
  connectTimeoutMs: true,
  socketTimeoutMs: true,
  client: true,
  clock: true,
  connection: true,
  keyPrefix: true,
  ttlMs: true,
  ttlJitter: true,
  sliding: true,
  maxEntryBytes: true,
  seal: true,
};
const knownOptions = new Set(Object.keys(optionNames));
const batchLength = 256;
// Of `size`: a million keys take about a second of Redis, a thousand at a time.
const mostSizeScans = 1_000;
const mostSampled = 64;

/**
 * The shared exact tier. While Redis cannot be reached every call fails at once and the connection is tried again in the background.
 * One key an entry, `SET … PX`; every value carries its own key, scope and checksum, so a reply that belongs to another command is
 * never served. Nothing of it can be printed that holds a password or a key.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE without ioredis.
 */
export async function redisTier(options: RedisTierOptions = {}): Promise<RedisTier> {
  checkOptions(options, knownOptions);
  const { keyPrefix = 'llm-cache', ttlMs = 3_600_000, ttlJitter = 0.1, maxEntryBytes = 8 << 20 } = options;
  if (typeof keyPrefix !== 'string' || !/^[\w.:-]{1,100}$/.test(keyPrefix)) {
    throw new InvalidArgumentError('keyPrefix', 'letters, digits and _ . : -', keyPrefix);
  }
  if (!(ttlMs > 0)) throw new InvalidArgumentError('ttlMs', 'a positive number', ttlMs);
  if (!(ttlJitter >= 0 && ttlJitter <= 1))
    throw new InvalidArgumentError('ttlJitter', 'from 0 to 1', ttlJitter);
  if (!Number.isInteger(maxEntryBytes) || maxEntryBytes < 1 || maxEntryBytes > 512 << 20) {
    throw new InvalidArgumentError('maxEntryBytes', 'from 1 to 536,870,912 bytes', maxEntryBytes);
  }
  const seal = options.seal === undefined ? undefined : new Seal(options.seal);
  const connection = options.connection ?? (await openRedis(options));
  return new SharedTier({
    connection,
    owned: options.connection === undefined,
    prefix: keyPrefix,
    ttlMs,
    ttlJitter,
    sliding: options.sliding ?? false,
    maxEntryBytes,
    seal,
    clock: options.clock ?? systemClock,
  });
}

interface Parts {
  readonly connection: RedisConnection;
  readonly owned: boolean;
  readonly prefix: string;
  readonly ttlMs: number;
  readonly ttlJitter: number;
  readonly sliding: boolean;
  readonly maxEntryBytes: number;
  readonly seal: Seal | undefined;
  readonly clock: Clock;
}

class SharedTier implements RedisTier {
  readonly name = 'redis';
  readonly shared = true;
  readonly #parts: Parts;
  readonly #entries: RedisEntries;
  readonly #hits: Hits;
  readonly #hitsName: string;
  readonly #writing = new Set<Promise<unknown>>();
  /** What came for another entry: on the next connection it shows whether that stands under our name or was a shifted reply. */
  #suspect: { readonly name: string; readonly bytes: Buffer } | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#entries = new RedisEntries(parts.connection, parts.prefix, parts.maxEntryBytes);
    this.#hitsName = `${parts.prefix}:hits`;
    this.#hits = new Hits(parts.connection, this.#hitsName, parts.clock);
  }

  async get(key: Key, scope: Scope): Promise<Entry | undefined> {
    if (this.#suspect !== undefined) this.#settleSuspect();
    const name = this.#entries.name(scope.id, key);
    const bytes = await this.#entries.read(name);
    if (bytes === undefined) return undefined;
    let entry: Entry;
    try {
      entry = this.#decode(bytes, name, key, scope);
    } catch (error) {
      this.#reject(name, bytes, error);
      throw error;
    }
    const leftMs = entry.expiresAtMs - this.#parts.clock.wall();
    if (leftMs <= 0) return undefined;
    // Nobody waits for it: without it the entry only leaves earlier.
    if (this.#parts.sliding) this.#entries.keep(name, this.#ttl(leftMs)).catch(() => {});
    this.#hits.add(scope.id, key);
    return entry;
  }

  async set(entry: Entry, { onlyIfAbsent = false, fence }: SetOptions = {}): Promise<boolean> {
    const leftMs = entry.expiresAtMs - this.#parts.clock.wall();
    if (leftMs <= 0) return false;
    const name = this.#entries.name(entry.scope, entry.key);
    const plain = encodeEntry(entry);
    const bytes = this.#parts.seal?.seal(plain, name) ?? Buffer.from(plain.buffer);
    if (bytes.length > this.#parts.maxEntryBytes) return false;
    const lease = fence === undefined ? undefined : { name: leaseName(this.#parts.prefix, entry.key), fence };
    const write = this.#entries.write(name, { bytes, ttlMs: this.#ttl(leftMs), onlyIfAbsent, lease });
    const done = write.catch(() => {}).finally(() => this.#writing.delete(done));
    this.#writing.add(done);
    return write;
  }

  async delete(key: Key, scope: Scope, { onlyIf }: DeleteOptions = {}): Promise<boolean> {
    const name = this.#entries.name(scope.id, key);
    if (onlyIf === undefined) return this.#entries.drop(name);
    const bytes = await this.#entries.read(name);
    if (bytes === undefined || !onlyIf(this.#decode(bytes, name, key, scope))) return false;
    return this.#entries.dropIfSame(name, bytes);
  }

  async clear(scope?: Scope): Promise<void> {
    // A cluster's nodes are walked over connections of their own: what was written before must be there.
    await Promise.all(this.#writing);
    await this.#entries.scan(scope?.id, async (names) => {
      await Promise.all(names.map((name) => this.#entries.drop(name)));
    });
    if (scope === undefined) await this.#entries.drop(this.#hitsName);
  }

  /**
   * Counts this cache's keys by walking the keys of the database, at most a million of them: of a larger one it is what was counted
   * until then. Bytes are the memory of up to 64 of them as Redis tells, times their number.
   */
  async size(): Promise<TierSize> {
    let entries = 0;
    const sample: string[] = [];
    await this.#entries.scan(
      undefined,
      async (names) => {
        entries += names.length;
        sample.push(...names.slice(0, mostSampled - sample.length));
      },
      mostSizeScans,
    );
    const sizes = await Promise.all(sample.map((name) => this.#entries.memory(name)));
    const sampled = sizes.reduce((sum, size) => sum + size, 0);
    return { entries, bytes: sample.length === 0 ? 0 : Math.round((sampled / sample.length) * entries) };
  }

  getMany(keys: readonly Key[], scope: Scope): Promise<PromiseSettledResult<Entry | undefined>[]> {
    return inBatches(keys, (key) => this.get(key, scope));
  }

  setMany(entries: readonly Entry[], options?: SetOptions): Promise<PromiseSettledResult<boolean>[]> {
    return inBatches(entries, (entry) => this.set(entry, options));
  }

  async popular(count: number): Promise<readonly Popular[]> {
    if (!Number.isInteger(count) || count < 1) {
      throw new InvalidArgumentError('count', 'a whole number from 1', count);
    }
    return this.#hits.popular(count);
  }

  async close(): Promise<void> {
    await this.#hits.flush();
    if (this.#parts.owned) await this.#parts.connection.close();
  }

  #decode(bytes: Buffer, name: string, key: Key, scope: Scope): Entry {
    const { seal, maxEntryBytes } = this.#parts;
    if (bytes.length > maxEntryBytes) throw new CodecError(`an entry has more than ${maxEntryBytes} bytes`);
    return decodeEntry(seal === undefined ? bytes : seal.open(bytes, name), key, scope);
  }

  /** What cannot be read goes, unless it was replaced meanwhile; what belongs to another key shows that replies are mixed up. */
  #reject(name: string, bytes: Buffer, error: unknown): void {
    if (!(error instanceof CodecError)) return;
    if (!error.foreign) {
      this.#entries.dropIfSame(name, bytes).catch(() => {});
      return;
    }
    // Whatever follows on this connection is shifted too, the answer to a deletion included.
    this.#parts.connection.replace();
    this.#suspect = { name, bytes };
  }

  #settleSuspect(): void {
    if (this.#suspect === undefined || !this.#parts.connection.isReady) return;
    const suspect = this.#suspect;
    this.#suspect = undefined;
    this.#entries.dropIfSame(suspect.name, suspect.bytes).catch(() => {
      this.#suspect ??= suspect;
    });
  }

  /** Whole milliseconds that an entry stays which has `leftMs` to live. */
  #ttl(leftMs: number): number {
    const { ttlMs, ttlJitter } = this.#parts;
    return Math.max(1, Math.floor(Math.min(ttlMs, leftMs) * (1 - Math.random() * ttlJitter)));
  }
}

/** One batch is one pipeline: the commands of one turn of the event loop are sent together. */
async function inBatches<T, R>(
  all: readonly T[],
  call: (one: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  for (let begin = 0; begin < all.length; begin += batchLength) {
    const batch = all.slice(begin, begin + batchLength);
    results.push(...(await Promise.allSettled(batch.map(call))));
  }
  return results;
}
