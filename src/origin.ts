// What happens on a miss: the caller's function runs, and its answer becomes an entry. cache.ts imports it.
import type { Generate, GenerateContext, GenerateStream } from './cache-types.js';
import type { Cascade, Query } from './cascade.js';
import type { Clock } from './core/clock.js';
import type { Embedding } from './core/embedder.js';
import type { Entry, Epoch, Recording, Usage } from './core/entry.js';
import { InvalidArgumentError } from './core/errors.js';
import type { Labels } from './core/labels.js';
import type { Lease } from './core/lease.js';
import type { Ledger } from './core/ledger.js';
import { type SealedValue, seal } from './core/value.js';
import { type Freshness, keptStaleMs } from './freshness.js';
import { readUsage, usageOf } from './savings/usage.js';
import { type StoreHook, type StorePolicy, storePolicy } from './store-policy/policy.js';
import { LiveStream } from './streams/live.js';
import { joined, record, type StreamShape } from './streams/recording.js';
import { iteratorOf } from './streams/source.js';

/** What the origin needs to know of its cache. */
export interface OriginParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Milliseconds an entry lives unless a call says otherwise; `Infinity` for ever. */
  readonly ttlMs: number;
  /** Throws `InvalidArgumentError` for what no tier could store. */
  readonly checkValue: (value: unknown) => void;
  /** Default: all is kept but what says that it is no good answer. */
  readonly storePolicy?: StorePolicy | undefined;
  /** Bytes of a stream that are kept for those who join it, and for storing. Default 8 MiB. */
  readonly maxStreamBytes?: number | undefined;
  /** Counts the tokens of an answer that does not say them. Default: they stay unknown. */
  readonly countUsage?: ((query: Query, value: unknown) => Usage | undefined) | undefined;
}

/** What is known of an answer besides its value. */
export interface Circumstances {
  readonly query: Query;
  readonly embedding: Embedding | undefined;
  /** The latest removal known when the lookup began. */
  readonly epoch: Epoch;
  readonly labels: Labels;
  readonly ttlMs: number | undefined;
  readonly freshness: Freshness;
  /** Milliseconds that the generation took. */
  readonly costMs?: number | undefined;
  readonly usage?: Usage | undefined;
  readonly recording?: Recording | undefined;
}

/** How an answer is written. */
export interface Writing {
  /** Nothing is stored once this is another's. */
  readonly lease?: Lease | undefined;
  /** An older answer may be stored anywhere, and must go. Default false. */
  readonly replace?: boolean | undefined;
  /** The caller's word on whether the answer is kept. */
  readonly cacheable?: StoreHook | undefined;
}

/** An answer as it is handed out. */
export interface Generated {
  readonly value: unknown;
  /** False for what cannot be serialised, which cannot be shared with other callers either. */
  readonly storable: boolean;
  /** How it came as a stream, if it did. */
  readonly recording?: Recording | undefined;
  readonly usage?: Usage | undefined;
  readonly costMs?: number | undefined;
  /** False for what the store policy has refused. */
  readonly kept: boolean;
  /** Resolves when it is stored, or is not going to be. */
  readonly settled: Promise<unknown>;
}

/** A stream that has begun. */
export interface Begun {
  readonly live: LiveStream;
  /** The whole answer, at the end. Rejects when there was no clean one. */
  readonly whole: Promise<Generated>;
}

const everything = storePolicy({
  timeRules: false,
  temperatureLimit: Number.POSITIVE_INFINITY,
  temperatureNever: Number.POSITIVE_INFINITY,
});
const nothing = Promise.resolve();
const unstorable = { value: undefined, storable: false, kept: false, settled: nothing } as const;

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
    // Everybody may have left during the lookup, which does not always look.
    signal.throwIfAborted();
    const started = this.#parts.clock.mono();
    const reported: Reported = {};
    const value = await generate(contextOf(about, signal, reported));
    const costMs = this.#parts.clock.mono() - started;
    return this.#keep(value, undefined, { ...about, costMs, usage: reported.usage }, writing);
  }

  /**
   * Runs the caller's function and begins to read what it gives; resolves with the first part at hand. The answer is stored at the clean
   * end. @throws what the function and its stream throw, and the signal's reason
   */
  async stream<P, V>(
    generate: GenerateStream<P>,
    shape: StreamShape<P, V>,
    about: Circumstances,
    writing: Writing,
    signal: AbortSignal,
  ): Promise<Begun> {
    signal.throwIfAborted();
    const { clock, maxStreamBytes = 8 << 20 } = this.#parts;
    const startedMs = clock.mono();
    const abort = new AbortController();
    const onAbort = () => abort.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const reported: Reported = {};
    const source = iteratorOf(await generate(contextOf(about, abort.signal, reported)));
    const onStop = (reason: unknown) => abort.abort(reason);
    const live = new LiveStream(source, { clock, startedMs, maxBytes: maxStreamBytes, onStop });
    await live.begin(signal);
    signal.removeEventListener('abort', onAbort);
    const whole = live.over.then((ending) => {
      if (ending.how === 'failed') throw ending.error;
      const { recorded } = live;
      if (recorded === undefined) return unstorable;
      let value: unknown;
      try {
        value = joined(shape, recorded.parts as readonly P[]);
      } catch (error) {
        process.emitWarning(error as Error);
        return unstorable;
      }
      const costMs = clock.mono() - startedMs;
      return this.#keep(value, recorded, { ...about, costMs, usage: reported.usage }, writing);
    });
    whole.catch(() => {});
    return { live, whole };
  }

  /** What the function streams, whole and kept nowhere. @throws as `stream` */
  async whole<P, V>(
    generate: GenerateStream<P>,
    shape: StreamShape<P, V>,
    context: GenerateContext,
  ): Promise<V> {
    const parts: P[] = [];
    const source = iteratorOf(await generate(context));
    for (let next = await source.next(); !next.done; next = await source.next()) {
      context.signal.throwIfAborted();
      parts.push(next.value as P);
    }
    return joined(shape, parts) as V;
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

  entry(value: SealedValue, about: Circumstances): Entry {
    const { query, embedding, epoch, labels, ttlMs = this.#parts.ttlMs, costMs, usage, recording } = about;
    const createdAtMs = this.#parts.clock.wall();
    const { text, key, scope } = query;
    const most = this.#cascade.policies.for(text, scope.fields).ttlMs ?? Number.POSITIVE_INFINITY;
    const staleAtMs = createdAtMs + Math.min(most, ttlMs);
    const keptMs = keptStaleMs(about.freshness);
    return {
      key,
      scope: scope.id,
      embedder: scope.embedder,
      question: text,
      ...(embedding?.matchable ? { vector: embedding.vector } : {}),
      value: value.read(),
      createdAtMs,
      expiresAtMs: staleAtMs + keptMs,
      ...(keptMs > 0 && staleAtMs < Number.POSITIVE_INFINITY ? { staleAtMs } : {}),
      epoch,
      ...(costMs === undefined ? {} : { costMs }),
      ...(usage === undefined ? {} : { usage }),
      ...labels.read(),
      ...(recording === undefined ? {} : { recording }),
    };
  }

  /** From now on answers are handed out and not stored. */
  close(): void {
    this.#closed = true;
  }

  /** Hands an answer out, and stores it in the background if it may be kept. */
  #keep(value: unknown, recorded: LiveStream['recorded'], about: Circumstances, writing: Writing): Generated {
    let sealed: SealedValue;
    try {
      if (recorded !== undefined) this.#parts.checkValue(recorded.parts);
      sealed = this.seal(value);
    } catch {
      return { ...unstorable, value, usage: about.usage, costMs: about.costMs };
    }
    const recording = recorded && record(value, recorded.parts, recorded.gapsMs);
    const kept = sealed.read();
    const usage =
      about.usage ?? usageOf(kept, recorded?.parts) ?? this.#parts.countUsage?.(about.query, kept);
    const answer = { value: kept, storable: true, recording, usage, costMs: about.costMs };
    const { text: prompt, scope } = about.query;
    const candidate = { prompt, value: answer.value, parts: recorded?.parts, scope: scope.fields };
    const verdict = (this.#parts.storePolicy ?? everything)(candidate, writing.cacheable);
    if (this.#closed || !verdict.store) return { ...answer, kept: verdict.store, settled: nothing };
    const ttlMs = Math.min(verdict.ttlMs ?? Number.POSITIVE_INFINITY, about.ttlMs ?? this.#parts.ttlMs);
    const entry = this.entry(sealed, { ...about, ttlMs, recording, usage });
    return { ...answer, kept: true, settled: this.#store(entry, about.query, writing) };
  }

  async #store(entry: Entry, query: Query, { lease, replace }: Writing): Promise<void> {
    // What was removed while it was generated is dead on arrival.
    if (!this.#parts.ledger.isAlive(entry)) return;
    if (!this.#cascade.policies.for(query.text, query.scope.fields).store) return;
    if (replace) await this.#cascade.replace(entry, query, true);
    else await this.#cascade.store(entry, lease);
  }
}

/** What the caller's function has said of its cost. */
interface Reported {
  usage?: Usage | undefined;
}

/** What the caller's function is given. */
function contextOf(
  { labels, embedding }: Circumstances,
  signal: AbortSignal,
  reported: Reported,
): GenerateContext {
  return {
    signal,
    vector: embedding?.vector,
    addTags: (...tags) => labels.addTags(...tags),
    addSources: (...sources) => labels.addSources(...sources),
    reportUsage: (usage) => {
      reported.usage = readUsage(usage) ?? reported.usage;
    },
  };
}

/** Refuses what is no time to live. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkTtl(ttlMs: number | undefined): void {
  if (ttlMs !== undefined && !(typeof ttlMs === 'number' && ttlMs > 0)) {
    throw new InvalidArgumentError('ttlMs', 'a positive number of milliseconds', ttlMs);
  }
}
