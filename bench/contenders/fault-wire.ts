// A cache whose connection to Redis flaps, or gets now and then one reply twice. Imported by registry.ts.
import { join } from 'node:path';
import type { SemanticCache } from '#dist/cache.js';
import { openCache } from '#dist/open.js';
import { mockEmbedder, seededRandom } from '#dist/testing/index.js';
import { FaultProxy } from '../../test/faults/proxy.js';
import { BreakableRedis, openLoop } from '../harness/fault-ground.js';
import { freePort } from '../harness/redis.js';
import type { Figures, Job, SubjectFactory } from '../types.js';

const none: Figures = { p50Us: null, p95Us: null, p99Us: null, opsPerS: null, recall: null, bytes: null };
const perSecond = 500;
const answerTo = (question: string) => `answer to ${question}`;

/** 200 ms reachable, 200 ms not; or replies that are sent twice. */
export const wire: SubjectFactory = async (job, ground) => {
  const redis = new BreakableRedis(await freePort(), ground.directory);
  await redis.start();
  const proxy = await FaultProxy.start(redis.port);
  const open = (name: string, port: number, commandTimeoutMs: number) =>
    openCache({
      embedder: mockEmbedder(),
      file: null,
      env: {},
      redis: { enabled: true, host: '127.0.0.1', port, commandTimeoutMs },
      cache: {
        directory: join(ground.directory, `${name}-${process.pid}`),
        shared: true,
        minSimilarity: 1,
        maxEntries: 200,
      },
    });
  const isFlapping = job.fault === 'flapping';
  const cache = await open('cache', proxy.port, isFlapping ? 50 : 200);
  return {
    variants: [
      {
        runs: 1,
        note: isFlapping
          ? 'reachable for 200 ms, refused for 200 ms'
          : 'every 500th question one whole reply twice',
      },
    ],
    run: () =>
      isFlapping
        ? flap(cache, proxy, job)
        : doubled(cache, proxy, job, () => open('writer', redis.port, 5_000)),
    async close() {
      await cache.close();
      await proxy.close();
      await redis.kill();
    },
  };
};

async function flap(cache: SemanticCache, proxy: FaultProxy, job: Job): Promise<Figures> {
  const ms = job.quick ? 15_000 : 30_000;
  let unhandled = 0;
  const hear = () => {
    unhandled++;
  };
  process.on('unhandledRejection', hear);
  let foreign = 0;
  let failed = 0;
  let flaps = 0;
  let isOver = false;
  const heap: { readonly minute: number; readonly megabytes: number }[] = [];
  const began = performance.now();
  const flapping = (async () => {
    while (!isOver) {
      await proxy.refuse();
      flaps++;
      await wait(200);
      await proxy.reopen();
      await wait(200);
      globalThis.gc?.();
      const minute = (performance.now() - began) / 60_000;
      heap.push({ minute, megabytes: process.memoryUsage().heapUsed / 2 ** 20 });
    }
  })();
  const hanging = await openLoop(
    { perSecond, ms, patienceMs: 5_000 },
    async (i) => {
      const question = `question ${i % 500}`;
      const answer = await cache.wrap(question, () => answerTo(question));
      if (answer !== answerTo(question)) foreign++;
    },
    (_i, _ms, error) => {
      if (error !== undefined) failed++;
    },
  );
  isOver = true;
  await flapping;
  process.off('unhandledRejection', hear);
  // The first half fills tier A and compiles.
  const settled = heap.slice(heap.length >> 1);
  const facts = {
    questions: (ms * perSecond) / 1e3,
    flaps,
    failed,
    'never answered': hanging,
    'foreign answers': foreign,
    'unhandled rejections': unhandled,
    'heap slope MB/min': slopeOf(settled),
    'heap MB': settled.at(-1)?.megabytes ?? 0,
  };
  return { ...none, facts };
}

function slopeOf(points: readonly { minute: number; megabytes: number }[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(({ minute }) => minute));
  const y = mean(points.map(({ megabytes }) => megabytes));
  const covariance = mean(points.map(({ minute, megabytes }) => (minute - x) * (megabytes - y)));
  return covariance / mean(points.map(({ minute }) => (minute - x) ** 2));
}

async function doubled(
  cache: SemanticCache,
  proxy: FaultProxy,
  job: Job,
  openWriter: () => Promise<SemanticCache>,
): Promise<Figures> {
  const count = 10_000;
  const writer = await openWriter();
  for (let i = 0; i < count; i += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, j) => writer.set(`key ${i + j}`, `value ${i + j}`)));
  }
  await writer.close();
  const random = seededRandom(job.seed);
  let right = 0;
  let foreign = 0;
  const every = job.quick ? 1_000 : 500;
  for (let done = 0; done < count; done += 8) {
    if (done % every === 0) proxy.duplicate(1, (reply) => reply.length > 100);
    const asked = Array.from({ length: 8 }, () => Math.floor(random() * count));
    const found = await Promise.all(asked.map((i) => cache.get(`key ${i}`)));
    for (const [j, { match, value }] of found.entries()) {
      if (match === 'none') continue;
      if (value === `value ${asked[j]}`) right++;
      else foreign++;
    }
    // So that the next replies are mixed up too.
    const isLost = () => cache.health().tiers.some(({ state }) => state === 'lost') || proxy.open === 0;
    while (isLost()) {
      await wait(10);
      await cache.get(`key ${Math.floor(random() * count)}`);
    }
  }
  const { duplicated, connections } = proxy.counts;
  const facts = {
    keys: count,
    'replies twice': duplicated,
    right,
    'foreign answers': foreign,
    'connections replaced': connections - 1,
  };
  return { ...none, facts };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
