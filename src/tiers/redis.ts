// Tier B, shared: entries in Redis. The subpath ./tiers/redis exports it.
import type { Redis } from 'ioredis';
import { type Clock, systemClock } from '../core/clock.js';
import type { Entry, Key } from '../core/entry.js';
import { CodecError, InvalidArgumentError } from '../core/errors.js';
import type { Scope } from '../core/scope.js';
import type { SetOptions, Tier, TierSize } from '../core/tier.js';
import { decodeEntry, encodeEntry } from '../disk/codec.js';
import { openRedis, type RedisConnection, type RedisOptions } from '../redis/connection.js';

/** Where Redis is and how long entries stay there. */
export interface RedisTierOptions extends RedisOptions {
  /** A connection shared with others, closed by whoever opened it; `client` and the connection options are then ignored. */
  readonly connection?: RedisConnection | undefined;
  /** Begins every key. Default `llm-cache`. */
  readonly keyPrefix?: string | undefined;
  /** Milliseconds an entry stays at most, however long it lives. Default one hour. */
  readonly ttlMs?: number | undefined;
}

const scanCount = 500;

/**
 * The shared exact tier. While Redis cannot be reached every call fails at once and the connection is tried again in the background.
 * One key an entry, `SET … PX`; every value carries its own key, scope and checksum, so a reply that belongs to another command is
 * never served.
 * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when ioredis is not installed.
 */
export async function redisTier(options: RedisTierOptions = {}): Promise<Tier> {
  const { keyPrefix = 'llm-cache', ttlMs = 3_600_000 } = options;
  if (!/^[\w.:-]{1,100}$/.test(keyPrefix)) {
    throw new InvalidArgumentError('keyPrefix', 'letters, digits and _ . : -', keyPrefix);
  }
  if (!(ttlMs > 0)) throw new InvalidArgumentError('ttlMs', 'a positive number', ttlMs);
  const connection = options.connection ?? (await openRedis(options));
  return new RedisTier(connection, options.connection === undefined, {
    keyPrefix,
    ttlMs,
    clock: options.clock ?? systemClock,
  });
}

class RedisTier implements Tier {
  readonly name = 'redis';
  readonly shared = true;
  readonly #connection: RedisConnection;
  readonly #redis: Redis;
  readonly #owned: boolean;
  readonly #prefix: string;
  readonly #ttlMs: number;
  readonly #clock: Clock;

  constructor(
    connection: RedisConnection,
    owned: boolean,
    options: { keyPrefix: string; ttlMs: number; clock: Clock },
  ) {
    this.#connection = connection;
    this.#redis = connection.client as Redis;
    this.#owned = owned;
    this.#prefix = options.keyPrefix;
    this.#ttlMs = options.ttlMs;
    this.#clock = options.clock;
  }

  async get(key: Key, scope: Scope): Promise<Entry | undefined> {
    const bytes = await this.#call('get', () => this.#redis.getBuffer(this.#name(scope.id, key)));
    if (bytes === null) return undefined;
    try {
      const entry = decodeEntry(bytes, key, scope);
      return entry.expiresAtMs > this.#clock.wall() ? entry : undefined;
    } catch (error) {
      // A reply of another command: whatever follows on this connection is shifted too.
      if (error instanceof CodecError && error.foreign) this.#connection.replace();
      throw error;
    }
  }

  async set(entry: Entry, { onlyIfAbsent = false }: SetOptions = {}): Promise<boolean> {
    const ttlMs = Math.ceil(Math.min(this.#ttlMs, entry.expiresAtMs - this.#clock.wall()));
    if (ttlMs <= 0) return false;
    const name = this.#name(entry.scope, entry.key);
    const bytes = Buffer.from(encodeEntry(entry).buffer);
    await this.#call('set', () =>
      onlyIfAbsent
        ? this.#redis.set(name, bytes, 'PX', ttlMs, 'NX')
        : this.#redis.set(name, bytes, 'PX', ttlMs),
    );
    return true;
  }

  async delete(key: Key, scope: Scope): Promise<boolean> {
    return (await this.#call('delete', () => this.#redis.unlink(this.#name(scope.id, key)))) > 0;
  }

  async clear(scope?: Scope): Promise<void> {
    await this.#scan(scope, async (names) => {
      if (names.length > 0) await this.#call('clear', () => this.#redis.unlink(...names));
    });
  }

  /** Counts this cache's keys by walking all keys of the database: O(keys). Bytes are those of the values' memory as Redis tells. */
  async size(): Promise<TierSize> {
    let entries = 0;
    let bytes = 0;
    await this.#scan(undefined, async (names) => {
      entries += names.length;
      const sizes = await Promise.all(
        names.map((name) => this.#call('size', () => this.#redis.memory('USAGE', name))),
      );
      for (const size of sizes) bytes += size ?? 0;
    });
    return { entries, bytes };
  }

  async close(): Promise<void> {
    if (this.#owned) await this.#connection.close();
  }

  /** A prefix may begin with ours (`llm-cache` and `llm-cache:eu`), and a shifted reply may name anything. */
  #isOurs(name: string): boolean {
    const { length } = this.#prefix;
    return name.startsWith(`${this.#prefix}:`) && /^[0-9a-f]{64}:[0-9a-f]{64}$/.test(name.slice(length + 1));
  }

  #name(scope: string, key: Key): string {
    return `${this.#prefix}:${scope}:${key}`;
  }

  async #scan(scope: Scope | undefined, visit: (names: string[]) => Promise<void>): Promise<void> {
    const pattern = `${this.#prefix.replace(/[*?[\]\\^]/g, '\\$&')}:${scope?.id ?? '*'}:*`;
    let cursor = '0';
    do {
      const [next, names] = await this.#call('scan', () =>
        this.#redis.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount),
      );
      await visit(names.filter((name) => this.#isOurs(name)));
      cursor = next;
    } while (cursor !== '0');
  }

  #call<T>(operation: string, command: () => Promise<T>): Promise<T> {
    return this.#connection.call(operation, command);
  }
}
