// Which documents expire when, in a database of the environment; documents.ts imports it.
import type { Environment, Operation, Reader } from '../disk/environment.js';

// A record is its key alone: the time, big-endian so that records sort by it, and the document's stored key.
const timeBytes = 8;

/** Remembers the times at which documents expire. A record may outlive its time's meaning: the document itself has the last word. */
export class Expiries {
  readonly #database: string;
  readonly #reader: Reader;

  constructor(environment: Environment, name: string) {
    this.#database = `${name}-expiries`;
    this.#reader = environment.reader(this.#database);
  }

  /** What to write along with a document that expires. */
  note(key: Uint8Array, expiresAtMs: number): Operation {
    const record = Buffer.from(new ArrayBuffer(timeBytes + key.length));
    record.writeDoubleBE(expiresAtMs, 0);
    record.set(key, timeBytes);
    return { kind: 'put', database: this.#database, key: record, value: new Uint8Array() };
  }

  /** Up to `most` documents whose time has come, soonest first, each with the removal of its record. */
  due(nowMs: number, most: number): { key: Buffer; removal: Operation }[] {
    const found: { key: Buffer; removal: Operation }[] = [];
    for (const [record] of this.#reader.entries()) {
      if (found.length === most || record.readDoubleBE(0) > nowMs) break;
      const own = Buffer.from(record);
      const removal: Operation = { kind: 'remove', database: this.#database, key: own };
      found.push({ key: own.subarray(timeBytes), removal });
    }
    return found;
  }
}
