// llm-semantic-cache 0.1.3 over the same embedder, entries and questions; the only importer of it. Imported by registry.ts.
import { createCache } from 'llm-semantic-cache';
import { defaultMinSimilarity } from '#dist/decide/policy.js';
import { baseQuestions, rewordedQuestions, strangeQuestion, warmUpQuestions } from '../data/questions.js';
import {
  addEmbeddedVectors,
  answerOf,
  benchEmbedder,
  inventedVectors,
  isAnswerOf,
  storedQuestions,
  strangeCount,
} from '../data/world.js';
import { figuresOf, type Told, timeAwaited } from '../harness/measure.js';
import type { CaseName, Embedded, SubjectFactory } from '../types.js';

function question(
  name: CaseName,
  stored: readonly string[],
  index: number,
  embedded: Embedded,
): [asked: string, answer: string] {
  if (name === 'miss') return [strangeQuestion(embedded === 'with' ? strangeCount + index : index), ''];
  if (name === 'tier-a-exact') {
    // Spread over the entries: its scan passes all of them anyway.
    const asked = stored[(index * 37) % stored.length] as string;
    return [asked, asked];
  }
  const at = index % rewordedQuestions.length;
  return [rewordedQuestions[at] as string, baseQuestions[at % baseQuestions.length] as string];
}

/** Its `get`: one embedding and one pass over all entries, whether the question is stored to the letter or not. */
export const llmSemanticCache: SubjectFactory = async ({ case: name, n, seed, quick }, ground) => {
  const stored = storedQuestions(n as number);
  const vectors = inventedVectors(stored.length, seed);
  await addEmbeddedVectors(vectors, ground);
  const embedder = await benchEmbedder(vectors);
  await embedder.warm();
  let embedMs = 0;
  const cache = await createCache({
    threshold: defaultMinSimilarity,
    maxEntries: stored.length + 1,
    // Its type asks for number[], its code takes any array of numbers; this is the cheaper one for it.
    embedFn: async (text) => {
      const started = performance.now();
      const { vector } = await embedder.embed(text);
      embedMs = performance.now() - started;
      return vector as unknown as number[];
    },
  });
  embedder.embedded = 'without';
  for (const text of stored) await cache.set(text, JSON.stringify(answerOf(text)));

  const asked: Record<Embedded, number> = { with: 0, without: 0 };
  async function ask(index: number, embedded: Embedded): Promise<Told> {
    const [text, answer] = question(name, stored, index, embedded);
    const hit = await cache.get(text);
    const right = hit === null ? name === 'miss' : isAnswerOf(answer, JSON.parse(hit.response));
    return { right, excludedUs: embedded === 'without' ? embedMs * 1e3 : 0 };
  }

  const kinds = ['without', 'with'] as const;
  return {
    variants: kinds.map((embedded) => ({
      embedded,
      note: `threshold ${defaultMinSimilarity}, same embedder${embedded === 'without' ? '; vector looked up, embedding subtracted' : ''}`,
    })),
    async run(variant) {
      const embedded = kinds[variant] as Embedded;
      embedder.embedded = embedded;
      for (const text of warmUpQuestions.slice(0, 1)) await cache.get(text);
      const first = asked[embedded];
      const calls = quick ? 6 : 50;
      asked[embedded] += calls;
      const { latenciesUs, recall } = await timeAwaited(calls, (i) => ask(first + i, embedded));
      return figuresOf(latenciesUs, { recall });
    },
    close: () => embedder.close(),
  };
};
