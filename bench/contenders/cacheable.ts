// cacheable with its memory store: what an exact key costs in a cache without meaning. The only importer of it. Imported by registry.ts.
import { Cacheable } from 'cacheable';
import { answerOf, isAnswerOf, storedQuestions } from '../data/world.js';
import { figuresOf, timeAwaited } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';

/** `get` by the question itself as the key. */
export const cacheable: SubjectFactory = async ({ n, quick }) => {
  const stored = storedQuestions(n as number);
  const cache = new Cacheable();
  for (const question of stored) await cache.set(question, answerOf(question));
  const ask = async (i: number) => {
    const question = stored[i % stored.length] as string;
    return { right: isAnswerOf(question, await cache.get(question)) };
  };
  return {
    variants: [{ embedded: 'without', note: 'its memory store as it comes; the question is the key' }],
    async run() {
      await timeAwaited(2_000, ask);
      const { latenciesUs, recall } = await timeAwaited(quick ? 10_000 : 50_000, ask);
      return figuresOf(latenciesUs, { recall });
    },
    close: () => cache.disconnect(),
  };
};
