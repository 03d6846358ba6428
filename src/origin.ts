// What happens on a miss: the caller's function runs, and its answer becomes an entry. cache.ts imports it.
import type { Generate } from './cache-types.js';
import type { Cascade, Query } from './cascade.js';
import type { Clock } from './core/clock.js';
import type { Embedding } from './core/embedder.js';
import type { Entry, Epoch } from './core/entry.js';
import { InvalidArgumentError } from './core/errors.js';
import type { Labels } from './core/labels.js';
import type { Lease } from './core/lease.js';
import type { Ledger } from './core/ledger.js';
import { type SealedValue, seal } from './core/value.js';

/** What the origin needs to know of its cache. */
export interface OriginParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Milliseconds an entry lives unless a call says otherwise; `Infinity` for ever. */
  readonly ttlMs: number;
  /** Throws `InvalidArgumentError` for what no tier could store. */
  readonly checkValue: (value: unknown) => void;
}

/** What is known of an answer besides its value. */
export interface Circumstances {
  readonly query: Query;
  readonly embedding: Embedding | undefined;
  /** The latest removal known when the lookup began. */
  readonly epoch: Epoch;
  readonly labels: Labels;
  readonly ttlMs: number | undefined;
  /** Milliseconds that the generation took. */
  readonly costMs?: number | undefined;
}

/** How an answer is written. */
export interface Writing {
  /** Nothing is stored once this is another's. */
  readonly lease?: Lease | undefined;
  /** An older answer may be stored anywhere, and must go. Default false. */
  readonly replace?: boolean | undefined;
}

/** An answer as it is handed out. */
export interface Generated {
  readonly value: unknown;
  /** False for what cannot be serialised, which cannot be shared with other callers either. */
  readonly storable: boolean;
  /** Resolves when it is stored, or is not going to be. */
  readonly settled: Promise<unknown>;
}

/** Runs generations and stores what they give. */
export class Origin {
  readonly #parts: OriginParts;
  readonly #cascade: Cascade;
  #closed = false;

  constructor(parts: OriginParts, cascade: Cascade) {
    this.#parts = parts;
    this.#cascade = cascade;
  }

  /** Runs the caller's function; storing its answer is left to the background. @throws what the function throws */
  async generate<T>(
    generate: Generate<T>,
    about: Circumstances,
    writing: Writing,
    signal: AbortSignal,
  ): Promise<Generated> {
    const { labels, embedding } = about;
    // Everybody may have left during the lookup, which does not always look.
    signal.throwIfAborted();
    const started = this.#parts.clock.mono();
    const value = await generate({
      signal,
      vector: embedding?.vector,
      addTags: (...tags) => labels.addTags(...tags),
      addSources: (...sources) => labels.addSources(...sources),
    });
    const costMs = this.#parts.clock.mono() - started;
    let sealed: SealedValue;
    try {
      sealed = this.seal(value);
    } catch {
      return { value, storable: false, settled: Promise.resolve() };
    }
    const settled = this.#closed
      ? Promise.resolve()
      : this.#keep(this.entry(sealed, { ...about, costMs }), about.query, writing);
    return { value: sealed.read(), storable: true, settled };
  }

  /** A value as it can be kept. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
  seal(value: unknown): SealedValue {
    this.#parts.checkValue(value);
    try {
      return seal(value);
    } catch (error) {
      throw new InvalidArgumentError('value', 'a value that can be copied', value, { cause: error });
    }
  }

  entry(value: SealedValue, { query, embedding, epoch, labels, ttlMs, costMs }: Circumstances): Entry {
    const createdAtMs = this.#parts.clock.wall();
    const { text, key, scope } = query;
    const most = this.#cascade.policies.for(text, scope.fields).ttlMs ?? Number.POSITIVE_INFINITY;
    return {
      key,
      scope: scope.id,
      embedder: scope.embedder,
      question: text,
      ...(embedding?.matchable ? { vector: embedding.vector } : {}),
      value: value.read(),
      createdAtMs,
      expiresAtMs: createdAtMs + Math.min(most, ttlMs ?? this.#parts.ttlMs),
      epoch,
      ...(costMs === undefined ? {} : { costMs }),
      ...labels.read(),
    };
  }

  /** From now on answers are handed out and not stored. */
  close(): void {
    this.#closed = true;
  }

  async #keep(entry: Entry, query: Query, { lease, replace }: Writing): Promise<void> {
    // What was removed while it was generated is dead on arrival.
    if (!this.#parts.ledger.isAlive(entry)) return;
    if (!this.#cascade.policies.for(query.text, query.scope.fields).store) return;
    if (replace) await this.#cascade.replace(entry, query, true);
    else await this.#cascade.store(entry, lease);
  }
}

/** Refuses what is no time to live. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkTtl(ttlMs: number | undefined): void {
  if (ttlMs !== undefined && !(typeof ttlMs === 'number' && ttlMs > 0)) {
    throw new InvalidArgumentError('ttlMs', 'a positive number of milliseconds', ttlMs);
  }
}
