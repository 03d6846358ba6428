// Hit rates of tier A by both policies, and of lru-cache alone, on seeded traces. Imported by registry.ts.
import { LRUCache } from 'lru-cache';
import type { Entry } from '#dist/core/entry.js';
import { queryKey } from '#dist/core/key.js';
import { Scope } from '#dist/core/scope.js';
import { type Eviction, memoryTier } from '#dist/tiers/memory.js';
import { type TraceSize, traceOf, traces } from '../data/traces.js';
import type { Figures, Job, SubjectFactory } from '../types.js';

const full: TraceSize = { requests: 100_000, questions: 10_000, capacity: 1_000 };
const quick: TraceSize = { requests: 40_000, questions: 4_000, capacity: 400 };
const scope = new Scope({ tenant: 'bench' }, '0'.repeat(64));

/** Asks for a question, and stores it when it is not there; true for a hit. */
type Ask = (question: string) => boolean;

/** Tier A by W-TinyLFU. */
export const tinyLfuHits: SubjectFactory = async (job) => subject(job, (size) => ofTier(size, 'w-tinylfu'));

/** Tier A by LRU. */
export const lruHits: SubjectFactory = async (job) => subject(job, (size) => ofTier(size, 'lru'));

/** lru-cache as anybody would use it. */
export const lruCacheHits: SubjectFactory = async (job) =>
  subject(job, ({ capacity }) => {
    const cache = new LRUCache<string, string>({ max: capacity });
    return (question) => {
      if (cache.get(question) !== undefined) return true;
      cache.set(question, 'answer');
      return false;
    };
  });

function ofTier({ capacity }: TraceSize, eviction: Eviction): Ask {
  const tier = memoryTier({ dimension: 8, maxEntries: capacity, eviction });
  return (question) => {
    const key = queryKey(question, scope);
    if (tier.get(key, scope) !== undefined) return true;
    const entry: Entry = {
      key,
      scope: scope.id,
      embedder: scope.embedder,
      question,
      value: 'answer',
      createdAtMs: 0,
      expiresAtMs: Number.POSITIVE_INFINITY,
      epoch: 0,
    };
    tier.set(entry);
    return false;
  };
}

function subject(job: Job, make: (size: TraceSize) => Ask): Awaited<ReturnType<SubjectFactory>> {
  const size = job.quick ? quick : full;
  return {
    variants: [{ runs: 1, n: size.capacity, note: noteOf(size) }],
    async run(): Promise<Figures> {
      const facts: Record<string, number> = {};
      for (const name of Object.keys(traces)) {
        const ask = make(size);
        let hits = 0;
        for (const number of traceOf(name, size, job.seed)) if (ask(`question ${number}`)) hits++;
        facts[`${name} %`] = (100 * hits) / size.requests;
      }
      return { p50Us: null, p95Us: null, p99Us: null, opsPerS: null, recall: null, bytes: null, facts };
    },
    async close() {},
  };
}

function noteOf({ requests, questions }: TraceSize): string {
  return `hits of ${requests} requests for ${questions} questions; n entries are held; one run, the same trace for all`;
}
