// Whole caches at 500 questions a second while Redis is killed, stopped or unreachable. Imported by registry.ts.
import { join } from 'node:path';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
import { openCache } from '#dist/open.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { FaultProxy } from '../../test/faults/proxy.js';
import { BreakableRedis, openLoop } from '../harness/fault-ground.js';
import { percentile } from '../harness/measure.js';
import { freePort } from '../harness/redis.js';
import type { SubjectFactory } from '../types.js';

const perSecond = 500;
const hot = 100;

/** What is measured: asks, and tells when its tier B was given up and taken up again. */
interface Asked {
  ask(question: string): Promise<unknown>;
  /** Stores what only Redis holds afterwards. */
  fill(questions: readonly string[]): Promise<void>;
  readonly changes: { readonly state: string; readonly atMs: number }[];
  counts(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

const answerTo = (question: string) => `answer to ${question}`;

async function ours(port: number, directory: string): Promise<Asked> {
  const open = (name: string) =>
    openCache({
      embedder: mockEmbedder(),
      file: null,
      env: {},
      redis: { enabled: true, host: '127.0.0.1', port },
      cache: { directory: join(directory, name), shared: true, minSimilarity: 1, maxEntries: 100_000 },
    });
  const cache = await open(`asked-${process.pid}`);
  const changes: Asked['changes'][number][] = [];
  cache.on('tier', ({ tier, state }) => {
    if (tier === 'redis') changes.push({ state, atMs: performance.now() });
  });
  return {
    changes,
    ask: (question) => cache.wrap(question, () => answerTo(question)),
    async fill(questions) {
      const filler = await open(`filler-${process.pid}`);
      for (let i = 0; i < questions.length; i += 50) {
        await Promise.all(questions.slice(i, i + 50).map((text) => filler.set(text, answerTo(text))));
      }
      await filler.close();
    },
    counts: () => cache.health().tiers.find(({ tier }) => tier === 'redis')?.counts ?? {},
    close: () => cache.close(),
  };
}

async function theirs(port: number): Promise<Asked> {
  const make = () => {
    const store = bentostore()
      .useL1Layer(memoryDriver({ maxItems: 100_000, serialize: false }))
      .useL2Layer(redisDriver({ connection: { host: '127.0.0.1', port } }));
    return new BentoCache({ default: 'both', stores: { both: store } });
  };
  const cache = make();
  return {
    changes: [],
    ask: (key) => cache.getOrSet({ key, ttl: '1h', factory: () => answerTo(key) }),
    async fill(questions) {
      const filler = make();
      for (let i = 0; i < questions.length; i += 50) {
        await Promise.all(questions.slice(i, i + 50).map((key) => filler.set({ key, value: answerTo(key) })));
      }
      await filler.disconnectAll();
    },
    counts: () => ({}),
    close: async () => void cache.disconnectAll().catch(() => {}),
  };
}

/** Latencies of a kind of question in a phase. */
class Latencies {
  readonly #values: number[] = [];
  add(ms: number): void {
    this.#values.push(ms);
  }
  at(p: number): number {
    return percentile(Float64Array.from(this.#values).sort(), p);
  }
}

/** Three equal phases: healthy, faulty, healthy again. */
export const outage: SubjectFactory = async (job, ground) => {
  const fault = (job.fault as string).replace('bentocache ', '');
  const phaseMs = job.quick ? 3_500 : 20_000;
  const redis = new BreakableRedis(await freePort(), ground.directory);
  await redis.start();
  const proxy = fault === 'black hole' ? await FaultProxy.start(redis.port) : undefined;
  const port = proxy?.port ?? redis.port;
  const isOurs = fault === job.fault;
  const asked = isOurs ? await ours(port, ground.directory) : await theirs(port);
  const total = (3 * phaseMs * perSecond) / 1e3;
  const shared = Array.from({ length: total / 5 }, (_, i) => `shared ${i}`);
  await asked.fill(shared);
  for (let i = 0; i < hot; i++) await asked.ask(`hot ${i}`);
  for (let i = 0; i < 500; i++) await asked.ask(`hot ${i % hot}`);
  const begin = async () => {
    if (fault === 'killed') await redis.kill();
    else if (fault === 'stopped') redis.stop();
    else proxy?.set({ blackHole: true });
  };
  const end = async () => {
    if (fault === 'killed') await redis.start();
    else if (fault === 'stopped') redis.goOn();
    else proxy?.set();
  };
  return {
    variants: [
      {
        runs: 1,
        note: isOurs
          ? `${perSecond}/s on a fixed schedule: 60 % hits in memory, 20 % in Redis, 20 % misses; latency from the intended start; mock embedder`
          : 'memory and Redis driver with their defaults, the same load',
      },
    ],
    async run() {
      let faultAt = Number.POSITIVE_INFINITY;
      let backAt = Number.POSITIVE_INFINITY;
      let atStart: Readonly<Record<string, number>> = {};
      let atEnd: Readonly<Record<string, number>> = {};
      let failed = 0;
      let slowestMs = 0;
      let slow = 0;
      const healthy = new Latencies();
      const faulty = new Latencies();
      const misses = new Latencies();
      const kinds = ['hot', 'hot', 'hot', 'shared', 'new'] as const;
      const question = (i: number) => {
        const kind = kinds[i % 5] as (typeof kinds)[number];
        return kind === 'hot' ? `hot ${(i * 7) % hot}` : `${kind} ${Math.floor(i / 5)}`;
      };
      const work = async (i: number) => {
        const text = question(i);
        if ((await asked.ask(text)) !== answerTo(text)) throw new Error(`wrong answer to ${text}`);
      };
      const inFault: boolean[] = [];
      const load = openLoop(
        { perSecond, ms: 3 * phaseMs, patienceMs: 5_000 },
        (i) => {
          inFault[i] = faultAt < performance.now() && backAt > performance.now();
          return work(i);
        },
        (i, ms, error) => {
          if (error !== undefined) failed++;
          if (inFault[i]) {
            slowestMs = Math.max(slowestMs, ms);
            if (ms > 250) slow++;
          }
          if (i % 5 === 4 && inFault[i]) misses.add(ms);
          if (i % 5 < 3) (inFault[i] ? faulty : healthy).add(ms);
        },
      );
      await wait(phaseMs);
      faultAt = performance.now();
      await begin();
      const lost = () => asked.changes.find(({ state, atMs }) => state === 'lost' && atMs >= faultAt);
      for (
        const until = performance.now() + 2_000;
        isOurs && lost() === undefined && performance.now() < until;
      )
        await wait(2);
      // What was under way has failed by then, writes behind a hanging pipeline too, and no probe is due yet.
      await wait(115);
      atStart = asked.counts();
      await wait(phaseMs - (performance.now() - faultAt));
      atEnd = asked.counts();
      await end();
      backAt = performance.now();
      const hanging = await load;
      const back = asked.changes.find(({ state, atMs }) => state === 'ok' && atMs >= backAt - 50);
      const grown = (name: string) => (atEnd[name] ?? 0) - (atStart[name] ?? 0);
      const ratio = (grown('connection') + grown('timeouts')) / grown('probes');
      return {
        p50Us: faulty.at(50) * 1e3,
        p95Us: faulty.at(95) * 1e3,
        p99Us: faulty.at(99) * 1e3,
        opsPerS: null,
        recall: null,
        bytes: null,
        facts: {
          questions: total,
          failed,
          'never answered': hanging,
          'over 250 ms': slow,
          'slowest ms': slowestMs,
          'memory hit p99 ms healthy': healthy.at(99),
          'memory hit p99 ms faulty': faulty.at(99),
          'miss p99 ms faulty': misses.at(99),
          ...(isOurs && {
            'given up after ms': (lost()?.atMs ?? Number.POSITIVE_INFINITY) - faultAt,
            'used again after ms': Math.max(0, (back?.atMs ?? Number.POSITIVE_INFINITY) - backAt),
            probes: grown('probes'),
            'calls per half-open': ratio,
          }),
        },
      };
    },
    async close() {
      await asked.close();
      await proxy?.close();
      await redis.kill();
    },
  };
};

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
