// bentocache with its memory driver: what an exact key costs in a cache without meaning. The only importer of it. Imported by registry.ts.
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { answerOf, isAnswerOf, storedQuestions } from '../data/world.js';
import { figuresOf, timeAwaited } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';
import { loadSubject } from './answers-load.js';

/** `get` by the question itself as the key. */
export const bentoCache: SubjectFactory = async ({ n, quick }) => {
  const stored = storedQuestions(n as number);
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: 2 * stored.length, serialize: false }));
  const cache = new BentoCache({ default: 'memory', stores: { memory: store } });
  for (const question of stored) await cache.set({ key: question, value: answerOf(question) });
  const ask = async (i: number) => {
    const question = stored[i % stored.length] as string;
    return { right: isAnswerOf(question, await cache.get({ key: question })) };
  };
  return {
    variants: [{ embedded: 'without', note: 'memory driver, serialize: false; the question is the key' }],
    async run() {
      await timeAwaited(2_000, ask);
      const { latenciesUs, recall } = await timeAwaited(quick ? 10_000 : 50_000, ask);
      return figuresOf(latenciesUs, { recall });
    },
    close: () => cache.disconnectAll(),
  };
};

/** `getOrSet` by the question itself as the key, in front of the origin of the mixed load. */
export const bentoCacheLoad: SubjectFactory = (job) => {
  const store = bentostore().useL1Layer(memoryDriver({ maxItems: 100_000, serialize: false }));
  const cache = new BentoCache({ default: 'memory', stores: { memory: store } });
  const answering = {
    ask: (key: string, factory: () => Promise<string>) => cache.getOrSet({ key, factory, ttl: '1d' }),
    close: () => cache.disconnectAll(),
  };
  return loadSubject(job, answering, 'memory driver, exact key only');
};
