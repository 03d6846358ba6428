// How entries and records become bytes and come back checked; tiers, vectordb and ingest import it. The only importer of msgpackr.
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import type { Entry } from '../core/entry.js';
import { CodecError, describe, InvalidArgumentError } from '../core/errors.js';
import type { Scope } from '../core/scope.js';

// Entry layout, little endian:
//   0 magic · 4 format version · 8 createdAtMs, 16 expiresAtMs, 24 epoch (f64) · 32 key · 64 scope · 96 embedder's fingerprint ·
//   128 vector length, question bytes, label bytes, value bytes (4 x u32) · 144 CRC-32 of everything else · 148 vector (float32) ·
//   question (UTF-8) · labels (MessagePack of [tags, sources, costMs, staleAtMs, recording, usage], nothing when there are none) · value (MessagePack)
const magic = 0x3143544c;
const formatVersion = 2;
// The same with staleAtMs or a recording: who cannot read these would serve what is stale, and must not read the rest.
const extendedVersion = 3;
const createdOffset = 8;
const expiresOffset = 16;
const epochOffset = 24;
const keyOffset = 32;
const scopeOffset = 64;
const embedderOffset = 96;
const lengthsOffset = 128;
const checksumOffset = 144;
const headerLength = 148;

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
  const { vector, tags = [], sources = [], costMs, staleAtMs, recording, usage } = entry;
  const value = encodeValue(entry.value);
  const question = Buffer.from(entry.question, 'utf8');
  const isExtended = staleAtMs !== undefined || recording !== undefined;
  const hasRest = isExtended || usage !== undefined;
  const hasLabels = hasRest || tags.length + sources.length > 0 || costMs !== undefined;
  const tokens = usage === undefined ? [] : [[usage.inputTokens, usage.outputTokens]];
  // Who does not know of usage reads what stands before it.
  const all = [costMs ?? null, staleAtMs ?? null, recording ?? null, ...tokens];
  const rest = hasRest ? all : costMs === undefined ? [] : [costMs];
  const labels = hasLabels ? encodeValue([tags, sources, ...rest], 'tags') : new Uint8Array();
  const parts = [vector === undefined ? new Uint8Array() : asBytes(vector), question, labels, value];
  const length = parts.reduce((sum, part) => sum + part.length, headerLength);
  const bytes = Buffer.from(new ArrayBuffer(length));
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt32LE(isExtended ? extendedVersion : formatVersion, 4);
  bytes.writeDoubleLE(entry.createdAtMs, createdOffset);
  bytes.writeDoubleLE(entry.expiresAtMs, expiresOffset);
  bytes.writeDoubleLE(entry.epoch, epochOffset);
  bytes.write(entry.key, keyOffset, 'hex');
  bytes.write(entry.scope, scopeOffset, 'hex');
  bytes.write(entry.embedder, embedderOffset, 'hex');
  bytes.writeUInt32LE(vector?.length ?? 0, lengthsOffset);
  bytes.writeUInt32LE(question.length, lengthsOffset + 4);
  bytes.writeUInt32LE(labels.length, lengthsOffset + 8);
  bytes.writeUInt32LE(value.length, lengthsOffset + 12);
  let at = headerLength;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  bytes.writeUInt32LE(checksum(bytes), checksumOffset);
  return bytes;
}

/**
 * Reads an entry and checks that it is whole and the one asked for: another key, scope or embedder, a flipped bit or a foreign
 * format is an error, never a wrong answer.
 * @throws {CodecError} ERR_LLM_CACHE_CODEC
 */
export function decodeEntry(bytes: Buffer, key: string, scope: Pick<Scope, 'id' | 'embedder'>): Entry {
  if (bytes.length < headerLength || bytes.readUInt32LE(0) !== magic)
    throw new CodecError('the bytes are no entry');
  const version = bytes.readUInt32LE(4);
  if (version !== formatVersion && version !== extendedVersion)
    throw new CodecError(
      `entry format ${version}, this version reads ${formatVersion} and ${extendedVersion}`,
    );
  const questionStart = headerLength + bytes.readUInt32LE(lengthsOffset) * 4;
  const labelsStart = questionStart + bytes.readUInt32LE(lengthsOffset + 4);
  const valueStart = labelsStart + bytes.readUInt32LE(lengthsOffset + 8);
  if (valueStart + bytes.readUInt32LE(lengthsOffset + 12) !== bytes.length) {
    throw new CodecError(`an entry of ${bytes.length} bytes does not have the length it states`);
  }
  if (bytes.readUInt32LE(checksumOffset) !== checksum(bytes))
    throw new CodecError('the checksum of an entry is wrong');
  const checkField = (name: string, start: number, expected: string) => {
    if (bytes.toString('hex', start, start + 32) === expected) return;
    throw new CodecError(`an entry carries another ${name}`, { foreign: true });
  };
  checkField('key', keyOffset, key);
  checkField('scope', scopeOffset, scope.id);
  checkField('embedder', embedderOffset, scope.embedder);
  return {
    key,
    scope: scope.id,
    embedder: scope.embedder,
    question: bytes.toString('utf8', questionStart, labelsStart),
    ...(questionStart > headerLength
      ? { vector: toVector(bytes.subarray(headerLength, questionStart)) }
      : {}),
    value: decodeValue(bytes.subarray(valueStart)),
    createdAtMs: bytes.readDoubleLE(createdOffset),
    expiresAtMs: bytes.readDoubleLE(expiresOffset),
    epoch: bytes.readDoubleLE(epochOffset),
    ...decodeLabels(bytes.subarray(labelsStart, valueStart)),
  };
}

type Labels = [
  string[]?,
  string[]?,
  (number | null)?,
  (number | null)?,
  (Entry['recording'] | null)?,
  [number, number]?,
];

function decodeLabels(
  bytes: Buffer,
): Pick<Entry, 'tags' | 'sources' | 'costMs' | 'staleAtMs' | 'recording' | 'usage'> {
  if (bytes.length === 0) return {};
  const [tags = [], sources = [], costMs, staleAtMs, recording, usage] = decodeValue(bytes) as Labels;
  return {
    ...(tags.length > 0 ? { tags } : {}),
    ...(sources.length > 0 ? { sources } : {}),
    ...(costMs == null ? {} : { costMs }),
    ...(staleAtMs == null ? {} : { staleAtMs }),
    ...(recording == null ? {} : { recording }),
    ...(usage == null ? {} : { usage: { inputTokens: usage[0], outputTokens: usage[1] } }),
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
  return asBytes(vector).slice();
}

function asBytes(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

/** A vector from bytes at any alignment; always a copy. */
export function toVector(bytes: Uint8Array): Float32Array {
  // Not `bytes.slice()`: a Buffer's is a view.
  return new Float32Array(Uint8Array.prototype.slice.call(bytes).buffer);
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(headerLength), crc32(bytes.subarray(0, checksumOffset)));
}
