// Runs an embedding model in a worker thread; the only importer of onnxruntime-node. Started by onnx.ts, imported by nobody.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { task } from '../workers/task.js';
import type { ModelFiles, OnnxResult, OnnxWorkerData, Pooling } from './onnx-protocol.js';
import { createTokenizer, type Tokens } from './tokenizer.js';

interface Model {
  readonly session: InferenceSession;
  readonly tokenize: (text: string) => Tokens;
}

const settings = workerData as OnnxWorkerData;
let loading: Promise<Model> | undefined;

/** Reads a file and makes something of it; an error names the file. */
async function from<T>(which: keyof ModelFiles, make: (bytes: Buffer) => T | Promise<T>): Promise<T> {
  const path = settings.paths[which];
  try {
    const bytes = await readFile(path);
    if (createHash('sha256').update(bytes).digest('hex') !== settings.digests[which]) {
      throw new Error('it has changed since the embedder was opened; open it again');
    }
    return await make(bytes);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

function parse(bytes: Buffer): object {
  const value: unknown = JSON.parse(bytes.toString());
  if (typeof value !== 'object' || value === null) throw new Error('it holds no JSON object');
  return value;
}

async function load(): Promise<Model> {
  const config = await from('tokenizerConfig', parse);
  const tokenize = await from('tokenizer', (bytes) =>
    createTokenizer(parse(bytes), config, settings.maxTokens),
  );
  const session = await from('model', (bytes) =>
    InferenceSession.create(bytes, {
      // One thread a session: workers are the parallelism, and a second thread would take the core of another worker. With
      // one thread there is no thread pool, so its spinning options have no effect.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // Measured at 12, 64 and 256 tokens: with the arena or the memory pattern off, runs took 0 to 4 % longer.
      enableCpuMemArena: true,
      enableMemPattern: true,
      logSeverityLevel: 3,
    }),
  );
  return { session, tokenize };
}

function tensor(length: number, value: (index: number) => bigint): Tensor {
  const data = new BigInt64Array(length);
  for (let i = 0; i < length; i++) data[i] = value(i);
  return new Tensor('int64', data, [1, length]);
}

async function embed(text: string): Promise<OnnxResult> {
  loading ??= load();
  const { session, tokenize } = await loading.catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  const { ids, total, truncated, matchable } = tokenize(text);
  const feeds: Record<string, Tensor> = {};
  for (const name of session.inputNames) {
    if (name === 'input_ids') feeds[name] = tensor(ids.length, (i) => BigInt(ids[i] as number));
    else if (name === 'attention_mask') feeds[name] = tensor(ids.length, () => 1n);
    else if (name === 'token_type_ids') feeds[name] = tensor(ids.length, () => 0n);
    else throw new Error(`the model wants an input ${name}, which is not known here`);
  }
  const outputs = await session.run(feeds);
  const output = outputs[session.outputNames[0] as string];
  if (output?.type !== 'float32' || output.dims.length !== 3 || output.dims[1] !== ids.length) {
    throw new Error('the first output of the model is not a float32 tensor [1, tokens, dimension]');
  }
  const vector = pool(output.data as Float32Array, ids.length, output.dims[2] as number, settings.pooling);
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

export const run = task(embed);
