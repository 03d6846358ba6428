// Real vectors: texts embedded by the model of the package, once, and kept in a directory of the system's temporary ones. Imported by
// data/prepare.ts and fit.ts.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { benchTexts } from './texts.js';

const textsAtOnce = 500;

/** Where vectors are kept between runs; the user's own, because temporary directories are shared. */
export function vectorCache(): string {
  const directory = join(tmpdir(), `llm-cache-bench-vectors-${userInfo().uid}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** Embedded texts: n x d, row-major, rows of unit length. */
export interface RealVectors {
  readonly name: string;
  readonly rows: Float32Array;
  readonly n: number;
  readonly d: number;
}

/** The vectors of all texts that are there, shuffled by no one: neighbours in the file may mean the same. Cost: a second per 1,000 texts, once. */
export async function realVectors(file?: string): Promise<RealVectors> {
  const { name, texts } = benchTexts(file);
  const embedder = await onnxEmbedder();
  try {
    const d = embedder.dimension;
    const digest = createHash('sha256').update(embedder.fingerprint);
    for (const text of texts) digest.update(`\n${text}`);
    const kept = join(vectorCache(), `real-${digest.digest('hex').slice(0, 16)}.f32`);
    const bytes = 4 * d * texts.length;
    if (existsSync(kept)) {
      const content = readFileSync(kept);
      if (content.length === bytes) {
        const rows = new Float32Array(content.buffer, content.byteOffset, bytes / 4);
        return { name, rows, n: texts.length, d };
      }
    }
    const rows = new Float32Array(d * texts.length);
    for (let i = 0; i < texts.length; i += textsAtOnce) {
      const some = texts.slice(i, i + textsAtOnce);
      const embeddings = await Promise.all(some.map((text) => embedder.embed(text)));
      for (const [at, { vector }] of embeddings.entries()) rows.set(vector, (i + at) * d);
    }
    const half = `${kept}.${process.pid}`;
    writeFileSync(half, new Uint8Array(rows.buffer));
    renameSync(half, kept);
    return { name, rows, n: texts.length, d };
  } finally {
    await embedder.close();
  }
}
