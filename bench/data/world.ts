// The texts of the whole-cache cases, their vectors and answers, and the embedder over them. Imported by the fixture and the cache contenders.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Embedder, Embedding } from '#dist/core/embedder.js';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import type { Embedded, Ground } from '../types.js';
import {
  baseQuestions,
  fillerQuestion,
  rewordedQuestions,
  strangeQuestion,
  warmUpQuestions,
} from './questions.js';
import { vectorData } from './vectors.js';

/** Length of all vectors. */
export const dimension = 384;
/** Strange questions that have a vector to be looked up. */
export const strangeCount = 3_000;
/** Texts that the model embeds once for all, in the order of the vector file. */
export const embeddedTexts: readonly string[] = [...baseQuestions, ...rewordedQuestions, ...warmUpQuestions];

/** The name of the vector file in the directory of a run. */
export const vectorFile = 'questions.f32';
/** The prepared cache directory in the directory of a run. */
export const cacheFolder = 'cache';

// Looked up or made anew, a text has the same vector, so one directory serves both.
const fingerprint = '5e'.repeat(32);
const answerText =
  'Short answers are rare: this one has the length of a paragraph, because that is what a language model returns. '.repeat(
    4,
  );

/** The stored answer; its `id` says to which question it belongs. */
export function answerOf(question: string): { id: string; text: string } {
  return { id: question, text: answerText };
}

/** Whether a value that came out of a cache is the answer to `question`. */
export function isAnswerOf(question: string, value: unknown): boolean {
  return (value as { id?: unknown } | undefined)?.id === question;
}

/** The `n` stored questions: the base questions, then fillers. */
export function storedQuestions(n: number): string[] {
  return Array.from({ length: n }, (_, i) => baseQuestions[i] ?? fillerQuestion(i));
}

/** Vectors of fillers and strange questions, from the seed; a strange one lies near nothing that is stored. */
export function inventedVectors(n: number, seed: number): Map<string, Float32Array> {
  const { rows } = vectorData('clustered', n + strangeCount, dimension, 0, seed);
  const vectors = new Map<string, Float32Array>();
  for (let i = baseQuestions.length; i < n + strangeCount; i++) {
    const text = i < n ? fillerQuestion(i) : strangeQuestion(i - n);
    vectors.set(text, rows.subarray(i * dimension, (i + 1) * dimension));
  }
  return vectors;
}

/** Adds the vectors that the fixture had the model make. */
export async function addEmbeddedVectors(
  vectors: Map<string, Float32Array>,
  { directory }: Ground,
): Promise<void> {
  const bytes = await readFile(join(directory, vectorFile));
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  for (const [i, text] of embeddedTexts.entries())
    vectors.set(text, all.slice(i * dimension, (i + 1) * dimension));
}

const embeddingOf = (vector: Float32Array): Embedding => ({
  vector,
  tokens: 16,
  truncated: false,
  matchable: true,
});

/** An embedder that either looks vectors up or has the model make them. */
export interface BenchEmbedder extends Embedder {
  /** `without` looks every vector up; `with` runs the model for each text but the fillers, whose vectors are invented. */
  embedded: Embedded;
}

/** Opens both ways at once: the model's workers are loaded, and idle while vectors are looked up. */
export async function benchEmbedder(vectors: ReadonlyMap<string, Float32Array>): Promise<BenchEmbedder> {
  const model = await onnxEmbedder();
  const embedder: BenchEmbedder = {
    embedded: 'with',
    name: 'bench',
    dimension,
    fingerprint,
    async embed(text, options) {
      const lookedUp =
        embedder.embedded === 'without' || text.startsWith('Which document') ? vectors.get(text) : undefined;
      return lookedUp === undefined ? model.embed(text, options) : embeddingOf(lookedUp);
    },
    warm: () => model.warm(),
    close: () => model.close(),
  };
  return embedder;
}
