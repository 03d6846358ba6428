// The bare model run on one thread: the floor of embed-one, and the judge of the others' vectors. The only importer of onnxruntime-node within bench/.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { createTokenizer } from '#dist/embed/tokenizer.js';
import { twelveTokens } from '../data/questions.js';
import { figuresOf, timeAwaited } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';

/** The folder with the weights that every embedding contender runs. */
export const modelDirectory = fileURLToPath(new URL('../../models/all-MiniLM-L6-v2/', import.meta.url));

/** A session with one thread. */
export interface BareModel {
  /** Inputs of a text, ready to run. */
  feedsOf(text: string): Record<string, Tensor>;
  run(feeds: Record<string, Tensor>): Promise<Tensor>;
  /** Mean over the tokens, unit length. */
  vectorOf(text: string): Promise<Float32Array>;
}

/** Loads the model. @throws when a question has not the number of tokens that its name says */
export async function openBareModel(): Promise<BareModel> {
  const json = async (name: string) => JSON.parse(await readFile(modelDirectory + name, 'utf8')) as object;
  const tokenize = createTokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'), 256);
  const session = await InferenceSession.create(`${modelDirectory}model.onnx`, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const tensor = (values: readonly number[]) =>
    new Tensor(
      'int64',
      BigInt64Array.from(values, (value) => BigInt(value)),
      [1, values.length],
    );
  const tokens = tokenize(twelveTokens).ids.length;
  if (tokens !== 12) throw new Error(`expected a question of 12 tokens, got ${tokens}`);

  const model: BareModel = {
    feedsOf(text) {
      const { ids } = tokenize(text);
      const feeds: Record<string, Tensor> = {};
      for (const name of session.inputNames) {
        const value = name === 'attention_mask' ? 1 : 0;
        feeds[name] = tensor(name === 'input_ids' ? ids : ids.map(() => value));
      }
      return feeds;
    },
    async run(feeds) {
      return (await session.run(feeds))[session.outputNames[0] as string] as Tensor;
    },
    async vectorOf(text) {
      const { data, dims } = await model.run(model.feedsOf(text));
      const d = dims[2] as number;
      const sum = new Float32Array(d);
      for (const [at, value] of (data as Float32Array).entries())
        sum[at % d] = (sum[at % d] as number) + value;
      const length = Math.hypot(...sum);
      return sum.map((value) => value / length);
    },
  };
  return model;
}

/** Cosine above which two vectors count as the same one. */
const sameVector = 0.999;

let judge: Promise<BareModel> | undefined;

/** Share of texts to which `embed` gives the vector of the bare run. */
export async function agreement(
  texts: readonly string[],
  embed: (text: string) => Promise<ArrayLike<number>>,
): Promise<number> {
  judge ??= openBareModel();
  const model = await judge;
  let right = 0;
  for (const text of texts) {
    const [mine, bare] = [await embed(text), await model.vectorOf(text)];
    let product = 0;
    for (const [i, value] of bare.entries()) product += value * (mine[i] as number);
    if (product >= sameVector) right++;
  }
  return right / texts.length;
}

/** `session.run` and nothing else: tokens and tensors are made before. */
export const embedOne: SubjectFactory = async ({ quick }) => {
  const model = await openBareModel();
  const feeds = model.feedsOf(twelveTokens);
  return {
    variants: [{ note: 'session.run alone, one thread, ids made before' }],
    async run() {
      const once = async () => ({ right: (await model.run(feeds)).dims[1] === 12 });
      await timeAwaited(15, once);
      const { latenciesUs, recall } = await timeAwaited(quick ? 60 : 400, once);
      return figuresOf(latenciesUs, { recall });
    },
    async close() {},
  };
};
