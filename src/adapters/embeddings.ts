// Vectors of texts that were embedded before, by exact text and model. The public face exports it; the adapters stand on it.
import { type Clock, systemClock } from '../core/clock.js';
import { InvalidArgumentError } from '../core/errors.js';
import { native } from '../core/native.js';
import { Scope } from '../core/scope.js';
import type { Tier } from '../core/tier.js';
import { ExactTiers } from './exact.js';

/** How an embeddings cache is made. */
export interface EmbeddingsCacheOptions {
  /** Asked in this order; at least one. They stay the caller's. */
  readonly tiers: readonly Tier[];
  /** Name of the model, with whatever else changes its vectors (provider, dimensions). Vectors of one model are never given for another. */
  readonly model: string;
  /** Milliseconds that a vector is kept; default until it is evicted, for a model does not change. */
  readonly ttlMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** What became of the texts of a call. */
export interface EmbeddedTexts {
  /** One for each text, in their order. */
  readonly vectors: readonly Float32Array[];
  /** Texts whose vector was at hand. */
  readonly hits: number;
}

/**
 * Remembers what an embedding model said, in memory, on disk or in Redis. A text counts as it is: case and white space change
 * vectors. A tier that fails is a miss.
 * @example const { vectors } = await embeddings.embed(texts, (missing) => model.embed(missing));
 */
export class EmbeddingsCache {
  readonly #exact: ExactTiers;
  readonly #scope: Scope;
  readonly #ttlMs: number;

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
  constructor({
    tiers,
    model,
    ttlMs = Number.POSITIVE_INFINITY,
    clock = systemClock,
  }: EmbeddingsCacheOptions) {
    if (typeof model !== 'string' || model === '') throw new InvalidArgumentError('model', 'a name', model);
    if (!(ttlMs > 0)) throw new InvalidArgumentError('ttlMs', 'above 0', ttlMs);
    this.#exact = new ExactTiers(tiers, clock, () => {});
    this.#scope = new Scope({ model, extra: { kind: 'embeddings' } }, 'embeddings');
    this.#ttlMs = ttlMs;
  }

  /**
   * The vectors of the texts. `embed` is asked once, for the different texts that are not at hand, and answers one vector each in
   * their order; what it throws is thrown.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when it answers another number of vectors
   */
  async embed(
    texts: readonly string[],
    embed: (missing: string[]) => Promise<readonly ArrayLike<number>[]>,
  ): Promise<EmbeddedTexts> {
    const found = new Map<string, Float32Array | undefined>();
    await Promise.all([...new Set(texts)].map(async (text) => void found.set(text, await this.get(text))));
    const missing = [...found.keys()].filter((text) => found.get(text) === undefined);
    const hits = texts.filter((text) => found.get(text) !== undefined).length;
    if (missing.length > 0) {
      const made = await embed([...missing]);
      if (!Array.isArray(made) || made.length !== missing.length) {
        throw new InvalidArgumentError('embed', `answering ${missing.length} vectors`, made);
      }
      await Promise.all(
        missing.map((text, at) => {
          const vector = Float32Array.from(made[at] as ArrayLike<number>);
          found.set(text, vector);
          return this.set(text, vector);
        }),
      );
    }
    return { vectors: texts.map((text) => found.get(text) as Float32Array), hits };
  }

  /** The vector of a text, the caller's own. */
  async get(text: string): Promise<Float32Array | undefined> {
    const value = await this.#exact.get(this.#key(text), this.#scope);
    return value instanceof Float32Array ? value : undefined;
  }

  /** Remembers a vector; true when a tier holds it. */
  set(text: string, vector: Float32Array): Promise<boolean> {
    return this.#exact.set(this.#key(text), this.#scope, '', vector, this.#ttlMs);
  }

  #key(text: string): string {
    return native.sha256Fields(['embedding/1', this.#scope.id, text]);
  }
}
