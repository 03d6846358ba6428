// SemanticCache of this package as an application opens it, one case a process. Imported by registry.ts.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { SemanticCache } from '#dist/cache.js';
import type { Lookup } from '#dist/cache-types.js';
import { openCache } from '#dist/open.js';
import { baseQuestions, rewordedQuestions, strangeQuestion, warmUpQuestions } from '../data/questions.js';
import {
  addEmbeddedVectors,
  answerOf,
  type BenchEmbedder,
  benchEmbedder,
  cacheFolder,
  inventedVectors,
  isAnswerOf,
  storedQuestions,
  strangeCount,
} from '../data/world.js';
import { figuresOf, type Told, timeAwaited } from '../harness/measure.js';
import type { CaseName, Embedded, Figures, Ground, Job, SubjectFactory } from '../types.js';

const writtenAtOnce = 100;
const triedQuestions = 10;

/** A cache that is open, and how far the runs have come. */
interface Opened {
  readonly cache: SemanticCache;
  readonly embedder: BenchEmbedder;
  readonly stored: readonly string[];
  /** Questions asked so far, by variant. */
  readonly asked: Record<Embedded, number>;
}

interface CacheCase {
  /** Tier that must answer. */
  readonly tier: string;
  /** Entries that tier A may hold; default all. */
  readonly maxEntries?: number;
  /** Every entry is brought into tier A before. */
  readonly warmA?: boolean;
  readonly calls: Readonly<Record<'quick' | 'full', Readonly<Record<Embedded, number>>>>;
  /** The `index`-th question of a variant, and the stored one that answers it. */
  question(stored: readonly string[], index: number, embedded: Embedded): [asked: string, answer: string];
  readonly note: string;
}

// A text is embedded once: the cache of embeddings answers from then on. So the questions that shall run the model are asked once,
// and are others than those whose vectors are looked up.
const embeddedQuestions = 300;
const reworded = (index: number, embedded: Embedded): [string, string] => {
  const others = rewordedQuestions.length - embeddedQuestions;
  const at = embedded === 'with' ? index % embeddedQuestions : embeddedQuestions + (index % others);
  return [rewordedQuestions[at] as string, baseQuestions[at % baseQuestions.length] as string];
};
const strange = (index: number, embedded: Embedded): [string, string] => {
  const question = strangeQuestion(embedded === 'with' ? strangeCount + index : index % strangeCount);
  return [question, question];
};
const exactly = (stored: readonly string[], index: number): [string, string] => {
  const question = stored[index % stored.length] as string;
  return [question, question];
};
// Those found in tier B go up to tier A: each is asked once, and none that a warm-up brought there.
const onceEach = (stored: readonly string[], index: number, embedded: Embedded): [string, string] => {
  const free = stored.length - baseQuestions.length - triedQuestions;
  const half = Math.floor(free / 2);
  const question = stored[baseQuestions.length + (embedded === 'with' ? half : 0) + (index % half)] as string;
  return [question, question];
};
const otherWords = (_stored: readonly string[], index: number, embedded: Embedded) =>
  reworded(index, embedded);

const perRun = { quick: { with: 40, without: 300 }, full: { with: 60, without: 3_000 } };
const cases: Readonly<Partial<Record<CaseName, CacheCase>>> = {
  'tier-a-exact': {
    tier: 'memory',
    warmA: true,
    calls: { quick: { with: 5_000, without: 10_000 }, full: { with: 50_000, without: 50_000 } },
    question: exactly,
    note: 'key included; an exact hit embeds nothing',
  },
  'tier-a-semantic': {
    tier: 'memory',
    warmA: true,
    calls: perRun,
    question: otherWords,
    note: 'asked in other words',
  },
  'tier-b-disk': {
    tier: 'disk',
    calls: { quick: { with: 180, without: 180 }, full: { with: 900, without: 900 } },
    question: onceEach,
    note: 'tier A is empty of it; an exact hit embeds nothing',
  },
  'tier-b-redis': {
    tier: 'redis',
    calls: { quick: { with: 150, without: 150 }, full: { with: 180, without: 180 } },
    question: onceEach,
    note: 'tier A is empty of it, the server on the same machine',
  },
  // Tier A that holds one entry: whatever is asked next is not there.
  'tier-c': {
    tier: 'vector',
    maxEntries: 1,
    calls: perRun,
    question: otherWords,
    note: 'asked in other words; tier A holds one entry',
  },
  miss: {
    tier: 'origin',
    warmA: true,
    calls: { quick: { with: 40, without: 100 }, full: { with: 100, without: 600 } },
    question: (_stored, index, embedded) => strange(index, embedded),
    note: 'every tier asked, the origin answers at once, storing is not waited for',
  },
};

/** Rows with and without the embedding for one case of the whole cache. */
export const oursCache: SubjectFactory = async (job, ground) => {
  const plan = cases[job.case];
  if (plan === undefined) throw new Error(`no such case of the cache: ${job.case}`);
  const opened = await open(job, plan, ground);
  const kinds = ['without', 'with'] as const;
  return {
    variants: kinds.map((embedded) => ({ embedded, note: noteOf(plan, embedded) })),
    run: async (variant) => measure(opened, plan, job, kinds[variant] as Embedded),
    close: () => opened.cache.close(),
  };
};

function noteOf({ note }: CacheCase, embedded: Embedded): string {
  return embedded === 'with' ? note : `${note}; vector looked up, time around the call less its embedMs`;
}

async function open(job: Job, plan: CacheCase, ground: Ground): Promise<Opened> {
  const directory = join(ground.directory, `${job.case}-${process.pid}`);
  await cp(join(ground.directory, cacheFolder), directory, { recursive: true });
  const n = job.n as number;
  const vectors = inventedVectors(n, job.seed);
  await addEmbeddedVectors(vectors, ground);
  const onRedis = job.case === 'tier-b-redis';
  const redis = onRedis ? { host: '127.0.0.1', port: ground.redisPort } : {};
  const settings = {
    env: {},
    file: null,
    redis,
    cache: { directory, maxEntries: plan.maxEntries ?? 2 * n },
    // Memory filled at the start would answer in the place of the tiers below it.
    warming: { enabled: plan.warmA === true },
  };
  const stored = storedQuestions(n);
  // The last few are not asked in the runs.
  const last = stored.at(-1) as string;
  if (onRedis) {
    const filling = await openCache({ ...settings, embedder: await benchEmbedder(vectors) });
    await until(async () => (await filling.set(last, answerOf(last))).stored.includes('redis'));
    for (let i = 0; i < n; i += writtenAtOnce) {
      await Promise.all(
        stored.slice(i, i + writtenAtOnce).map((question) => filling.set(question, answerOf(question))),
      );
    }
    await filling.close();
  }
  const embedder = await benchEmbedder(vectors);
  const cache = await openCache({ ...settings, embedder });
  // Tier C answers while Redis is not connected yet, and tier A from then on: another question each time.
  if (onRedis)
    await until(async (attempt) => (await cache.get(stored.at(-1 - attempt) as string)).tier === 'redis');
  if (plan.warmA) {
    for (const question of stored) await cache.get(question);
    await cache.idle();
  }
  // The start-up check embeds in the background: over before anything is measured.
  for (const question of warmUpQuestions.slice(0, 12)) await cache.get(question);
  await cache.idle();
  return { cache, embedder, stored, asked: { with: 0, without: 0 } };
}

/** Opening does not wait for Redis, and a tier that failed is asked again only after half a second. */
async function until(answered: (attempt: number) => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < triedQuestions; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, attempt === 0 ? 100 : 600));
    if (await answered(attempt)) return;
  }
  throw new Error('Redis does not answer');
}

async function measure(opened: Opened, plan: CacheCase, job: Job, embedded: Embedded): Promise<Figures> {
  const { cache, embedder, asked } = opened;
  embedder.embedded = embedded;
  const most = plan.calls[job.quick ? 'quick' : 'full'][embedded];
  const calls = embedded === 'with' ? Math.min(most, Math.floor(embeddedQuestions / job.runs)) : most;
  if (job.case === 'tier-a-exact') await timeAwaited(2_000, (i) => ask(opened, plan, i, embedded));
  else for (const question of warmUpQuestions.slice(0, 30)) await cache.get(question);
  await cache.idle();
  const first = asked[embedded];
  asked[embedded] += calls;
  const { latenciesUs, recall } = await timeAwaited(calls, (i) => ask(opened, plan, first + i, embedded));
  const { tiers } = await cache.stats();
  const size = tiers.find((tier) => tier.name === plan.tier);
  const bytes = size === undefined || size.entries === 0 ? null : size.bytes / size.entries;
  return figuresOf(latenciesUs, { recall, bytes });
}

async function ask(
  { cache, stored }: Opened,
  plan: CacheCase,
  index: number,
  embedded: Embedded,
): Promise<Told> {
  const [asked, answer] = plan.question(stored, index, embedded);
  let lookup: Lookup;
  if (plan.tier === 'origin') lookup = await cache.ask(asked, () => answerOf(answer));
  else lookup = await cache.get(asked);
  const { tier, value, embedMs } = lookup;
  // A miss, or a hit in another tier, lowers the share of right results; the answer to another question ends the case.
  if (lookup.match !== 'none' && !isAnswerOf(answer, value)) throw new Error(`wrong answer to: ${asked}`);
  const right = tier === plan.tier;
  const excludedUs = embedded === 'without' ? embedMs * 1e3 : 0;
  // Promotion and storing run in the background; the next question must not share its turn with them.
  return plan.tier === 'memory' ? { right, excludedUs } : { right, excludedUs, after: () => cache.idle() };
}
