// Misses, replays and joined streams of a cache as an application opens it, with vectors without meaning. Imported by registry.ts.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { SemanticCache } from '#dist/cache.js';
import { openCache } from '#dist/open.js';
import { mockEmbedder } from '#dist/testing/index.js';
import type { Figures, SubjectFactory } from '../types.js';

const readers = 1_000;
const parts = 1_000;
const partLength = 2_048;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The three figures as facts of one row. */
export const oursAnswers: SubjectFactory = async (job, { directory }) => {
  const cache = await openCache({
    embedder: mockEmbedder(),
    file: null,
    env: {},
    cache: { directory: join(directory, `answers-${process.pid}`) },
  });
  const count = job.quick ? 500 : 3_000;
  return {
    variants: [
      { note: `${count} misses, as many replays; ${readers} readers of a stream of ${parts} parts of 2 KiB` },
    ],
    async run(): Promise<Figures> {
      const facts = {
        ...(await misses(cache, count)),
        ...(await replays(cache, count)),
        ...(await joined(cache)),
      };
      return { p50Us: null, p95Us: null, p99Us: null, opsPerS: null, recall: null, bytes: null, facts };
    },
    close: () => cache.close(),
  };
};

/** Eight words that no other question has. */
function newQuestion(i: number): string {
  const digits = createHash('sha256').update(`question ${i}`).digest('hex');
  return (digits.match(/.{8}/g) as string[]).join(' ');
}

/** Time from call to answer of a question that nothing stored is near to, less that of the embedding; the origin answers at once. */
async function misses(cache: SemanticCache, count: number) {
  const times: number[] = [];
  for (let i = -count / 10; i < count; i++) {
    const began = performance.now();
    const { embedMs } = await cache.ask(newQuestion(i), () => 'answer');
    if (i >= 0) times.push(performance.now() - began - embedMs);
    // What is written in the background belongs to the call before.
    await cache.idle();
  }
  return percentiles('miss overhead', times);
}

/** Time from call to first part of an answer that is stored. */
async function replays(cache: SemanticCache, count: number) {
  const generate = async function* () {
    for (let i = 0; i < 100; i++) yield `part ${i} `;
  };
  for await (const _ of await cache.wrapStream('replayed', generate));
  await cache.idle();
  const times: number[] = [];
  for (let i = -count / 10; i < count; i++) {
    const began = performance.now();
    const stream = await cache.wrapStream('replayed', generate);
    await stream.next();
    if (i >= 0) times.push(performance.now() - began);
    await stream.return();
  }
  return percentiles('first replayed part', times);
}

/** Memory of a stream at its end with one reader and with many, and whether these read the same. */
async function joined(cache: SemanticCache) {
  const alone = await streamed(cache, 1);
  const together = await streamed(cache, readers);
  return {
    'origin calls of 1,000 readers': together.calls,
    'different texts of 1,000 readers': together.texts,
    'memory of 1,000 readers, x of one': together.bytes / alone.bytes,
  };
}

async function streamed(cache: SemanticCache, count: number) {
  let calls = 0;
  let bytes = 0;
  const before = heapBytes();
  const generate = async function* () {
    calls++;
    for (let i = 0; i < parts; i++) {
      await turn();
      yield `${count} ${i} `.padEnd(partLength, 'x');
    }
    bytes = heapBytes() - before;
  };
  const read = async () => {
    const hash = createHash('sha256');
    for await (const part of await cache.wrapStream(`joined by ${count}`, generate)) hash.update(part);
    return hash.digest('hex');
  };
  const texts = new Set(await Promise.all(Array.from({ length: count }, read)));
  await cache.idle();
  return { calls, bytes, texts: texts.size };
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

function percentiles(name: string, times: number[]) {
  times.sort((a, b) => a - b);
  const at = (share: number) => 1_000 * (times[Math.floor(share * (times.length - 1))] as number);
  return { [`${name} p50 µs`]: at(0.5), [`${name} p99 µs`]: at(0.99) };
}
