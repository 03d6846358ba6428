// The records of one conversation in LMDB. For graph.ts.
import { CodecError } from '../../core/errors.js';
import type { Environment, Operation, Reader } from '../../disk/environment.js';
import { type MessageRecord, packRecord, unpackRecord } from './record.js';

const database = 'memory-graph';
const recordMark = 1;
const eraMark = 0;

/** A record and its place. */
export interface Placed {
  readonly sequence: number;
  readonly record: MessageRecord;
}

/**
 * Keys are the scope, a mark and the sequence number, so no conversation reads another's. Whatever takes records away changes the
 * era: a process that sees another era than it knows reads everything anew.
 */
export class GraphStore {
  readonly #environment: Environment;
  readonly #reader: Reader;
  readonly #scope: Buffer;

  constructor(environment: Environment, scope: string) {
    this.#environment = environment;
    this.#reader = environment.reader(database);
    this.#scope = Buffer.from(scope, 'hex');
  }

  /** Changes with every removal. */
  era(): string {
    return this.#reader.get(this.#key(eraMark))?.toString('hex') ?? '';
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

  /** Writes a record in one transaction, and takes others away in the same; false when the number is taken. */
  put({ sequence, record }: Placed, instead: readonly number[]): Promise<boolean> {
    const key = this.#recordKey(sequence);
    return this.#environment.write(
      [{ kind: 'put', database, key, value: packRecord(record) }, ...this.#removals(instead, sequence)],
      { database, key },
    );
  }

  /** Takes records away in one transaction. */
  async remove(sequences: readonly number[], mark: number): Promise<void> {
    await this.#environment.write(this.#removals(sequences, mark));
  }

  /** Takes all records away. */
  async clear(mark: number): Promise<void> {
    await this.#environment.write([
      { kind: 'clear', database, prefix: this.#key(recordMark) },
      this.#newEra(mark),
    ]);
  }

  #removals(sequences: readonly number[], mark: number): Operation[] {
    if (sequences.length === 0) return [];
    const removals = sequences.map(
      (sequence) => ({ kind: 'remove', database, key: this.#recordKey(sequence) }) as const,
    );
    return [...removals, this.#newEra(mark)];
  }

  #newEra(mark: number): Operation {
    const before = Buffer.from(this.era().padStart(16, '0'), 'hex').readBigUInt64BE();
    const value = Buffer.alloc(8);
    value.writeBigUInt64BE(BigInt.asUintN(64, before + 1n + BigInt(Math.max(0, mark))));
    return { kind: 'put', database, key: this.#key(eraMark), value: Uint8Array.from(value) };
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
