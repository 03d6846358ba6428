// Runs a cross-encoder over one pair at a time, in a worker thread. Started by pair-onnx.ts, imported by nobody.
import { workerData } from 'node:worker_threads';
import { task } from '../workers/task.js';
import { parseObject, readModelFile } from './model-files.js';
import { openSession, runPairSession } from './onnx-session.js';
import type { PairInput, PairWorkerData } from './pair-protocol.js';
import { createPairTokenizer, type PairTokens } from './tokenizer.js';

interface Model {
  readonly session: Awaited<ReturnType<typeof openSession>>;
  readonly tokenize: (a: string, b: string) => PairTokens;
}

const settings = workerData as PairWorkerData;
let loading: Promise<Model> | undefined;

async function load(): Promise<Model> {
  const config = await readModelFile(settings, 'tokenizerConfig', parseObject);
  const tokenize = await readModelFile(settings, 'tokenizer', (bytes) =>
    createPairTokenizer(parseObject(bytes), config, settings.maxTokens),
  );
  const session = await readModelFile(settings, 'model', (bytes) => openSession(bytes, settings.shared));
  return { session, tokenize };
}

async function answer([a, b]: PairInput): Promise<number> {
  loading ??= load();
  const { session, tokenize } = await loading.catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  const { ids, types } = tokenize(a, b);
  return runPairSession(session, ids, types);
}

export const run = task(answer);
