// A batch as one run of bytes, which goes to the writer thread without being cloned object by object. writer.ts and writer-worker.ts import it.
import type { Batch, Condition, Operation } from './writer.js';

// Layout, little endian: id f64 · condition u8 (0 none, 1 absent, 2 value) with database, key and value · number of operations u32 · operations.
// An operation: its kind u8 (place in `kinds`), its fields in the order of their type. Bytes: length u32 and themselves; a database's name:
// length u8 and latin1.
const kinds = ['put', 'remove', 'clear', 'append', 'sweep'] as const;

/** The batch in memory of its own, so that the caller may go on with its buffers. @throws {RangeError} for a name of over 255 characters */
export function packBatch({ id, operations, condition }: Batch): ArrayBuffer {
  let size = 13 + (condition === undefined ? 0 : sizeOfCondition(condition));
  for (const operation of operations) size += sizeOf(operation);
  const packer = new Packer(size);
  packer.number(id);
  packer.byte(condition === undefined ? 0 : condition.value === undefined ? 1 : 2);
  if (condition !== undefined) {
    packer.name(condition.database);
    packer.bytes(condition.key);
    if (condition.value !== undefined) packer.bytes(condition.value);
  }
  packer.count(operations.length);
  for (const operation of operations) pack(packer, operation);
  return packer.buffer;
}

/** What `packBatch` was given; its bytes are views of the buffer. */
export function unpackBatch(buffer: ArrayBuffer): Batch {
  const unpacker = new Unpacker(buffer);
  const id = unpacker.number();
  const how = unpacker.byte();
  let condition: Condition | undefined;
  if (how > 0) {
    const database = unpacker.name();
    const key = unpacker.bytes();
    condition = { database, key, ...(how === 2 && { value: unpacker.bytes() }) };
  }
  const operations = Array.from({ length: unpacker.count() }, () => unpack(unpacker));
  return { id, operations, condition };
}

function sizeOfCondition({ database, key, value }: Condition): number {
  return 5 + database.length + key.length + (value === undefined ? 0 : 4 + value.length);
}

function sizeOf(operation: Operation): number {
  const size = 2 + operation.database.length;
  switch (operation.kind) {
    case 'put':
      return size + 8 + operation.key.length + operation.value.length;
    case 'remove':
      return size + 4 + operation.key.length;
    case 'clear':
      return size + 4 + operation.prefix.length;
    case 'append':
      return size + 20 + operation.value.length;
    case 'sweep':
      return size + 25 + operation.expiries.length;
  }
}

function pack(packer: Packer, operation: Operation): void {
  packer.byte(kinds.indexOf(operation.kind));
  packer.name(operation.database);
  switch (operation.kind) {
    case 'put':
      packer.bytes(operation.key);
      packer.bytes(operation.value);
      break;
    case 'remove':
      packer.bytes(operation.key);
      break;
    case 'clear':
      packer.bytes(operation.prefix);
      break;
    case 'append':
      packer.bytes(operation.value);
      packer.number(operation.least);
      packer.number(operation.most);
      break;
    case 'sweep':
      packer.name(operation.expiries);
      packer.number(operation.nowMs);
      packer.number(operation.most);
      packer.number(operation.maxBytes);
      break;
  }
}

function unpack(unpacker: Unpacker): Operation {
  const kind = kinds[unpacker.byte()];
  const database = unpacker.name();
  switch (kind) {
    case 'put':
      return { kind, database, key: unpacker.bytes(), value: unpacker.bytes() };
    case 'remove':
      return { kind, database, key: unpacker.bytes() };
    case 'clear':
      return { kind, database, prefix: unpacker.bytes() };
    case 'append':
      return {
        kind,
        database,
        value: unpacker.bytes(),
        least: unpacker.number(),
        most: unpacker.number(),
      };
    case 'sweep':
      return {
        kind,
        database,
        expiries: unpacker.name(),
        nowMs: unpacker.number(),
        most: unpacker.number(),
        maxBytes: unpacker.number(),
      };
    default:
      throw new RangeError('no such operation');
  }
}

class Packer {
  readonly buffer: ArrayBuffer;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.buffer = new ArrayBuffer(size);
    this.#bytes = Buffer.from(this.buffer);
  }

  byte(value: number): void {
    this.#at = this.#bytes.writeUInt8(value, this.#at);
  }

  count(value: number): void {
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  number(value: number): void {
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  name(name: string): void {
    this.byte(name.length);
    this.#at += this.#bytes.write(name, this.#at, 'latin1');
  }

  bytes(bytes: Uint8Array): void {
    this.count(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}

class Unpacker {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(buffer: ArrayBuffer) {
    this.#bytes = Buffer.from(buffer);
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++);
  }

  count(): number {
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  number(): number {
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  name(): string {
    const length = this.byte();
    this.#at += length;
    return this.#bytes.toString('latin1', this.#at - length, this.#at);
  }

  bytes(): Buffer {
    const length = this.count();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
