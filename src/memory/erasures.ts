// Remembers what is being forgotten, so that a process that dies meanwhile leaves nothing half forgotten. For memory/ alone.
import type { Environment, Operation } from '../disk/environment.js';
import { type Indexed, idOfKey, sessionKey } from './log.js';

const database = 'memory-erasures';
const perWrite = 1000;

/** Messages of a session that are to be erased everywhere: known before the first of it is done, until all of it is. */
export class Erasures {
  readonly #environment: Environment;
  readonly #scope: string;

  constructor(environment: Environment, scope: string) {
    this.#environment = environment;
    this.#scope = scope;
  }

  /** What an earlier process began and did not end. */
  pending(): Indexed[] {
    const entries = this.#environment.reader(database).entries(sessionKey(this.#scope));
    return [...entries].map(([key, value]) => ({ id: idOfKey(key), parts: Number(value.toString()) }));
  }

  async begin(messages: readonly Indexed[]): Promise<void> {
    await this.#write(messages, ({ id, parts }) => {
      const value = new TextEncoder().encode(String(parts));
      return { kind: 'put', database, key: sessionKey(this.#scope, id), value };
    });
  }

  async end(messages: readonly Indexed[]): Promise<void> {
    await this.#write(messages, ({ id }) => ({ kind: 'remove', database, key: sessionKey(this.#scope, id) }));
  }

  async #write(messages: readonly Indexed[], toOperation: (message: Indexed) => Operation): Promise<void> {
    for (let at = 0; at < messages.length; at += perWrite) {
      await this.#environment.write(messages.slice(at, at + perWrite).map(toOperation));
    }
  }
}
