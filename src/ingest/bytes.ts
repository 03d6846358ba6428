// Bytes of a file or a stream, and the encoding they are in. For the readers.
import type { FileHandle } from 'node:fs/promises';
import { IngestError, InvalidArgumentError } from '../core/errors.js';

/** Bytes in blocks of any length. */
export type Blocks = AsyncIterable<Uint8Array>;

const readSize = 1 << 16;
const headBytes = 4096;
const encodings: readonly (readonly [mark: string, encoding: string, name: string])[] = [
  ['fffe', 'utf-16le', 'UTF-16'],
  ['feff', 'utf-16be', 'UTF-16'],
];

/** The bytes of a file that had `size` of them when it was opened, from its beginning, up to 64 KiB at a time. */
export async function* blocksOf(file: FileHandle, size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let position = 0; ; ) {
    // One byte more than are left: reading fewer says that this was the end, without asking again.
    const wanted = Math.min(readSize, Math.max(0, size - position) + 1);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, position);
    if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
    position += bytesRead;
    if (bytesRead === 0 || (bytesRead < wanted && position >= size)) return;
  }
}

/** The same blocks, until the signal aborts: whoever sends them may never send another. Rejects with the signal's reason. */
export async function* untilAborted(
  blocks: Blocks,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const iterator = blocks[Symbol.asyncIterator]();
  let onAbort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal?.reason);
  });
  aborted.catch(() => {});
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done) return;
      if (!(next.value instanceof Uint8Array)) {
        throw new InvalidArgumentError('input.bytes', 'a stream of Uint8Array', next.value);
      }
      yield next.value;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // Not awaited: it may wait for the block that does not come.
    iterator.return?.()?.catch(() => {});
  }
}

/** All bytes in one piece. @throws {IngestError} ERR_LLM_CACHE_INGEST when there are more than `most`, without holding them. */
export async function collect(blocks: Blocks, most: number): Promise<Buffer> {
  const held: Uint8Array[] = [];
  let length = 0;
  for await (const block of blocks) {
    length += block.length;
    if (length > most) throw new IngestError(tooLong(length, most));
    held.push(block);
  }
  return Buffer.concat(held, length);
}

/** Why a file is too long, in words. */
export function tooLong(length: number, most: number): string {
  return `${length} bytes are more than the ${most} that a file may have`;
}

/**
 * The text of a file: UTF-8, or what its byte order mark says; the mark is taken off.
 * @throws {IngestError} ERR_LLM_CACHE_INGEST for bytes that are no text.
 */
export function decodeText(bytes: Uint8Array): string {
  const [, encoding, name] = markOf(bytes) ?? ['', 'utf-8', 'UTF-8'];
  // Looked for in the bytes, where UTF-8 is expected: a binary file is rarely valid, and its kind says more than that.
  const zero = encoding === 'utf-8' ? bytes.indexOf(0) : -1;
  if (zero >= 0) throw new IngestError(`binary, not text: a NUL byte at offset ${zero}`);
  const text = decode(new TextDecoder(encoding, { fatal: true }), name, bytes);
  if (encoding !== 'utf-8' && text.includes('\0')) throw new IngestError('binary, not text: a NUL character');
  return text;
}

/**
 * The same bytes in UTF-8, whatever the byte order mark says; UTF-8 itself is passed on unread.
 * @throws {IngestError} ERR_LLM_CACHE_INGEST for what begins like a binary file, or is not in the encoding it claims.
 */
export async function* toUtf8(blocks: Blocks): AsyncGenerator<Buffer, void, undefined> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  for await (const block of withHead(blocks)) {
    if (block.first) {
      const mark = markOf(block.bytes);
      if (mark !== undefined) decoder = new TextDecoder(mark[1], { fatal: true });
      else if (block.bytes.subarray(0, headBytes).includes(0)) throw new IngestError('binary, not text');
    }
    yield decoder === undefined
      ? Buffer.from(block.bytes.buffer, block.bytes.byteOffset, block.bytes.length)
      : Buffer.from(decode(decoder, 'UTF-16', block.bytes, { stream: true }));
  }
  if (decoder !== undefined) yield Buffer.from(decode(decoder, 'UTF-16'));
}

/** As given, but the first block has at least 4 KiB where there are as many. */
export async function* withHead(
  blocks: Blocks,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly first: boolean }, void, undefined> {
  let head: Uint8Array[] | undefined = [];
  let length = 0;
  for await (const block of blocks) {
    if (head === undefined) {
      yield { bytes: block, first: false };
      continue;
    }
    head.push(block);
    length += block.length;
    if (length < headBytes) continue;
    yield { bytes: Buffer.concat(head), first: true };
    head = undefined;
  }
  if (head !== undefined) yield { bytes: Buffer.concat(head), first: true };
}

function markOf(bytes: Uint8Array) {
  const start = Buffer.from(bytes.subarray(0, 2)).toString('hex');
  return encodings.find(([mark]) => mark === start);
}

function decode(
  decoder: InstanceType<typeof TextDecoder>,
  name: string,
  bytes?: Uint8Array,
  options?: { readonly stream: boolean },
): string {
  try {
    return decoder.decode(bytes, options);
  } catch (error) {
    throw new IngestError(`not ${name}`, { cause: error });
  }
}
