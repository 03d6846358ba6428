// The messages of one session in Redis, where several machines see them. open-memory.ts imports it.
import { TierError } from '../core/errors.js';
import { encodeRecord } from '../disk/codec.js';
import type { RedisConnection, RedisNode } from '../redis/connection.js';
import { Seal, type SealOptions } from '../redis/seal.js';
import { decodeMessage, type Indexed, type LogChange, type MessageLog } from './log.js';
import type { StoredMessage } from './types.js';

/** Where the log is, and how its messages are protected. */
export interface RedisLogOptions {
  /** Begins every key. Default `llm-cache`. */
  readonly keyPrefix?: string | undefined;
  /** Hard partition of the session: 64 hexadecimal digits. */
  readonly scope: string;
  readonly seal?: SealOptions | undefined;
}

const changesPerRead = 1000;

/**
 * A log in Redis (6 or newer): `<prefix>:memory:{<scope>}:messages` is a hash of messages by id, `…:order` a sorted set of the ids, `…:changes` a
 * stream of what was added and forgotten. Each write is one transaction. A message is as durable as the server makes it. The connection
 * stays open until after `close`. Needs HSET, HMGET, HDEL, ZADD, ZREM, ZRANGEBYLEX, ZREVRANGEBYLEX, XADD, XREAD, XTRIM, DEL, MULTI and EXEC.
 */
export function redisLog(connection: RedisConnection, options: RedisLogOptions): MessageLog {
  const { keyPrefix = 'llm-cache', scope, seal: sealed } = options;
  const seal = sealed && new Seal(sealed);
  const redis = connection.client as RedisNode;
  const key = (part: string) => `${keyPrefix}:memory:{${scope}}:${part}`;
  const [hash, order, changes] = [key('messages'), key('order'), key('changes')];

  const transact = async (operation: string, command: (all: ReturnType<RedisNode['multi']>) => unknown) => {
    const all = redis.multi();
    command(all);
    const replies = await connection.call(operation, () => all.exec());
    const failed =
      replies === null ? new Error('it was not carried out') : replies.find(([error]) => error)?.[0];
    if (failed) throw new TierError('redis', operation, failed.message, { cause: failed });
  };
  const get = async (ids: readonly string[]): Promise<(StoredMessage | undefined)[]> => {
    if (ids.length === 0) return [];
    const values = await connection.call('memory get', () => redis.hmgetBuffer(hash, ...ids));
    return ids.map((id, index) => {
      const value = values[index];
      if (!value) return undefined;
      return decodeMessage(seal === undefined ? value : seal.open(value, `${hash}/${id}`), id);
    });
  };
  const named = async (ids: readonly string[]) => (await get(ids)).filter((message) => message !== undefined);
  return {
    add(message) {
      const bytes = encodeRecord(message);
      const value = seal?.seal(bytes, `${hash}/${message.id}`) ?? Buffer.from(bytes.buffer);
      return transact('memory add', (all) =>
        all.hset(hash, message.id, value).zadd(order, 0, message.id).xadd(changes, '*', 'add', message.id),
      );
    },
    get,
    async before(id, limit) {
      const from = id === undefined ? '+' : `(${id}`;
      const ids = await connection.call('memory history', () =>
        redis.zrevrangebylex(order, from, '-', 'LIMIT', 0, limit),
      );
      return named(ids.reverse());
    },
    async after(id, limit) {
      return named(
        await connection.call('memory history', () =>
          redis.zrangebylex(order, `(${id}`, '+', 'LIMIT', 0, limit),
        ),
      );
    },
    remove(messages: readonly Indexed[]) {
      const ids = messages.map(({ id }) => id);
      return transact('memory forget', (all) => {
        all.hdel(hash, ...ids).zrem(order, ...ids);
        for (const { id, parts } of messages) all.xadd(changes, '*', 'forget', `${id}:${parts}`);
      });
    },
    clear() {
      // Trimmed, not deleted: the stream must go on counting where followers stand.
      return transact('memory clear', (all) =>
        all.del(hash, order).xtrim(changes, 'MAXLEN', 0).xadd(changes, '*', 'clear', 'all'),
      );
    },
    async changes(cursor) {
      const streams = await connection.call('memory changes', () =>
        redis.xread('COUNT', changesPerRead, 'STREAMS', changes, cursor),
      );
      const entries = streams?.[0]?.[1] ?? [];
      const found = entries.map(([, fields]) => toChange(fields)).filter((change) => change !== undefined);
      return { changes: found, cursor: entries.at(-1)?.[0] ?? cursor };
    },
    async close() {},
  };
}

function toChange([kind = '', what = '']: readonly string[]): LogChange | undefined {
  if (kind === 'add') return { kind, id: what };
  if (kind === 'clear') return { kind };
  if (kind !== 'forget') return undefined;
  const colon = what.indexOf(':');
  return { kind, id: what.slice(0, colon), parts: Number(what.slice(colon + 1)) || 0 };
}
