// The messages of one session in the order of time: the contract, and the log in the cache directory. For memory/ and open-memory.ts.
import { CodecError } from '../core/errors.js';
import type { MaybePromise } from '../core/tier.js';
import { decodeRecord, encodeRecord } from '../disk/codec.js';
import type { Environment, Operation, Reader } from '../disk/environment.js';
import type { StoredMessage } from './types.js';

/** What a follower of a log has to do: index a message, remove one, or remove all. */
export type LogChange =
  | { readonly kind: 'add'; readonly id: string }
  | { readonly kind: 'forget'; readonly id: string; readonly parts: number }
  | { readonly kind: 'clear' };

/** A message's id and how many pieces it was cut into. */
export type Indexed = Pick<StoredMessage, 'id' | 'parts'>;

/** The messages of one session. */
export interface MessageLog {
  /** Resolves when the message is as durable as the log can make it. */
  add(message: StoredMessage): Promise<void>;
  /** In the order of the ids; undefined for what is not there. */
  get(ids: readonly string[]): MaybePromise<readonly (StoredMessage | undefined)[]>;
  /** Up to `limit` messages that come last, or last before an id, in the order of time. */
  before(id: string | undefined, limit: number): MaybePromise<readonly StoredMessage[]>;
  /** Up to `limit` messages that come first after an id, in the order of time. */
  after(id: string, limit: number): MaybePromise<readonly StoredMessage[]>;
  remove(messages: readonly Indexed[]): Promise<void>;
  clear(): Promise<void>;
  /** What was changed after the cursor, some 1,000 changes at a time; nothing for a log that no other machine writes to. */
  changes(cursor: string): MaybePromise<{ readonly changes: readonly LogChange[]; readonly cursor: string }>;
  close(): Promise<void>;
}

const messagesDatabase = 'memory-messages';

/** A key of a session in a database of the environment: the scope's 32 bytes and an id. */
export function sessionKey(scope: string, id = ''): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat([Buffer.from(scope, 'hex'), Buffer.from(id, 'latin1')]));
}

/** The id within such a key. */
export function idOfKey(key: Buffer): string {
  return key.toString('latin1', 32);
}

/** A log in the cache directory. What was added survives `kill -9` and loss of power. */
export function diskLog(environment: Environment, scope: string): MessageLog {
  const database = messagesDatabase;
  const reader: Reader = environment.reader(database);
  const prefix = sessionKey(scope);
  const keyOf = (id: string) => sessionKey(scope, id);
  const take = (entries: Iterable<[Buffer, Buffer]>, limit: number): StoredMessage[] => {
    const found: StoredMessage[] = [];
    if (limit < 1) return found;
    for (const [key, bytes] of entries) {
      const message = decodeMessage(bytes, idOfKey(key));
      if (message !== undefined && found.push(message) === limit) break;
    }
    return found;
  };
  return {
    async add(message) {
      const value = encodeRecord(message);
      await environment.write([{ kind: 'put', database, key: keyOf(message.id), value }]);
    },
    get: (ids) => ids.map((id) => decodeMessage(reader.get(keyOf(id)), id)),
    before(id, limit) {
      const upTo = id === undefined ? undefined : keyOf(id);
      return take(reader.backwards(prefix, upTo), limit).reverse();
    },
    after: (id, limit) => take(reader.entries(prefix, keyOf(id)), limit),
    async remove(messages) {
      const removals = messages.map(({ id }): Operation => ({ kind: 'remove', database, key: keyOf(id) }));
      await environment.write(removals);
    },
    async clear() {
      await environment.write([{ kind: 'clear', database, prefix }]);
    },
    changes: (cursor) => ({ changes: [], cursor }),
    async close() {},
  };
}

/** A message from its bytes; undefined when there is none, or what is there is damaged or another. */
export function decodeMessage(bytes: Buffer | undefined | null, id: string): StoredMessage | undefined {
  try {
    const message = bytes ? decodeRecord<StoredMessage>(bytes) : undefined;
    return message?.id === id ? message : undefined;
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
