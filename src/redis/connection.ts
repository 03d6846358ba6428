// The connection to Redis that tier B, the ledger and the leases share; the only importer of ioredis, which is loaded on first use.
import type { Cluster, Redis } from 'ioredis';
import { type Clock, systemClock } from '../core/clock.js';
import { CodecError, MissingPackageError, TierError } from '../core/errors.js';

/** Where Redis is. */
export interface RedisOptions {
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
  /** Milliseconds a command may take. Default 50. */
  readonly commandTimeoutMs?: number | undefined;
  /** Milliseconds to connect. Default 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** A connected ioredis client of yours, used as it is and never closed; the connection options are then ignored. */
  readonly client?: Redis | Cluster | undefined;
  readonly clock?: Clock | undefined;
}

const longestReconnectMs = 2_000;
// A server on the network answers within this; one that does not is left to the background.
const longestWelcomeMs = 250;

/**
 * Opens a connection. Resolves when it stands, has failed or has taken 250 ms: while Redis cannot be reached every call fails at
 * once and the connection is tried again in the background.
 * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when ioredis is not installed.
 */
export async function openRedis(options: RedisOptions = {}): Promise<RedisConnection> {
  if (options.client !== undefined) return new RedisConnection(options.client, false);
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
  const connection = new RedisConnection(redis, true);
  await welcome(redis, options.clock ?? systemClock);
  return connection;
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

/** A standing or returning connection. */
export class RedisConnection {
  readonly client: Redis | Cluster;
  readonly #owned: boolean;
  #lastError: Error | undefined;

  constructor(client: Redis | Cluster, owned: boolean) {
    this.client = client;
    this.#owned = owned;
    // Every call reports its own failure, and without a connection says only that there is none; this keeps why. An unheard 'error'
    // event would be printed.
    client.on('error', (error: Error) => {
      this.#lastError = error;
    });
  }

  /**
   * Runs a command.
   * @throws {TierError} ERR_LLM_CACHE_TIER · {CodecError} ERR_LLM_CACHE_CODEC when something of another type stands under our key
   */
  async call<T>(operation: string, command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      const { message } = error as Error;
      if (message.startsWith('WRONGTYPE')) throw new CodecError(`${operation}: ${message}`, { cause: error });
      const why = this.client.status === 'ready' ? message : (this.#lastError?.message ?? message);
      throw new TierError('redis', operation, why, { cause: error });
    }
  }

  /** Gives up the socket and connects anew: whatever follows on one that mixed up a reply is shifted too. */
  replace(): void {
    if (this.#owned) this.client.disconnect(true);
  }

  async close(): Promise<void> {
    if (this.#owned) this.client.disconnect();
  }
}
