// The ONNX embedder of this package in its workers. Imported by registry.ts.
import { type OnnxEmbedder, onnxEmbedder } from '#dist/embed/onnx.js';
import { twelveTokens } from '../data/questions.js';
import { burstTexts, measureBursts, measureLoopDelay, waiting } from '../harness/load.js';
import { figuresOf, timeAwaited } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';
import { agreement } from './onnxruntime.js';

async function open(workers?: number): Promise<OnnxEmbedder> {
  const embedder = await onnxEmbedder({ workers });
  await embedder.warm();
  return embedder;
}

const vectorBy = (embedder: OnnxEmbedder) => async (text: string) => (await embedder.embed(text)).vector;

/** One text after the other, one worker; every call runs the model. */
export const embedOne: SubjectFactory = async ({ quick }) => {
  const embedder = await open(1);
  const embed = vectorBy(embedder);
  const recall = await agreement([twelveTokens], embed);
  return {
    variants: [{ note: 'one worker; tokenizer and both hops included' }],
    async run() {
      const once = async () => ({ right: (await embed(twelveTokens)).length === embedder.dimension });
      await timeAwaited(15, once);
      const { latenciesUs } = await timeAwaited(quick ? 60 : 400, once);
      return figuresOf(latenciesUs, { recall });
    },
    close: () => embedder.close(),
  };
};

/** 64 texts waiting, all workers. */
export const embedThroughput: SubjectFactory = async ({ quick }) => {
  const embedder = await open();
  const embed = vectorBy(embedder);
  const recall = await agreement(burstTexts, embed);
  const burst = (texts: readonly string[], landed: (texts: number) => void) =>
    Promise.all(texts.map((text) => embed(text).then(() => landed(1))));
  return {
    variants: [{ note: `${embedder.stats().workers} workers, one text a run` }],
    async run() {
      await measureBursts(1, burst);
      return { ...(await measureBursts(quick ? 2 : 10, burst)), recall };
    },
    close: () => embedder.close(),
  };
};

/** The main thread's delay while all workers run and 64 texts wait. */
export const loopDelay: SubjectFactory = async ({ quick, runs }) => {
  const embedder = await open();
  return {
    variants: [{ note: 'all workers busy, 64 texts waiting; includes the 1 ms of the sampling timer' }],
    async run() {
      await measureLoopDelay(100, waiting, vectorBy(embedder));
      return measureLoopDelay(quick ? 2_000 / runs : 2_000, waiting, vectorBy(embedder));
    },
    close: () => embedder.close(),
  };
};
