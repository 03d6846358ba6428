// Tokenises, runs the model and pools, in a worker thread. Started by onnx.ts, imported by nobody.
import { workerData } from 'node:worker_threads';
import { task } from '../workers/task.js';
import { parseObject, readModelFile } from './model-files.js';
import type { OnnxInput, OnnxResult, OnnxWorkerData, Pooling } from './onnx-protocol.js';
import { openSession, runSession } from './onnx-session.js';
import { createTokenizer, type Tokens } from './tokenizer.js';

interface Model {
  readonly session: Awaited<ReturnType<typeof openSession>>;
  readonly tokenize: (text: string) => Tokens;
}

const settings = workerData as OnnxWorkerData;
let loading: Promise<Model> | undefined;

async function load(): Promise<Model> {
  const config = await readModelFile(settings, 'tokenizerConfig', parseObject);
  const tokenize = await readModelFile(settings, 'tokenizer', (bytes) =>
    createTokenizer(parseObject(bytes), config, settings.maxTokens),
  );
  const session = await readModelFile(settings, 'model', (bytes) => openSession(bytes, settings.shared));
  return { session, tokenize };
}

async function answer(input: OnnxInput): Promise<OnnxResult | Uint32Array> {
  loading ??= load();
  const model = await loading.catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return typeof input === 'string' ? embed(input, model) : count(input, model);
}

function count(texts: readonly string[], { tokenize }: Model): Uint32Array {
  const specials = tokenize('').total;
  return Uint32Array.from(texts, (text) => tokenize(text).total - specials);
}

async function embed(text: string, { session, tokenize }: Model): Promise<OnnxResult> {
  const { ids, total, truncated, matchable } = tokenize(text);
  const { values, tokens, dimension } = await runSession(session, ids);
  const vector = pool(values, tokens, dimension, settings.pooling);
  return { vector, tokens: total, truncated, matchable };
}

/** Pools n x d values, row-major, and scales the result to unit length. */
function pool(values: Float32Array, n: number, d: number, pooling: Pooling): Float32Array {
  const rows = pooling === 'cls' ? 1 : n;
  // The mean is the sum up to a factor, which the scaling takes out.
  const sum = new Float64Array(d);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let i = 0; i < d; i++, at++) sum[i] = (sum[i] as number) + (values[at] as number);
  }
  let squares = 0;
  for (let i = 0; i < d; i++) squares += (sum[i] as number) ** 2;
  const scale = 1 / Math.sqrt(squares);
  if (!Number.isFinite(squares) || !Number.isFinite(scale)) {
    throw new Error('the model gave no finite vector other than zero');
  }
  const vector = new Float32Array(d);
  for (let i = 0; i < d; i++) vector[i] = (sum[i] as number) * scale;
  return vector;
}

export const run = task(answer);
