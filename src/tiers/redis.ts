// Tier B, shared: entries in Redis; the only importer of ioredis, which is loaded on first use. The subpath ./tiers/redis exports it.
import type { Redis } from 'ioredis';
import { type Clock, systemClock } from '../core/clock.js';
import type { Entry, Key } from '../core/entry.js';
import { CodecError, InvalidArgumentError, MissingPackageError, TierError } from '../core/errors.js';
import type { Scope } from '../core/scope.js';
import type { SetOptions, Tier, TierSize } from '../core/tier.js';
import { decodeEntry, encodeEntry } from '../disk/codec.js';

/** Where Redis is and how long entries stay there. */
export interface RedisTierOptions {
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default 6379. */
  readonly port?: number | undefined;
  /** Database number. Default 0. */
  readonly db?: number | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Options of `tls.connect`, or true for the defaults. Default: no TLS. */
  readonly tls?: boolean | object | undefined;
  /** Begins every key. Default `llm-cache`. */
  readonly keyPrefix?: string | undefined;
  /** Milliseconds an entry stays at most, however long it lives. Default one hour. */
  readonly ttlMs?: number | undefined;
  /** Milliseconds a command may take. Default 50. */
  readonly commandTimeoutMs?: number | undefined;
  /** Milliseconds to connect. Default 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** A connected ioredis client of yours, used as it is and never closed; the connection options are then ignored. */
  readonly client?: Redis | undefined;
  readonly clock?: Clock | undefined;
}

const longestReconnectMs = 2_000;
const scanCount = 500;
// A server on the network answers within this; one that does not is left to the background.
const longestWelcomeMs = 250;

/**
 * The shared exact tier. Resolves when the connection stands, has failed or has taken 250 ms: while Redis cannot be reached every
 * call fails at once and the connection is tried again in the background. One key an entry, `SET … PX`; every value carries its own key, scope and
 * checksum, so a reply that belongs to another command is never served.
 * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when ioredis is not installed.
 */
export async function redisTier(options: RedisTierOptions = {}): Promise<Tier> {
  const { keyPrefix = 'llm-cache', ttlMs = 3_600_000 } = options;
  if (!/^[\w.:-]{1,100}$/.test(keyPrefix)) {
    throw new InvalidArgumentError('keyPrefix', 'letters, digits and _ . : -', keyPrefix);
  }
  if (!(ttlMs > 0)) throw new InvalidArgumentError('ttlMs', 'a positive number', ttlMs);
  return new RedisTier(options.client ?? (await connect(options)), options.client === undefined, {
    keyPrefix,
    ttlMs,
    clock: options.clock ?? systemClock,
  });
}

async function connect(options: RedisTierOptions): Promise<Redis> {
  let client: typeof import('ioredis').Redis;
  try {
    ({ Redis: client } = await import('ioredis'));
  } catch (error) {
    throw new MissingPackageError('ioredis', 'the Redis tier', { cause: error });
  }
  const redis = new client({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 6379,
    db: options.db ?? 0,
    // ioredis' defaults hold a request for ever when Redis is gone; these fail at once.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: true,
    commandTimeout: options.commandTimeoutMs ?? 50,
    connectTimeout: options.connectTimeoutMs ?? 2_000,
    retryStrategy: (attempt) =>
      Math.min(longestReconnectMs, 50 * 2 ** Math.min(attempt, 10)) * (0.75 + Math.random() / 2),
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(options.tls ? { tls: options.tls === true ? {} : options.tls } : {}),
  });
  // Every call reports its own failure; an unheard 'error' event would be printed.
  redis.on('error', () => {});
  await welcome(redis, options.clock ?? systemClock);
  return redis;
}

/** So that the first calls of a short-lived process find the connection standing. */
function welcome(redis: Redis, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const events = ['ready', 'error', 'close'] as const;
    const cancel = clock.after(longestWelcomeMs, done);
    for (const event of events) redis.once(event, done);
    function done() {
      cancel();
      for (const event of events) redis.off(event, done);
      resolve();
    }
  });
}

class RedisTier implements Tier {
  readonly name = 'redis';
  readonly #redis: Redis;
  readonly #owned: boolean;
  #lastError: Error | undefined;
  readonly #prefix: string;
  readonly #ttlMs: number;
  readonly #clock: Clock;

  constructor(redis: Redis, owned: boolean, options: { keyPrefix: string; ttlMs: number; clock: Clock }) {
    this.#redis = redis;
    // A call without a connection says only that there is none; this says why.
    redis.on('error', (error) => {
      this.#lastError = error;
    });
    this.#owned = owned;
    this.#prefix = options.keyPrefix;
    this.#ttlMs = options.ttlMs;
    this.#clock = options.clock;
  }

  async get(key: Key, scope: Scope): Promise<Entry | undefined> {
    const bytes = await this.#call('get', () => this.#redis.getBuffer(this.#name(scope.id, key)));
    if (bytes === null) return undefined;
    try {
      const entry = decodeEntry(bytes, key, scope.id);
      return entry.expiresAtMs > this.#clock.wall() ? entry : undefined;
    } catch (error) {
      // A reply of another command: whatever follows on this connection is shifted too.
      if (error instanceof CodecError && error.foreign && this.#owned) this.#redis.disconnect(true);
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
    if (this.#owned) this.#redis.disconnect();
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

  async #call<T>(operation: string, command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      const { message } = error as Error;
      // Something else stands under our key: a bad record, not a bad server.
      if (message.startsWith('WRONGTYPE')) throw new CodecError(`${operation}: ${message}`, { cause: error });
      const why = this.#redis.status === 'ready' ? message : (this.#lastError?.message ?? message);
      throw new TierError(this.name, operation, why, { cause: error });
    }
  }
}
