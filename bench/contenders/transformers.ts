// @huggingface/transformers with the same quantised weights; the only importer of it. Imported by registry.ts.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env, type FeatureExtractionPipeline, pipeline } from '@huggingface/transformers';
import { twelveTokens } from '../data/questions.js';
import { burstTexts, measureBursts, measureLoopDelay, waiting } from '../harness/load.js';
import { figuresOf, timeAwaited } from '../harness/measure.js';
import type { Ground, SubjectFactory } from '../types.js';
import { agreement, modelDirectory } from './onnxruntime.js';

const dimension = 384;
// What its loader wants beside weights and tokenizer: the architecture of the model.
const config = {
  model_type: 'bert',
  architectures: ['BertModel'],
  hidden_size: 384,
  num_attention_heads: 12,
  num_hidden_layers: 6,
};

interface Extractor {
  readonly one: (text: string) => Promise<Float32Array>;
  readonly batch: (texts: readonly string[]) => Promise<Float32Array>;
  readonly close: () => Promise<unknown>;
}

/** A feature-extraction pipeline over symbolic links to this package's model; nothing is fetched. `threads`: default as it comes. */
async function open({ directory }: Ground, threads?: number): Promise<Extractor> {
  const folder = join(directory, `transformers-${process.pid}`, 'minilm');
  await mkdir(join(folder, 'onnx'), { recursive: true });
  await symlink(join(modelDirectory, 'model.onnx'), join(folder, 'onnx', 'model_quantized.onnx'));
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    await symlink(join(modelDirectory, file), join(folder, file));
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  env.allowRemoteModels = false;
  env.localModelPath = join(folder, '..');
  const session_options =
    threads === undefined ? {} : { intraOpNumThreads: threads, interOpNumThreads: threads };
  const extract = (await pipeline('feature-extraction', 'minilm', {
    dtype: 'q8',
    device: 'cpu',
    session_options,
  })) as FeatureExtractionPipeline;
  const embed = async (texts: string | string[]) =>
    (await extract(texts, { pooling: 'mean', normalize: true })).data as Float32Array;
  return { one: embed, batch: (texts) => embed([...texts]), close: () => extract.dispose() };
}

/** One text after the other on one thread, in the calling thread. */
export const embedOne: SubjectFactory = async ({ quick }, ground) => {
  const extractor = await open(ground, 1);
  const recall = await agreement([twelveTokens], extractor.one);
  return {
    variants: [{ note: 'q8, one thread; tokenizer and pooling included' }],
    async run() {
      const once = async () => ({ right: (await extractor.one(twelveTokens)).length === dimension });
      await timeAwaited(15, once);
      const { latenciesUs } = await timeAwaited(quick ? 60 : 400, once);
      return figuresOf(latenciesUs, { recall });
    },
    async close() {
      await extractor.close();
    },
  };
};

/** A way to embed 64 waiting texts: that many at a time. */
interface Way {
  readonly size: number;
  readonly rate: number;
  readonly recall: number;
}

/** 64 texts waiting, threads as the package chooses them: one by one, and in batches of the best size. */
export const embedThroughput: SubjectFactory = async ({ quick }, ground) => {
  const extractor = await open(ground);
  const inBatchesOf =
    (size: number): Parameters<typeof measureBursts>[1] =>
    async (texts, landed) => {
      for (let i = 0; i < texts.length; i += size) {
        const vectors = await extractor.batch(texts.slice(i, i + size));
        landed(vectors.length / dimension);
      }
    };
  const tryOut = async (size: number): Promise<Way> => {
    await measureBursts(1, inBatchesOf(size));
    const { opsPerS } = await measureBursts(quick ? 1 : 3, inBatchesOf(size));
    const vectors = new Map<string, Float32Array>();
    for (let i = 0; i < burstTexts.length; i += size) {
      const all = await extractor.batch(burstTexts.slice(i, i + size));
      for (let j = 0; j < all.length / dimension; j++) {
        vectors.set(burstTexts[i + j] as string, all.slice(j * dimension, (j + 1) * dimension));
      }
    }
    const recall = await agreement(
      burstTexts.slice(0, quick ? 12 : waiting),
      async (text) => vectors.get(text) as Float32Array,
    );
    return { size, rate: opsPerS as number, recall };
  };
  const single = await tryOut(1);
  const batches: Way[] = [];
  for (const size of quick ? [4, waiting] : [2, 4, 8, 16, waiting]) batches.push(await tryOut(size));
  const batch = batches.reduce((best, way) => (way.rate > best.rate ? way : best));
  const tried = batches.map(({ size, rate }) => `${size}: ${Math.round(rate)}/s`).join(', ');
  const ways = [single, batch];
  return {
    variants: ways.map((way) => {
      const name = way.size === 1 ? 'one by one' : `batches of ${way.size}`;
      const note = `q8, default threads, ${name}${way.size === 1 ? '' : ` (texts/s tried, by size: ${tried})`}`;
      return { note, way: name };
    }),
    async run(variant) {
      const { size, recall } = ways[variant] as Way;
      await measureBursts(1, inBatchesOf(size));
      return { ...(await measureBursts(quick ? 2 : 10, inBatchesOf(size))), recall };
    },
    async close() {
      await extractor.close();
    },
  };
};

/** The main thread's delay when the model runs there. */
export const loopDelay: SubjectFactory = async ({ quick, runs }, ground) => {
  const extractor = await open(ground);
  return {
    variants: [{ note: 'runs in the calling thread, one by one; includes the 1 ms of the sampling timer' }],
    async run() {
      await measureLoopDelay(50, 1, extractor.one);
      return measureLoopDelay(quick ? 1_000 / runs : 2_000, 1, extractor.one);
    },
    async close() {
      await extractor.close();
    },
  };
};
