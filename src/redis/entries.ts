// The commands by which entries are written, dropped and listed in Redis; the Redis tier imports it.
import type { Key } from '../core/entry.js';
import { TierError } from '../core/errors.js';
import type { RedisConnection, RedisNode } from './connection.js';

/**
 * What an ACL user needs: the commands of these, and the keys `~<keyPrefix>:*`. Without `eval` a fence is checked before the write
 * instead of with it, and damaged values stay until they expire. The subcommands of `cluster` are for Redis Cluster, `info` for
 * Sentinel, `select` for a database other than 0.
 * @example ACL SETUSER cache on >secret ~llm-cache:* +getrange +set +get +unlink +pexpire +scan +memory|usage +zincrby …
 */
export const redisTierCommands: readonly string[] = [
  'getrange',
  'set',
  'get',
  'unlink',
  'pexpire',
  'scan',
  'memory|usage',
  'zincrby',
  'zremrangebyrank',
  'zrevrange',
  'zunionstore',
  'zremrangebyscore',
  'zrem',
  'eval',
  'strlen',
  'cluster|slots',
  'info',
  'select',
];

// Both scripts are fixed texts; what varies is in KEYS and ARGV.
const setIfHeld = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[4] == '1' then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3], 'NX') else redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
return 1`;
const dropIfSame = `if math.min(redis.call('STRLEN', KEYS[1]), tonumber(ARGV[1])) ~= tonumber(ARGV[2]) then return 0 end
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[3] - 1) ~= ARGV[3] then return 0 end
return redis.call('UNLINK', KEYS[1])`;

// The head of an entry, sealed or not, holds a checksum or tag of all the rest.
const headLength = 256;
const scanCount = 1_000;

/** How a value is written. */
export interface Write {
  readonly bytes: Buffer;
  /** Milliseconds it stays: a whole number from 1. */
  readonly ttlMs: number;
  readonly onlyIfAbsent: boolean;
  /** The lease that must be held, and what it must say. */
  readonly lease: { readonly name: string; readonly fence: string } | undefined;
}

/** Entries as values under names of the shape `prefix:<scope>:{<key>}`: an entry and the lease of its key share a slot. */
export class RedisEntries {
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #maxBytes: number;

  constructor(connection: RedisConnection, prefix: string, maxBytes: number) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#maxBytes = maxBytes;
  }

  name(scope: string, key: Key): string {
    return `${this.#prefix}:${scope}:{${key}}`;
  }

  /** The value's bytes; one byte more than the most allowed when there are more; undefined when there is none. */
  async read(name: string): Promise<Buffer | undefined> {
    // Not GET: a value of half a gigabyte would be taken in before it can be refused.
    const bytes = await this.#connection.call('get', () =>
      this.#redis.getrangeBuffer(name, 0, this.#maxBytes),
    );
    return bytes.length === 0 ? undefined : bytes;
  }

  /** False when the lease is not held. */
  async write(name: string, { bytes, ttlMs, onlyIfAbsent, lease }: Write): Promise<boolean> {
    if (lease === undefined) {
      await this.#connection.call('set', () => this.#set(name, bytes, ttlMs, onlyIfAbsent));
      return true;
    }
    const args = [lease.fence, bytes, ttlMs, onlyIfAbsent ? '1' : '0'];
    const written = await this.#connection.script('set', setIfHeld, [lease.name, name], args);
    if (written !== undefined) return written === 1;
    const held = await this.#connection.call('set', () => this.#redis.get(lease.name));
    if (held !== lease.fence) return false;
    await this.#connection.call('set', () => this.#set(name, bytes, ttlMs, onlyIfAbsent));
    return true;
  }

  async drop(name: string): Promise<boolean> {
    return (await this.#connection.call('delete', () => this.#redis.unlink(name))) > 0;
  }

  /** Drops a value, unless another stands there by now; false too where the user may not run scripts. */
  async dropIfSame(name: string, bytes: Buffer): Promise<boolean> {
    const head = bytes.subarray(0, headLength);
    const args = [this.#maxBytes + 1, bytes.length, head];
    return (await this.#connection.script('delete', dropIfSame, [name], args)) === 1;
  }

  async keep(name: string, ttlMs: number): Promise<void> {
    await this.#connection.call('get', () => this.#redis.pexpire(name, ttlMs));
  }

  /** Walks the names of entries, all or of one scope, at every master, in at most `mostCommands` commands. O(keys of the database). */
  async scan(
    scope: string | undefined,
    visit: (names: string[]) => Promise<void>,
    mostCommands = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const escaped = this.#prefix.replace(/[*?[\]\\^]/g, '\\$&');
    const pattern = `${escaped}:${scope ?? '*'}:{*`;
    const { masters } = this.#connection;
    if (masters.length === 0)
      throw new TierError('redis', 'scan', 'no master is known', { kind: 'connection' });
    let commands = 0;
    for (const node of masters) {
      let cursor = '0';
      do {
        const [next, names] = await this.#connection.call('scan', () =>
          node.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount),
        );
        await visit(names.filter((name) => this.#isOurs(name)));
        cursor = next;
      } while (cursor !== '0' && ++commands < mostCommands);
    }
  }

  /** Bytes of memory that a value takes; 0 when it is gone. */
  async memory(name: string): Promise<number> {
    return (await this.#connection.call('size', () => this.#redis.memory('USAGE', name))) ?? 0;
  }

  /** A prefix may begin with ours (`llm-cache` and `llm-cache:eu`), and a shifted reply may name anything. */
  #isOurs(name: string): boolean {
    const { length } = this.#prefix;
    return (
      name.startsWith(`${this.#prefix}:`) && /^[0-9a-f]{64}:\{[0-9a-f]{64}\}$/.test(name.slice(length + 1))
    );
  }

  get #redis(): RedisNode {
    return this.#connection.client as RedisNode;
  }

  #set(name: string, bytes: Buffer, ttlMs: number, onlyIfAbsent: boolean): Promise<unknown> {
    return onlyIfAbsent
      ? this.#redis.set(name, bytes, 'PX', ttlMs, 'NX')
      : this.#redis.set(name, bytes, 'PX', ttlMs);
  }
}
