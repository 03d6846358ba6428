// Four processes over one Redis: who generates what all of them miss, and who serves what one of them has removed. Imported by registry.ts.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '#dist/testing/index.js';
import { FaultProxy } from '../../test/faults/proxy.js';
import { BreakableRedis } from '../harness/fault-ground.js';
import { freePort } from '../harness/redis.js';
import type { Figures, Job, SubjectFactory } from '../types.js';
import type { Order } from './fault-worker.js';

const none: Figures = { p50Us: null, p95Us: null, p99Us: null, opsPerS: null, recall: null, bytes: null };
const processes = 4;
const calls = 10_000;
const maxStaleMs = 500;
const entry = fileURLToPath(new URL('./fault-worker.ts', import.meta.url));

class Worker {
  readonly #child: ChildProcess = fork(entry, {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

  async tell(order: Order): Promise<number> {
    this.#child.send(order);
    const [reply] = (await once(this.#child, 'message')) as [{ value?: number; error?: string }];
    if (reply.value === undefined) throw new Error(reply.error);
    return reply.value;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

/** Stampedes on one question, and removals while connections are killed at random. */
export const processesOf: SubjectFactory = async (job, ground) => {
  const redis = new BreakableRedis(await freePort(), ground.directory);
  await redis.start();
  const proxy = await FaultProxy.start(redis.port);
  let opened = 0;
  const crew = async (count: number, port: number, lease: boolean, stale?: number): Promise<Worker[]> => {
    const workers = Array.from({ length: count }, () => new Worker());
    await Promise.all(
      workers.map((worker) => {
        const directory = join(ground.directory, `worker-${process.pid}-${opened++}`);
        return worker.tell({
          do: 'open',
          port,
          directory,
          lease,
          ...(stale === undefined ? {} : { maxStaleMs: stale }),
        });
      }),
    );
    return workers;
  };
  const dismiss = (workers: readonly Worker[]) =>
    Promise.all(workers.map((worker) => worker.tell({ do: 'close' }).then(() => worker.end())));

  const stampede = async (): Promise<Figures> => {
    const run = async (count: number, lease: boolean) => {
      const workers = await crew(count, redis.port, lease);
      const order = {
        do: 'stampede',
        question: `question of ${count}, ${lease}`,
        calls: calls / count,
      } as const;
      const generated = await Promise.all(workers.map((worker) => worker.tell(order)));
      await dismiss(workers);
      return generated.reduce((sum, each) => sum + each, 0);
    };
    const facts = {
      calls,
      'generations, 1 process': await run(1, false),
      'generations, 4 processes': await run(processes, false),
      'generations, 4 processes with leases': await run(processes, true),
    };
    return { ...none, facts };
  };

  const coherence = async ({ quick, seed }: Job): Promise<Figures> => {
    const workers = await crew(processes, proxy.port, false, maxStaleMs);
    const random = seededRandom(seed);
    const killer = setInterval(() => proxy.kill(0.1, random), 100);
    const batch = 100;
    const rounds = quick ? 5 : 10;
    let held = 0;
    let stale = 0;
    for (let round = 0; round < rounds; round++) {
      const questions = Array.from({ length: batch }, (_, i) => `question ${round * batch + i}`);
      for (const worker of workers) await worker.tell({ do: 'ask', questions });
      const found = await Promise.all(workers.map((worker) => worker.tell({ do: 'find', questions })));
      held += found.reduce((sum, each) => sum + each, 0);
      await (workers[round % processes] as Worker).tell({ do: 'invalidate', tags: questions });
      await new Promise((resolve) => setTimeout(resolve, maxStaleMs));
      for (let again = 0; again < 3; again++) {
        const served = await Promise.all(workers.map((worker) => worker.tell({ do: 'find', questions })));
        stale += served.reduce((sum, each) => sum + each, 0);
      }
    }
    clearInterval(killer);
    await dismiss(workers);
    const facts = {
      processes,
      invalidations: rounds * batch,
      'connections killed': proxy.counts.killed,
      'answers held before': held,
      [`stale hits after ${maxStaleMs} ms`]: stale,
    };
    return { ...none, facts };
  };

  return {
    variants: [
      {
        runs: 1,
        note:
          job.fault === 'stampede'
            ? 'calls at once of one question that nobody has; the origin takes 50 ms'
            : `counted from the moment at which the removal was shared; max_stale_ms ${maxStaleMs}`,
      },
    ],
    run: () => (job.fault === 'stampede' ? stampede() : coherence(job)),
    async close() {
      await proxy.close();
      await redis.kill();
    },
  };
};
