// The worker that writes: applies batches in group commits so that no disk flush ever blocks the event loop. Only writer.ts starts it.
import { randomUUID } from 'node:crypto';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { expiryOf } from './codec.js';
import { type BytesDatabase, bytesOf, checkSpace, openNamed, openRoot } from './file.js';
import { unpackBatch } from './packing.js';
import { scrub } from './scrub.js';
import type { Batch, Condition, Operation, Outcome, Post, Scrub } from './writer.js';

const port = parentPort as MessagePort;
const directory = workerData.directory as string;
const root = openRoot(directory);
const databases = new Map<string, BytesDatabase>();

// More in one commit saves no flushes worth having and makes other processes wait longer for the lock.
const mostPerCommit = 256;

function database(name: string): BytesDatabase {
  let opened = databases.get(name);
  if (opened === undefined) {
    opened = openNamed(root, directory, name);
    databases.set(name, opened);
  }
  return opened;
}

// What has come and is not done.
const inbox: Post[number][] = [];

port.on('message', (post: Post) => {
  inbox.push(...post);
  while (inbox.length > 0) {
    const group: Batch[] = [];
    while (group.length < mostPerCommit && inbox[0] instanceof ArrayBuffer) {
      group.push(unpackBatch(inbox.shift() as ArrayBuffer));
      if (inbox.length === 0) takeMore();
    }
    commit(group);
    const next = inbox[0];
    if (next === undefined || next instanceof ArrayBuffer) continue;
    inbox.shift();
    if (next === 'close') root.close().then(() => port.close());
    else scrubAll(next);
  }
});

function takeMore(): void {
  const post = receiveMessageOnPort(port)?.message as Post | undefined;
  if (post !== undefined) inbox.push(...post);
}

function scrubAll({ id }: Scrub): void {
  try {
    // LMDB keeps two snapshots: after two commits neither holds what was deleted before.
    for (let commits = 0; commits < 2; commits++) {
      checkSpace(directory, 1, 16);
      const value = Buffer.from(randomUUID());
      root.transactionSync(() => void database('meta').put(Buffer.from('scrubbed'), value));
    }
    // Within a transaction: the lock on writing keeps every process from using a free page meanwhile.
    const applied = root.transactionSync(() => {
      root.readerCheck();
      return scrub(directory, root.readerList());
    });
    answer({ id, applied });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    answer({ id, error: { message, code: String(code) } });
  }
}

function commit(group: readonly Batch[]): void {
  if (group.length === 0) return;
  const operations = group.flatMap((batch) => batch.operations);
  // Opening a named database is a transaction of its own, so it comes before the one of the group.
  try {
    checkSpace(
      directory,
      operations.length,
      operations.reduce((sum, operation) => sum + sizeOf(operation), 0),
    );
    for (const operation of operations) database(operation.database);
    const applied = root.transactionSync(() => group.map(apply));
    answer(...group.map(({ id }, index) => ({ id, applied: applied[index] as boolean })));
  } catch (error) {
    // One batch too large for the disk must not fail its neighbours.
    if (group.length > 1) for (const batch of group) commit([batch]);
    else {
      const { message, code } = error as NodeJS.ErrnoException;
      answer({ id: (group[0] as Batch).id, error: { message, code: String(code) } });
    }
  }
}

function sizeOf(operation: Operation): number {
  if (operation.kind === 'put') return operation.key.length + operation.value.length;
  return operation.kind === 'append' ? 8 + operation.value.length : 0;
}

function answer(...outcomes: Outcome[]): void {
  port.postMessage(outcomes);
}

function apply(batch: Batch): boolean {
  if (batch.condition && !holds(batch.condition)) return false;
  for (const operation of batch.operations) applyOne(operation);
  return true;
}

function holds({ database: name, key, value }: Condition): boolean {
  if (value === undefined) return !database(name).doesExist(Buffer.from(key));
  return database(name).getBinary(Buffer.from(key))?.equals(value) ?? false;
}

function applyOne(operation: Operation): void {
  const target = database(operation.database);
  switch (operation.kind) {
    case 'put':
      target.put(viewOf(operation.key), viewOf(operation.value));
      break;
    case 'remove':
      target.remove(viewOf(operation.key));
      break;
    case 'clear':
      clear(target, Buffer.from(operation.prefix));
      break;
    case 'append':
      append(target, operation.value, operation.least, operation.most);
      break;
    case 'sweep':
      sweep(target, database(operation.expiries), operation.nowMs, operation.most, operation.maxBytes);
      break;
  }
}

/** The same memory: what came with a message is nobody else's. */
function viewOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, length);
}

function clear(target: BytesDatabase, prefix: Buffer): void {
  const keys: Buffer[] = [];
  for (const key of target.getKeys({ start: prefix })) {
    if (!key.subarray(0, prefix.length).equals(prefix)) break;
    keys.push(Buffer.from(key));
  }
  for (const key of keys) target.remove(key);
}

function append(log: BytesDatabase, value: Uint8Array, least: number, most: number): void {
  const [last] = log.getKeys({ reverse: true, limit: 1 });
  const number = Math.max(least, last === undefined ? 1 : Number(Buffer.from(last).readBigUInt64BE(0)) + 1);
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(number));
  log.put(key, viewOf(value));
  const { entryCount } = log.getStats() as { entryCount: number };
  if (entryCount <= most) return;
  const oldest = [...log.getKeys({ limit: entryCount - most })].map((each) => Buffer.from(each));
  for (const each of oldest) log.remove(each);
}

/**
 * Removes what has expired and, above the bound, what expires soonest. An expiry record is the time (big-endian, so that
 * records sort by it) and the entry's key; it may be stale, so the entry itself says when it expires.
 */
function sweep(
  entries: BytesDatabase,
  expiries: BytesDatabase,
  nowMs: number,
  most: number,
  maxBytes: number,
): void {
  const full = bytesOf(entries) > maxBytes;
  const records: Buffer[] = [];
  for (const record of expiries.getKeys({ limit: most })) {
    if (!full && Buffer.from(record).readDoubleBE(0) > nowMs) break;
    records.push(Buffer.from(record));
  }
  for (const record of records) {
    const key = record.subarray(8);
    const held = entries.getBinary(key);
    const current = held === undefined ? 0 : expiryOf(held);
    if (held !== undefined && (current <= nowMs || (full && current === record.readDoubleBE(0))))
      entries.remove(key);
    expiries.remove(record);
  }
}
