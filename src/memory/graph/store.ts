// The records of one conversation in LMDB. For graph.ts.
import { randomBytes } from 'node:crypto';
import { CodecError } from '../../core/errors.js';
import type { Environment, Operation, Reader } from '../../disk/environment.js';
import { type MessageRecord, packRecord, unpackRecord } from './record.js';

const database = 'memory-graph';
const recordMark = 1;
const headMark = 0;
const eraLength = 16;

/** A record and its place. */
export interface Placed {
  readonly sequence: number;
  readonly record: MessageRecord;
}

/** Where a conversation stands; every write changes it, on condition that it is still the one that the writer knew. */
export interface Head {
  /** Another one after each removal: whoever knows another era reads everything anew. */
  readonly era: string;
  /** The greatest sequence number ever given. */
  readonly last: number;
  /** As stored; undefined before the first write. */
  readonly bytes: Buffer | undefined;
}

/** Keys are the scope, a mark and the sequence number, so no conversation reads another's. */
export class GraphStore {
  readonly #environment: Environment;
  readonly #reader: Reader;
  readonly #scope: Buffer;

  constructor(environment: Environment, scope: string) {
    this.#environment = environment;
    this.#reader = environment.reader(database);
    this.#scope = Buffer.from(scope, 'hex');
  }

  head(): Head {
    const bytes = this.#reader.get(this.#key(headMark));
    if (bytes === undefined) return { era: '', last: 0, bytes };
    return { era: bytes.toString('hex', 0, eraLength), last: bytes.readUIntBE(eraLength, 6), bytes };
  }

  /** Up to `most` records after a sequence number; `last` is that of the last one looked at, damaged ones included. */
  page(
    after: number,
    most: number,
  ): { readonly placed: readonly Placed[]; readonly last: number; readonly done: boolean } {
    const placed: Placed[] = [];
    let last = after;
    let seen = 0;
    for (const [key, value] of this.#reader.entries(this.#key(recordMark), this.#recordKey(after))) {
      last = key.readUIntBE(this.#scope.length + 3, 6);
      try {
        placed.push({ sequence: last, record: unpackRecord(value) });
      } catch (error) {
        // One unreadable message must not take the conversation with it.
        if (!(error instanceof CodecError)) throw error;
      }
      if (++seen === most) return { placed, last, done: false };
    }
    return { placed, last, done: true };
  }

  /** Writes the next record in one transaction, and takes others away in the same; false when the head is another one. */
  put(head: Head, record: MessageRecord, instead: readonly number[]): Promise<boolean> {
    const sequence = head.last + 1;
    const era = instead.length === 0 && head.era !== '' ? head.era : newEra();
    const put = { kind: 'put', database, key: this.#recordKey(sequence), value: packRecord(record) } as const;
    return this.#write(head, { era, last: sequence }, [put, ...this.#removals(instead)]);
  }

  /** Takes records away in one transaction; false when the head is another one. */
  remove(head: Head, sequences: readonly number[]): Promise<boolean> {
    return this.#write(head, { era: newEra(), last: head.last }, this.#removals(sequences));
  }

  /** Takes all records away in one transaction; false when the head is another one. */
  clear(head: Head): Promise<boolean> {
    const all = { kind: 'clear', database, prefix: this.#key(recordMark) } as const;
    return this.#write(head, { era: newEra(), last: head.last }, [all]);
  }

  #write(
    known: Head,
    { era, last }: Omit<Head, 'bytes'>,
    operations: readonly Operation[],
  ): Promise<boolean> {
    const key = this.#key(headMark);
    const value = Buffer.alloc(eraLength + 6);
    value.write(era, 'hex');
    value.writeUIntBE(last, eraLength, 6);
    const head = { kind: 'put', database, key, value: Uint8Array.from(value) } as const;
    const held = known.bytes && Uint8Array.from(known.bytes);
    return this.#environment.write([...operations, head], { database, key, value: held });
  }

  #removals(sequences: readonly number[]): Operation[] {
    return sequences.map((sequence) => ({ kind: 'remove', database, key: this.#recordKey(sequence) }));
  }

  #key(mark: number): Uint8Array {
    return Uint8Array.from([...this.#scope, mark]);
  }

  #recordKey(sequence: number): Uint8Array {
    const key = Buffer.alloc(this.#scope.length + 9);
    this.#scope.copy(key);
    key.writeUInt8(recordMark, this.#scope.length);
    key.writeUIntBE(Math.max(0, sequence), this.#scope.length + 3, 6);
    return Uint8Array.from(key);
  }
}

/** Random, since two processes may remove at the same moment. */
function newEra(): string {
  return randomBytes(eraLength).toString('hex');
}
