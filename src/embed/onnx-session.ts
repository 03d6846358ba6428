// Opens and runs an ONNX model; the only importer of onnxruntime-node. For onnx-worker.ts and pair-worker.ts.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { SharedWeights } from './model-files.js';

/** Values of the model's first output: tokens x dimension, row-major. */
export interface Hidden {
  readonly values: Float32Array;
  readonly tokens: number;
  readonly dimension: number;
}

// States of the preparation, in the first cell of the shared memory; the second counts the workers that have loaded.
const untouched = 0;
const underWay = 1;
const ready = 2;
const unusable = 3;
const longestWaitMs = 10_000;

const options: InferenceSession.SessionOptions = {
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
};

/**
 * A session on the model. Workers that share weights map one file of them, laid out for this processor, instead of holding a
 * copy each: two copies do not fit a cache of 32 MB, and two workers at once then took 1.3 to 1.6 times as long a text as one
 * alone; with one copy they take the same (measured with all-MiniLM-L6-v2). The numbers that come out are equal bit for bit.
 */
export async function openSession(
  bytes: Uint8Array,
  shared: SharedWeights | undefined,
): Promise<InferenceSession> {
  if (shared === undefined) return InferenceSession.create(bytes, options);
  const state = new Int32Array(shared.memory);
  if (Atomics.compareExchange(state, 0, untouched, underWay) === untouched) {
    const outcome = await prepare(bytes, shared.directory);
    Atomics.store(state, 0, outcome);
    Atomics.notify(state, 0);
  } else {
    // Only this worker's thread is held up.
    Atomics.wait(state, 0, underWay, longestWaitMs);
  }
  const session = await loadPrepared(state, shared.directory);
  // The last one to load takes the files away; what is mapped stays. A worker that is replaced later holds its own copy.
  if (Atomics.add(state, 1, 1) + 1 === shared.workers) {
    Atomics.store(state, 0, unusable);
    rmSync(shared.directory, { recursive: true, force: true });
  }
  return session ?? InferenceSession.create(bytes, options);
}

/** Writes the optimised model with its weights beside it; what the disk or the system refuses only costs the sharing. */
async function prepare(bytes: Uint8Array, directory: string): Promise<number> {
  try {
    mkdirSync(directory, { mode: 0o700 });
    const session = await InferenceSession.create(bytes, {
      ...options,
      optimizedModelFilePath: join(directory, 'model.onnx'),
      extra: {
        session: {
          save_external_prepacked_constant_initializers: '1',
          optimized_model_external_initializers_file_name: 'weights',
          optimized_model_external_initializers_min_size_in_bytes: '1024',
        },
      },
    });
    await session.release();
    return ready;
  } catch {
    return unusable;
  }
}

async function loadPrepared(state: Int32Array, directory: string): Promise<InferenceSession | undefined> {
  if (Atomics.load(state, 0) !== ready) return undefined;
  try {
    return await InferenceSession.create(join(directory, 'model.onnx'), {
      ...options,
      graphOptimizationLevel: 'disabled',
    });
  } catch {
    return undefined;
  }
}

/** Runs one text's token ids. */
export async function runSession(session: InferenceSession, ids: readonly number[]): Promise<Hidden> {
  const { data, dims } = await runIds(session, ids, undefined);
  if (!(data instanceof Float32Array) || dims.length !== 3 || dims[1] !== ids.length) {
    throw new Error('the first output of the model is not a float32 tensor [1, tokens, dimension]');
  }
  return { values: data, tokens: ids.length, dimension: dims[2] as number };
}

/** Runs the token ids of a pair, `types` saying which text each belongs to; gives the one number that comes out. */
export async function runPairSession(
  session: InferenceSession,
  ids: readonly number[],
  types: readonly number[],
): Promise<number> {
  const { data } = await runIds(session, ids, types);
  const [logit] = data as Float32Array;
  if (!(data instanceof Float32Array) || data.length !== 1 || !Number.isFinite(logit)) {
    throw new Error('the first output of the model is not one finite float32 number');
  }
  return logit as number;
}

async function runIds(
  session: InferenceSession,
  ids: readonly number[],
  types: readonly number[] | undefined,
): Promise<Pick<Tensor, 'data' | 'dims'>> {
  const feeds: Record<string, Tensor> = {};
  for (const name of session.inputNames) {
    if (name === 'input_ids') feeds[name] = tensor(ids.length, (i) => BigInt(ids[i] as number));
    else if (name === 'attention_mask') feeds[name] = tensor(ids.length, () => 1n);
    else if (name === 'token_type_ids') feeds[name] = tensor(ids.length, (i) => BigInt(types?.[i] ?? 0));
    else throw new Error(`the model wants an input ${name}, which is not known here`);
  }
  const outputs = await session.run(feeds);
  const output = outputs[session.outputNames[0] as string];
  if (output === undefined) throw new Error('the model has no output');
  return output;
}

function tensor(length: number, value: (index: number) => bigint): Tensor {
  const data = new BigInt64Array(length);
  for (let i = 0; i < length; i++) data[i] = value(i);
  return new Tensor('int64', data, [1, length]);
}
