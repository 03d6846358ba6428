// The thread that opens and reads small files before they are asked for. Started by read-ahead.ts alone.
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { Ahead, ReadJob, ReadReply } from './read-ahead.js';
import { isInside, reasonOf } from './walk.js';

// Between the walk and now a file may have become a link or a FIFO: neither is followed or waited for.
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function read(path: string, { root, mostBytes }: ReadJob): Buffer | Ahead {
  let file: number | undefined;
  try {
    const real = realpathSync.native(path);
    // The reader says what is wrong with it.
    if (!isInside(root, real)) return 'later';
    file = openSync(real, flags);
    const found = fstatSync(file);
    const { size } = found;
    if (!found.isFile() || size > mostBytes) return 'later';
    const bytes = Buffer.allocUnsafe(size + 1);
    const length = readSync(file, bytes, 0, size + 1, 0);
    // It has grown meanwhile, or gives what it has in parts.
    return length === size ? bytes.subarray(0, length) : 'later';
  } catch (error) {
    return { why: reasonOf(error) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

parentPort?.on('message', (job: ReadJob) => {
  const parts: Buffer[] = [];
  const ahead = job.paths.map((path): Ahead => {
    const found = read(path, job);
    if (!Buffer.isBuffer(found)) return found;
    parts.push(found);
    return { length: found.length };
  });
  // One piece of memory of its own: it goes over without being copied.
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  parentPort?.postMessage({ ahead, bytes } satisfies ReadReply, [bytes.buffer]);
});
