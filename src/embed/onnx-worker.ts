// Tokenises, runs the model and pools, in a worker thread. Started by onnx.ts, imported by nobody.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { workerData } from 'node:worker_threads';
import { task } from '../workers/task.js';
import type { ModelFiles, OnnxInput, OnnxResult, OnnxWorkerData, Pooling } from './onnx-protocol.js';
import { openSession, runSession } from './onnx-session.js';
import { createTokenizer, type Tokens } from './tokenizer.js';

interface Model {
  readonly session: Awaited<ReturnType<typeof openSession>>;
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
  const session = await from('model', (bytes) => openSession(bytes, settings.shared));
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
