// Five hundred mixed requests a second, open loop, in front of an origin of 300 ms: with this package, and with none. Imported by registry.ts.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openCache } from '#dist/open.js';
import { type Kind, knownQuestions, type LoadRequest, mixedLoad } from '../data/mixed-load.js';
import { figuresOf, percentile } from '../harness/measure.js';
import { openLoop } from '../harness/open-loop.js';
import type { Figures, Job, Subject, SubjectFactory } from '../types.js';

const perSecond = 500;
const originMs = 300;
// What a call costs is made up; the share that is saved is not.
const usage = { inputTokens: 400, outputTokens: 300 };
const price = { input: 3, output: 15 };
const costOfCall = (usage.inputTokens * price.input + usage.outputTokens * price.output) / 1e6;

/** Something that answers questions by what is stored, or by asking `origin`. */
export interface Answering {
  /** The value, and whether the cache had it. */
  ask(question: string, origin: () => Promise<string>): Promise<string>;
  /** Currency units that it says were saved. */
  saved?(): Promise<number>;
  close(): Promise<void>;
}

/** The rows of one that answers. Everything known is stored before the clock starts. */
export async function loadSubject(job: Job, answering: Answering, what: string): Promise<Subject> {
  for (const { question, answer } of knownQuestions) await answering.ask(question, async () => answer);
  const count = perSecond * (job.quick ? 8 : 60);
  const requests = mixedLoad(count, perSecond, job.seed);
  return {
    variants: [
      { note: `${what}; ${count} requests, ${perSecond}/s, origin ${originMs} ms, seed ${job.seed}` },
    ],
    run: () => measure(answering, requests),
    close: () => answering.close(),
  };
}

async function measure(answering: Answering, requests: readonly LoadRequest[]): Promise<Figures> {
  const calls = new Set<number>();
  let right = 0;
  const before = (await answering.saved?.()) ?? 0;
  const times = Float64Array.from(requests, ({ atMs }) => atMs);
  const { latenciesUs, errors, loopDelayP99Ms, seconds } = await openLoop(times, async (index) => {
    const { question, answer } = requests[index] as LoadRequest;
    const value = await answering.ask(question, async () => {
      calls.add(index);
      await wait(originMs);
      return answer;
    });
    if (value === answer) right++;
  });
  const ofKind = (kind: Kind) => [...requests.keys()].filter((index) => requests[index]?.kind === kind);
  const middleMs = (kind: Kind) => {
    const times = ofKind(kind).map((index) => latenciesUs[index] as number);
    return (
      percentile(
        times.filter((us) => us >= 0).sort((a, b) => a - b),
        50,
      ) / 1e3
    );
  };
  const paraphrases = ofKind('paraphrase');
  const told = await answering.saved?.();
  const facts = {
    errors,
    'event loop p99 ms': loopDelayP99Ms,
    'origin calls': calls.size,
    'paraphrases answered without a call, %':
      (100 * paraphrases.filter((index) => !calls.has(index)).length) / paraphrases.length,
    'exact p50 ms': middleMs('exact'),
    'paraphrase p50 ms': middleMs('paraphrase'),
    'new p50 ms': middleMs('new'),
    'USD spent': calls.size * costOfCall,
    'USD saved': (requests.length - calls.size) * costOfCall,
    ...(told === undefined ? {} : { 'USD saved as it says': told - before }),
  };
  const succeeded = latenciesUs.filter((us) => us >= 0);
  const share = right / requests.length;
  return figuresOf(succeeded, { recall: share, opsPerS: succeeded.length / seconds, facts });
}

/** This package as an application opens it, with its own model. */
export const oursLoad: SubjectFactory = async (job, { directory }) => {
  const cache = await openCache({
    file: null,
    env: {},
    cache: { directory: join(directory, `load-${process.pid}`) },
    savings: { prices: [`bench=${price.input}/${price.output}`] },
  });
  const scope = cache.scope({ model: 'bench', shared: true });
  const answering: Answering = {
    ask: (question, origin) =>
      cache.wrap(
        question,
        ({ reportUsage }) => {
          reportUsage(usage);
          return origin();
        },
        { scope },
      ),
    saved: async () => (await cache.stats()).saved.cost,
    close: () => cache.close(),
  };
  return loadSubject(job, answering, 'exact and by meaning');
};

/** Every request goes to the origin. */
export const noCacheLoad: SubjectFactory = (job) =>
  loadSubject(job, { ask: (_, origin) => origin(), close: async () => {} }, 'no cache');
