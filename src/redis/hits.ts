// Which entries are asked for most, counted here and summed in Redis; the Redis tier and stores.ts import it.
import type { Clock } from '../core/clock.js';
import type { Key } from '../core/entry.js';
import type { RedisConnection, RedisNode } from './connection.js';

/** An entry and how often it was found. */
export interface Popular {
  readonly key: Key;
  /** Digest of its scope: 64 hexadecimal digits. */
  readonly scope: string;
  /** Times, by all processes, as far as they were told. */
  readonly hits: number;
}

const flushEveryMs = 5_000;
// What one burst may cost the event loop: about 5 ms. Of more names in five seconds each is asked for too seldom to matter.
const mostPending = 500;
const mostKept = 10_000;

/** Counts hits in memory and brings them to Redis in one burst now and then. Losing some is no harm, so every failure is silent. */
export class Hits {
  readonly #connection: RedisConnection;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #pending = new Map<string, number>();
  #flushedMs: number;

  constructor(connection: RedisConnection, name: string, clock: Clock) {
    this.#connection = connection;
    this.#name = name;
    this.#clock = clock;
    this.#flushedMs = clock.mono();
  }

  /** Notes hits. */
  add(scope: string, key: Key, hits = 1): void {
    const member = `${scope}:${key}`;
    const count = this.#pending.get(member);
    if (count !== undefined || this.#pending.size < mostPending)
      this.#pending.set(member, (count ?? 0) + hits);
    if (this.#clock.mono() - this.#flushedMs >= flushEveryMs) void this.flush();
  }

  /** Brings what was noted to Redis. Never rejects. */
  async flush(): Promise<void> {
    this.#flushedMs = this.#clock.mono();
    const noted = [...this.#pending];
    this.#pending.clear();
    if (noted.length === 0 || !this.#connection.isReady) return;
    const redis = this.#connection.client as RedisNode;
    const commands = noted.map(
      ([member, count]) =>
        () =>
          redis.zincrby(this.#name, count, member) as Promise<unknown>,
    );
    commands.push(() => redis.zremrangebyrank(this.#name, 0, -mostKept - 1));
    await Promise.allSettled(commands.map((command) => this.#connection.call('hits', command)));
  }

  /** Multiplies all counts by a factor, and drops what falls below a half. Never rejects. */
  async decay(factor: number): Promise<void> {
    const redis = this.#connection.client as RedisNode;
    await this.#quietly(() => redis.zunionstore(this.#name, 1, this.#name, 'WEIGHTS', factor));
    await this.#quietly(() => redis.zremrangebyscore(this.#name, '-inf', '(0.5'));
  }

  /** Forgets one entry, or all; those of one scope are left to age. Never rejects. */
  async forget(scope?: string, key?: Key): Promise<void> {
    const redis = this.#connection.client as RedisNode;
    if (key !== undefined) {
      this.#pending.delete(`${scope}:${key}`);
      await this.#quietly(() => redis.zrem(this.#name, `${scope}:${key}`));
    } else if (scope === undefined) {
      this.#pending.clear();
      await this.#quietly(() => redis.unlink(this.#name));
    }
  }

  async #quietly(command: () => Promise<unknown>): Promise<void> {
    if (this.#connection.isReady) await this.#connection.call('hits', command).catch(() => {});
  }

  /** The `count` entries found most often, first the most often. @throws {TierError} ERR_LLM_CACHE_TIER */
  async popular(count: number): Promise<Popular[]> {
    await this.flush();
    const redis = this.#connection.client as RedisNode;
    const flat = await this.#connection.call('popular', () =>
      redis.zrevrange(this.#name, 0, Math.min(count, mostKept) - 1, 'WITHSCORES'),
    );
    const found: Popular[] = [];
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const [, scope, key] = /^([0-9a-f]{64}):([0-9a-f]{64})$/.exec(flat[i] as string) ?? [];
      if (scope !== undefined && key !== undefined) found.push({ key, scope, hits: Number(flat[i + 1]) });
    }
    return found;
  }
}
