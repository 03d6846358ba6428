// How entries and records become bytes and come back checked; tiers, vectordb and ingest import it. The only importer of msgpackr.
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import type { Entry } from '../core/entry.js';
import { CodecError, describe, InvalidArgumentError } from '../core/errors.js';

// Entry layout, little endian:
//   0 magic · 4 format version · 8 createdAtMs f64 · 16 expiresAtMs f64 · 24 key · 56 scope · 88 vector length, question bytes,
//   value bytes (3 x u32) · 100 CRC-32 of everything else · 104 vector (float32) · question (UTF-8) · value (MessagePack)
const magic = 0x3143544c;
const formatVersion = 1;
const expiresOffset = 16;
const keyOffset = 24;
const scopeOffset = 56;
const lengthsOffset = 88;
const checksumOffset = 100;
const headerLength = 104;

// Shared record structures would make one value undecodable without another: each message stands alone.
const packr = new Packr({ useRecords: true, moreTypes: true, structuredClone: true });

/** Largest value taken, in bytes of MessagePack: 64 MiB. */
export const maxValueBytes = 64 << 20;

/**
 * MessagePack of a value; `Date`, `Map`, `Set`, `bigint` and typed arrays come back as what they were.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for undefined, functions, symbols, and values over 64 MiB.
 */
export function encodeValue(value: unknown, argument = 'value'): Uint8Array {
  refuseUnserialisable(value, argument, 0, new Set());
  let bytes: Uint8Array;
  try {
    bytes = packr.pack(value);
  } catch (error) {
    throw new InvalidArgumentError(argument, 'a value that MessagePack can carry', value, { cause: error });
  }
  if (bytes.length > maxValueBytes) {
    throw new InvalidArgumentError(
      argument,
      `at most ${maxValueBytes} bytes when encoded`,
      `${bytes.length} bytes`,
    );
  }
  return Uint8Array.prototype.slice.call(bytes);
}

const deepest = 200;

function refuseUnserialisable(value: unknown, path: string, depth: number, seen: Set<object>): void {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') {
    throw new InvalidArgumentError(path, 'a serialisable value', value);
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  // Looked through already under another name: without this, lists of twice the same list take time exponential in their depth.
  if (seen.has(value)) return;
  if (depth > deepest)
    throw new InvalidArgumentError(path, `nested at most ${deepest} deep, without cycles`, value);
  if (!isPlain(value)) {
    throw new InvalidArgumentError(
      path,
      'plain data: an instance of a class would come back without it',
      value,
    );
  }
  const members = value instanceof Map || value instanceof Set ? value.values() : Object.values(value);
  for (const member of members) {
    if (member !== undefined) refuseUnserialisable(member, path, depth + 1, seen);
  }
  seen.add(value);
}

const carried = new Set<unknown>(
  [Object, Array, Map, Set, Date, ArrayBuffer, RegExp].map((kind) => kind.prototype),
);

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || carried.has(prototype) || value instanceof Error;
}

/** Reads what `encodeValue` wrote. @throws {CodecError} ERR_LLM_CACHE_CODEC */
export function decodeValue(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes);
  } catch (error) {
    throw new CodecError(`a value of ${bytes.length} bytes cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** An entry as self-checking bytes in memory of its own. Cost: one copy, about 2 microseconds a kilobyte. */
export function encodeEntry(entry: Entry): Uint8Array<ArrayBuffer> {
  const value = encodeValue(entry.value);
  const question = Buffer.from(entry.question, 'utf8');
  const vector = entry.vector;
  const vectorBytes = vector === undefined ? 0 : vector.byteLength;
  const bytes = Buffer.from(new ArrayBuffer(headerLength + vectorBytes + question.length + value.length));
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt32LE(formatVersion, 4);
  bytes.writeDoubleLE(entry.createdAtMs, 8);
  bytes.writeDoubleLE(entry.expiresAtMs, expiresOffset);
  bytes.write(entry.key, keyOffset, 'hex');
  bytes.write(entry.scope, scopeOffset, 'hex');
  bytes.writeUInt32LE(vector?.length ?? 0, lengthsOffset);
  bytes.writeUInt32LE(question.length, lengthsOffset + 4);
  bytes.writeUInt32LE(value.length, lengthsOffset + 8);
  if (vector !== undefined)
    bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vectorBytes), headerLength);
  bytes.set(question, headerLength + vectorBytes);
  bytes.set(value, headerLength + vectorBytes + question.length);
  bytes.writeUInt32LE(checksum(bytes), checksumOffset);
  return bytes;
}

/**
 * Reads an entry and checks that it is whole and the one asked for: another key or scope, a flipped bit or a foreign format is
 * an error, never a wrong answer.
 * @throws {CodecError} ERR_LLM_CACHE_CODEC
 */
export function decodeEntry(bytes: Buffer, key: string, scope: string): Entry {
  if (bytes.length < headerLength || bytes.readUInt32LE(0) !== magic)
    throw new CodecError('the bytes are no entry');
  const version = bytes.readUInt32LE(4);
  if (version !== formatVersion)
    throw new CodecError(`entry format ${version}, this version reads ${formatVersion}`);
  const vectorBytes = bytes.readUInt32LE(lengthsOffset) * 4;
  const questionEnd = headerLength + vectorBytes + bytes.readUInt32LE(lengthsOffset + 4);
  if (questionEnd + bytes.readUInt32LE(lengthsOffset + 8) !== bytes.length) {
    throw new CodecError(`an entry of ${bytes.length} bytes does not have the length it states`);
  }
  if (bytes.readUInt32LE(checksumOffset) !== checksum(bytes))
    throw new CodecError('the checksum of an entry is wrong');
  if (bytes.toString('hex', keyOffset, scopeOffset) !== key) {
    throw new CodecError('an entry carries another key', { foreign: true });
  }
  if (bytes.toString('hex', scopeOffset, lengthsOffset) !== scope) {
    throw new CodecError('an entry carries another scope', { foreign: true });
  }
  const questionStart = headerLength + vectorBytes;
  return {
    key,
    scope,
    question: bytes.toString('utf8', questionStart, questionEnd),
    ...(vectorBytes > 0 ? { vector: toVector(bytes.subarray(headerLength, questionStart)) } : {}),
    value: decodeValue(bytes.subarray(questionEnd)),
    createdAtMs: bytes.readDoubleLE(8),
    expiresAtMs: bytes.readDoubleLE(expiresOffset),
  };
}

/** When the entry in these bytes expires, without reading the rest; 0 for bytes that are no entry. */
export function expiryOf(bytes: Buffer): number {
  return bytes.length >= headerLength && bytes.readUInt32LE(0) === magic
    ? bytes.readDoubleLE(expiresOffset)
    : 0;
}

/** A plain record with a checksum in front. */
export function encodeRecord(record: object): Uint8Array<ArrayBuffer> {
  const body = encodeValue(record, 'record');
  const bytes = Buffer.from(new ArrayBuffer(4 + body.length));
  bytes.writeUInt32LE(crc32(body), 0);
  bytes.set(body, 4);
  return bytes;
}

/** Reads what `encodeRecord` wrote. @throws {CodecError} ERR_LLM_CACHE_CODEC */
export function decodeRecord<T extends object>(bytes: Buffer): T {
  const body = bytes.subarray(4);
  if (bytes.length < 4 || bytes.readUInt32LE(0) !== crc32(body))
    throw new CodecError('the checksum of a record is wrong');
  const record = decodeValue(body);
  if (typeof record !== 'object' || record === null) throw new CodecError(`a record is ${describe(record)}`);
  return record as T;
}

/** The bytes of a vector in memory of their own. */
export function vectorBytes(vector: Float32Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength).slice();
}

/** A vector from bytes at any alignment; always a copy. */
export function toVector(bytes: Uint8Array): Float32Array {
  // Not `bytes.slice()`: a Buffer's is a view.
  return new Float32Array(Uint8Array.prototype.slice.call(bytes).buffer);
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(headerLength), crc32(bytes.subarray(0, checksumOffset)));
}
