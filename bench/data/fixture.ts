// Fills one cache directory that the whole-cache cases copy, once a run. Imported by contenders/registry.ts.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCache } from '#dist/open.js';
import type { SubjectFactory } from '../types.js';
import {
  answerOf,
  benchEmbedder,
  cacheFolder,
  dimension,
  embeddedTexts,
  inventedVectors,
  storedQuestions,
  vectorFile,
} from './world.js';

const writtenAtOnce = 2_500;

/** Embeds the questions with the model and stores `n` answers through the cache's own face. */
export const fixture: SubjectFactory = async ({ n, seed }, { directory }) => {
  const count = n as number;
  const embedder = await benchEmbedder(inventedVectors(count, seed));
  const vectors = await Promise.all(embeddedTexts.map((text) => embedder.embed(text)));
  const all = new Float32Array(embeddedTexts.length * dimension);
  for (const [i, { vector }] of vectors.entries()) all.set(vector, i * dimension);
  await writeFile(join(directory, vectorFile), all);
  const cache = await openCache({
    embedder,
    env: {},
    file: null,
    cache: { directory: join(directory, cacheFolder), maxEntries: count },
  });
  const questions = storedQuestions(count);
  for (let i = 0; i < count; i += writtenAtOnce) {
    const part = questions.slice(i, i + writtenAtOnce);
    await Promise.all(part.map((question) => cache.set(question, answerOf(question))));
  }
  await cache.close();
  return {
    variants: [],
    run: async () => Promise.reject(new Error('a fixture is not measured')),
    async close() {},
  };
};
