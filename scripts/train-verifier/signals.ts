// Embeds texts and scores pairs with the models of the package, keeping both in a folder so that a second run is quick.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { onnxPairModel } from '#dist/embed/pair-onnx.js';

const dimension = 384;
const chunk = 400;

/** What the models say, read from the folder or worked out. */
export class Signals {
  readonly #folder: string;
  readonly #vectors = new Map<string, Float32Array>();
  readonly #logits = new Map<string, number>();
  embedder = '';
  pairModel = '';

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    const texts = readLines<string>(this.#path('texts.jsonl'));
    if (texts.length > 0) {
      const bytes = readFileSync(this.#path('vectors.f32'));
      const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, texts.length * dimension);
      for (const [i, text] of texts.entries())
        this.#vectors.set(text, numbers.subarray(i * dimension, (i + 1) * dimension));
    }
    for (const [a, b, logit] of readLines<[string, string, number]>(this.#path('logits.jsonl')))
      this.#logits.set(keyOf(a, b), logit);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  vector(text: string): Float32Array {
    const found = this.#vectors.get(text);
    if (found === undefined) throw new Error(`no vector of ${text}`);
    return found;
  }

  logit(a: string, b: string): number {
    const found = this.#logits.get(keyOf(a, b));
    if (found === undefined) throw new Error(`no logit of ${a} / ${b}`);
    return found;
  }

  cosine(a: string, b: string): number {
    const [x, y] = [this.vector(a), this.vector(b)];
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += (x[i] as number) * (y[i] as number);
    return sum;
  }

  /** Embeds what is missing; about 2 ms a text. */
  async embed(texts: Iterable<string>): Promise<void> {
    const missing = [...new Set(texts)].filter((text) => !this.#vectors.has(text));
    const embedder = await onnxEmbedder();
    this.embedder = embedder.fingerprint;
    for (let i = 0; i < missing.length; i += chunk) {
      const some = missing.slice(i, i + chunk);
      const vectors = await Promise.all(some.map(async (text) => (await embedder.embed(text)).vector));
      for (const [at, text] of some.entries()) {
        this.#vectors.set(text, vectors[at] as Float32Array);
        appendFileSync(this.#path('vectors.f32'), Buffer.from((vectors[at] as Float32Array).slice().buffer));
        appendFileSync(this.#path('texts.jsonl'), `${JSON.stringify(text)}\n`);
      }
      progress('texts embedded', i + some.length, missing.length);
    }
    await embedder.close();
  }

  /** Scores what is missing; about 8 ms a pair. */
  async score(pairs: Iterable<{ readonly a: string; readonly b: string }>): Promise<void> {
    const missing = new Map<string, { readonly a: string; readonly b: string }>();
    for (const pair of pairs) {
      const key = keyOf(pair.a, pair.b);
      if (!this.#logits.has(key)) missing.set(key, pair);
    }
    const model = await onnxPairModel({ timeoutMs: 600_000, maxQueue: 4 * chunk });
    this.pairModel = model.fingerprint;
    const all = [...missing.values()];
    for (let i = 0; i < all.length; i += chunk) {
      const some = all.slice(i, i + chunk);
      const logits = await Promise.all(some.map(({ a, b }) => model.score(a, b)));
      const lines = some.map(({ a, b }, at) => JSON.stringify([a, b, logits[at]]));
      for (const [at, { a, b }] of some.entries()) this.#logits.set(keyOf(a, b), logits[at] as number);
      appendFileSync(this.#path('logits.jsonl'), `${lines.join('\n')}\n`);
      progress('pairs scored', i + some.length, all.length);
    }
    await model.close();
  }
}

const keyOf = (a: string, b: string) => (a < b ? `${a}\0${b}` : `${b}\0${a}`);

function progress(what: string, done: number, all: number): void {
  if (done % (10 * chunk) === 0 || done === all) console.error(`${what}: ${done} of ${all}`);
}

function readLines<T>(path: string): T[] {
  if (!existsSync(path)) writeFileSync(path, '');
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
