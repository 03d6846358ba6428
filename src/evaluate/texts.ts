// Embeds texts, each once while it is remembered. Only evaluate/ and the root import it.
import type { Embedder, Embedding } from '../core/embedder.js';

/** Texts remembered before the older half is let go: 384 numbers each are 60 MB. */
const most = 20_000;

/** The embeddings of the rows at hand. */
export class Texts {
  readonly #embedder: Pick<Embedder, 'embed'>;
  readonly #atATime: number;
  #young = new Map<string, Embedding>();
  #old = new Map<string, Embedding>();

  /** `atATime`: texts that may wait for the embedder together. */
  constructor(embedder: Pick<Embedder, 'embed'>, atATime: number) {
    this.#embedder = embedder;
    this.#atATime = Math.max(1, atATime);
  }

  /** Embeds those that are not remembered; all of them are remembered until the next call at least. */
  async embed(texts: Iterable<string>, signal?: AbortSignal): Promise<void> {
    const wanted = [...new Set(texts)];
    if (this.#young.size + wanted.length > most) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    const missing: string[] = [];
    for (const text of wanted) {
      const known = this.#young.get(text) ?? this.#old.get(text);
      if (known === undefined) missing.push(text);
      else this.#young.set(text, known);
    }
    for (let i = 0; i < missing.length; i += this.#atATime) {
      signal?.throwIfAborted();
      const some = missing.slice(i, i + this.#atATime);
      const embeddings = await Promise.all(some.map((text) => this.#embedder.embed(text, { signal })));
      for (const [at, text] of some.entries()) this.#young.set(text, embeddings[at] as Embedding);
    }
  }

  /** The embedding of a text that the last call of `embed` named. */
  get(text: string): Embedding {
    const found = this.#young.get(text) ?? this.#old.get(text);
    if (found === undefined) throw new RangeError(`no vector of ${JSON.stringify(text)}`);
    return found;
  }
}

/** Cosine of two unit vectors. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
