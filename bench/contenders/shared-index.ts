// Memory of several workers over one index, as processes and as threads, beside that of one; and how soon it starts. Imported by registry.ts.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Environment } from '#dist/disk/environment.js';
import { FlatEngine } from '#dist/engines/flat.js';
import { IvfPqEngine } from '#dist/engines/ivfpq.js';
import { Documents } from '#dist/vectordb/documents.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { k, openSet, type VectorSet } from '../data/vector-set.js';
import type { Figures, Job, SubjectFactory } from '../types.js';

const workers = 4;
// Below it a quick run's rows would stay exact.
const trainFrom = 1_000;
const scope = 'a'.repeat(64);
const documentsAtOnce = 2_000;
const entry = fileURLToPath(new URL('./shared-index-worker.mjs', import.meta.url));

type Kind = 'flat' | 'ivfpq';

/** What a worker tells once it has opened the index. */
interface Opened {
  readonly openMs: number;
  readonly found: readonly (readonly number[])[];
  /** Lists that it made itself. */
  readonly built: number;
}

/** The exact index. */
export const sharedFlat: SubjectFactory = (job, { directory }) => subject(job, directory, 'flat');

/** Inverted lists. */
export const sharedLists: SubjectFactory = (job, { directory }) => subject(job, directory, 'ivfpq');

class Crew {
  readonly #children: readonly ChildProcess[];

  constructor(count: number) {
    this.#children = Array.from({ length: count }, () =>
      fork(entry, { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    );
  }

  async tell<T>(order: Record<string, unknown>): Promise<T[]> {
    return await Promise.all(
      this.#children.map(async (child) => {
        const answered = once(child, 'message') as Promise<[{ value: T }]>;
        const ended = once(child, 'exit').then(([code]) =>
          Promise.reject(new Error(`a worker ended: ${code}`)),
        );
        ended.catch(() => {});
        child.send(order);
        const [{ value }] = await Promise.race([answered, ended]);
        return value;
      }),
    );
  }

  async end(): Promise<void> {
    const ended = this.#children.map((child) => once(child, 'exit'));
    await this.tell({ do: 'close' });
    await Promise.all(ended);
  }
}

async function subject(job: Job, ground: string, kind: Kind): ReturnType<SubjectFactory> {
  const directory = join(ground, `shared-${kind}-${process.pid}`);
  const set = openSet(job.vectors as string);
  const buildMs = await build(directory, set, kind);
  return {
    variants: [
      {
        runs: 1,
        note: `embedded database, one scope; ${workers} processes, ${workers} threads of one process, and one process; PSS after ${set.queries.length} searches; the system's cache holds the files`,
      },
    ],
    run: () => measure(directory, set, kind, buildMs),
    async close() {},
  };
}

/** Stores the documents, and opens the database once: it leaves the file. */
async function build(directory: string, set: VectorSet, kind: Kind): Promise<number> {
  const environment = new Environment(directory);
  const { d: dimension } = set;
  const documents = new Documents(environment, { name: 'shared', dimension });
  for (const { first, rows } of set.chunks()) {
    const all = Array.from({ length: rows.length / dimension }, (_, i) => ({
      id: String(first + i),
      scope,
      text: '',
      vector: rows.subarray(i * dimension, (i + 1) * dimension),
      metadata: {},
    }));
    for (let at = 0; at < all.length; at += documentsAtOnce) {
      await documents.upsert(all.slice(at, at + documentsAtOnce));
    }
  }
  const began = performance.now();
  const engine = kind === 'flat' ? new FlatEngine(dimension) : new IvfPqEngine(dimension, { trainFrom });
  const database = await openEmbeddedDatabase(environment, {
    name: 'shared',
    dimension,
    engine,
    keepIndexFrom: 1,
  });
  const buildMs = performance.now() - began;
  await database.close();
  await environment.close();
  return buildMs;
}

async function measure(directory: string, set: VectorSet, kind: Kind, buildMs: number): Promise<Figures> {
  const queries = set.queries.map((query) => [...query]);
  const open = { do: 'open', directory, dimension: set.d, engine: kind, trainFrom, scope, queries, topK: k };
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const shareOf = async (count: number, threads: number, order: Record<string, unknown> | undefined) => {
    const crew = new Crew(count);
    const opened = order && (await crew.tell<Opened[]>({ ...order, threads })).flat();
    const bytes = sum(await crew.tell<number>({ do: 'share' }));
    await crew.end();
    return { bytes, opened: opened ?? [] };
  };
  const idle = await shareOf(1, 0, undefined);
  const one = await shareOf(1, 0, open);
  const processes = await shareOf(workers, 0, open);
  const threads = await shareOf(1, workers, open);
  const first = one.opened[0] as Opened;
  const all = [...one.opened, ...processes.opened, ...threads.opened];
  const wanted = JSON.stringify(first.found);
  if (all.some(({ found, built }) => built > 0 || JSON.stringify(found) !== wanted)) {
    throw new Error('a worker did not take the file, or finds something else than the first');
  }
  const [file] = (await readdir(directory)).filter((name) => name.endsWith('.index'));
  const mebibytes = (bytes: number) => bytes / 2 ** 20;
  const facts = {
    'start from documents s': buildMs / 1000,
    'start from the file ms': first.openMs,
    'file MB': mebibytes(statSync(join(directory, file as string)).size),
    'empty process MB': mebibytes(idle.bytes),
    'one MB': mebibytes(one.bytes),
    [`${workers} processes MB`]: mebibytes(processes.bytes),
    [`${workers} threads MB`]: mebibytes(threads.bytes),
    [`${workers} processes, times one`]: processes.bytes / one.bytes,
    [`${workers} threads, times one`]: threads.bytes / one.bytes,
    'each further process adds MB': mebibytes((processes.bytes - one.bytes) / (workers - 1)),
    'each further thread adds MB': mebibytes((threads.bytes - one.bytes) / (workers - 1)),
  };
  const recall = set.recall((question) => first.found[question] as readonly number[]);
  const bytes = (one.bytes - idle.bytes) / set.n;
  return { p50Us: null, p95Us: null, p99Us: null, opsPerS: null, recall, bytes, facts };
}
