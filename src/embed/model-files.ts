// The files of a model: where they lie, what they hash to, and how a worker reads them. onnx.ts, pair-onnx.ts and their workers import it.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../core/errors.js';

/** The files of a model, by path or by SHA-256 in hexadecimal. */
export interface ModelFiles {
  readonly model: string;
  readonly tokenizer: string;
  readonly tokenizerConfig: string;
}

/** How the workers of one model come to one copy of the weights. */
export interface SharedWeights {
  /** Does not exist yet; the first worker makes it, the last to load removes it. */
  readonly directory: string;
  /** Two cells of 32 bits. */
  readonly memory: SharedArrayBuffer;
  readonly workers: number;
}

/** What every worker with a model is started with. */
export interface ModelWorkerData {
  readonly paths: ModelFiles;
  /** A worker that starts later must not run other files than the fingerprint covers. */
  readonly digests: ModelFiles;
  /** Undefined for a single worker. */
  readonly shared: SharedWeights | undefined;
}

/** The files of a model in its folder; `tokenizers` where the tokenizer lies in another one. */
export function filesIn(directory: string, tokenizers = directory): ModelFiles {
  return {
    model: join(directory, 'model.onnx'),
    tokenizer: join(tokenizers, 'tokenizer.json'),
    tokenizerConfig: join(tokenizers, 'tokenizer_config.json'),
  };
}

/** Hashes the files, off the event loop. @throws {ConfigError} ERR_LLM_CACHE_CONFIG when one cannot be read */
export async function digestsOf(paths: ModelFiles): Promise<ModelFiles> {
  return {
    model: await fileDigest(paths.model),
    tokenizer: await fileDigest(paths.tokenizer),
    tokenizerConfig: await fileDigest(paths.tokenizerConfig),
  };
}

/** The directory's name cannot be guessed, and it is made with room for its owner alone. */
export function shareWeights(workers: number): SharedWeights | undefined {
  if (workers <= 1) return undefined;
  const directory = join(tmpdir(), `llm-tiered-cache-${randomUUID()}`);
  return { directory, memory: new SharedArrayBuffer(8), workers };
}

/** SHA-256 over fields, each preceded by its length. */
export function fingerprintOf(fields: readonly string[]): string {
  const hash = createHash('sha256');
  for (const field of fields) {
    const bytes = Buffer.from(field);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest('hex');
}

/** Reads a file in a worker and makes something of it; an error names the file. */
export async function readModelFile<T>(
  { paths, digests }: Pick<ModelWorkerData, 'paths' | 'digests'>,
  which: keyof ModelFiles,
  make: (bytes: Buffer) => T | Promise<T>,
): Promise<T> {
  const path = paths[which];
  try {
    const bytes = await readFile(path);
    if (createHash('sha256').update(bytes).digest('hex') !== digests[which]) {
      throw new Error('it has changed since the model was opened; open it again');
    }
    return await make(bytes);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

/** A JSON object. @throws {Error} for anything else */
export function parseObject(bytes: Buffer): object {
  const value: unknown = JSON.parse(bytes.toString());
  if (typeof value !== 'object' || value === null) throw new Error('it holds no JSON object');
  return value;
}

/** SHA-256 of a file in hexadecimal, in steps of 256 KB (about 0.2 ms each). */
async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 }))
      hash.update(chunk as Buffer);
  } catch (error) {
    throw new ConfigError(`model file ${path}: ${(error as Error).message}`, { cause: error });
  }
  return hash.digest('hex');
}
