// SemanticCache, the product for answers: the cascade with single flight, counts and events. open.ts builds it; the public face exports it.
import { EventEmitter } from 'node:events';
import type { CacheParts } from './cache-parts.js';
import type {
  Answer,
  AskOptions,
  CacheStats,
  Generate,
  GenerateContext,
  GenerateStream,
  GetOptions,
  Health,
  Invalidation,
  InvalidationReport,
  Lookup,
  ScopeOption,
  SetOptions,
  SetReport,
  StreamOptions,
  TurnsOption,
} from './cache-types.js';
import {
  askOptions,
  Calls,
  getOptions,
  placeOptions,
  scopeOptions,
  setOptions,
  streamOptions,
} from './calls.js';
import { Cascade, type Query } from './cascade.js';
import { cascadeListener } from './cascade-listener.js';
import { ClosedError } from './core/errors.js';
import { Labels } from './core/labels.js';
import { marks } from './core/ledger.js';
import { checkOptions } from './core/options.js';
import type { Scope, ScopeFields } from './core/scope.js';
import type { Call } from './generate.js';
import { marksOf, removedBy } from './invalidation.js';
import { type JudgedHit, Lessons } from './lessons.js';
import type { OpenOptions } from './open.js';
import { checkTtl, Origin } from './origin.js';
import { Outcomes } from './outcomes.js';
import { Recorder } from './recorder.js';
import { Resolver } from './resolve.js';
import type { AnswerStream } from './streams/answer-stream.js';
import { checkStreamOptions } from './streams/recording.js';
import type { CacheEvents } from './telemetry/events.js';
import { Hub } from './telemetry/hub.js';
import type { PopularQuestion } from './warm/popularity.js';
import type { WarmReport } from './warm/warmer.js';
import { type WarmHooks, Warming, type WarmOptions } from './warming.js';

const invalidateOptions = new Set(['tags', 'sources', 'scope', 'key', 'createdAfter', 'createdBefore']);
const warmOptions = new Set(['topN', 'signal']);

/**
 * A semantic cache; `await openCache()` gives one that needs no server. Answers are handed out frozen, or as copies, so that no
 * caller changes what the next one gets.
 */
export class SemanticCache extends EventEmitter<CacheEvents> {
  readonly #parts: CacheParts;
  readonly #calls: Calls;
  readonly #cascade: Cascade;
  readonly #origin: Origin;
  readonly #recorder: Recorder;
  readonly #hub: Hub;
  readonly #resolver: Resolver;
  readonly #warming: Warming | undefined;
  readonly #lessons: Lessons | undefined;
  #closing: Promise<void> | undefined;

  /** Opens a cache; the same as `openCache`. */
  static async open(options?: OpenOptions): Promise<SemanticCache> {
    // Loaded here, because the composition root imports this class.
    const { openCache } = await import('./open.js');
    return openCache(options);
  }

  constructor(parts: CacheParts) {
    super();
    this.#parts = parts;
    const { freshness, home, clock } = parts;
    this.#calls = new Calls({ fingerprint: parts.embedder.fingerprint, home, freshness, clock });
    this.#recorder = new Recorder(
      parts.tiers.map(({ name }) => name),
      parts.savings,
    );
    this.#hub = parts.hub ?? new Hub();
    this.#hub.bind(this);
    this.#cascade = new Cascade({ ...parts, ...cascadeListener(this.#recorder, this.#hub) });
    this.#origin = new Origin(parts, this.#cascade);
    this.#lessons = parts.learning && new Lessons(parts.learning);
    const taught = { ...parts, lessons: this.#lessons };
    const outcomes = new Outcomes(taught, this.#recorder, this.#cascade.exactDecision, {
      asked: (scope, asked) => {
        // Without the turns nobody could make it anew.
        if (scope.base === scope.id) this.#warming?.note(scope, asked);
      },
      hub: this.#hub,
    });
    this.#resolver = new Resolver(taught, this.#cascade, outcomes);
    this.#warming =
      parts.warming &&
      new Warming(parts.warming, {
        ...parts,
        cascade: this.#cascade,
        embedder: this.#calls.commonScope.embedder,
        scopeOf: (fields) => this.scope(fields),
        refresh: ({ question, scope }, generate, labels, signal) =>
          this.ask(question, generate, { ...labels, scope, signal, refresh: true }),
      });
  }

  /** A scope worked out once, for many calls. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for an unknown field. */
  scope(fields: ScopeFields): Scope {
    return this.#calls.scope(fields);
  }

  /**
   * The stored answer to `prompt`, or to a question that means the same; otherwise what `generate` returns, which is then stored.
   * Concurrent calls with an equal prompt share one generation. A failing tier or embedder never fails the call.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {ClosedError} ERR_LLM_CACHE_CLOSED · what `generate` throws · the signal's reason
   * @example const text = await cache.wrap(prompt, () => llm(prompt), { scope: { tenant: 'acme', model: 'm1' } });
   */
  async wrap<T>(prompt: string, generate: Generate<T>, options?: AskOptions): Promise<T> {
    return (await this.ask(prompt, generate, options)).value;
  }

  /** As `wrap`, and tells where the answer came from, how similar the question was and how long it took. */
  async ask<T>(prompt: string, generate: Generate<T>, options: AskOptions = {}): Promise<Answer<T>> {
    const call = this.#call(prompt, generate, options, askOptions);
    const begin: Call['begin'] = (...how) => this.#origin.generate(generate, ...how);
    return (await this.#resolver.answer({ ...call, streams: false, begin, plain: generate })) as Answer<T>;
  }

  /**
   * As `ask`, part by part: a stored answer is played back, one that is being generated for another caller is joined, its prefix at
   * once, and what `generate` streams is handed on as it comes and stored at its clean end. `wrap` and `get` find the same answer
   * whole. Resolves with the first part at hand. Parts are copies of their own for each caller.
   * @throws as `ask`; what comes after the first part is thrown while reading
   * @example for await (const text of await cache.wrapStream(prompt, () => llm.stream(prompt))) process.stdout.write(text);
   */
  async wrapStream<P, V = unknown>(
    prompt: string,
    generate: GenerateStream<P>,
    options: StreamOptions<P, V> = {},
  ): Promise<AnswerStream<P, Lookup<V>>> {
    const call = this.#call(prompt, generate, options, streamOptions);
    checkStreamOptions(options);
    const begin: Call['begin'] = (...how) => this.#origin.stream(generate, options, ...how);
    const plain = (context: GenerateContext) => this.#origin.whole(generate, options, context);
    return this.#resolver.stream({ ...call, streams: true, begin, plain }, options);
  }

  /** Looks up without generating; `match` is `none` on a miss. @throws as `wrap`. */
  async get<T = unknown>(prompt: string, options: GetOptions = {}): Promise<Lookup<T>> {
    const started = this.#parts.clock.mono();
    checkOptions(options, getOptions);
    const query = this.#query(prompt, options);
    options.signal?.throwIfAborted();
    return this.#resolver.lookUp<T>(query, options.signal, started);
  }

  /**
   * Stores an answer. Resolves when every tier has taken or failed it: `stored` names those that hold it, on stable storage where
   * the tier has one, `failed` those that could not write.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for a value that cannot be serialised, and as `wrap`.
   */
  async set(prompt: string, value: unknown, options: SetOptions = {}): Promise<SetReport> {
    checkOptions(options, setOptions);
    const query = this.#query(prompt, options);
    const sealed = this.#origin.seal(value);
    checkTtl(options.ttlMs);
    const labels = new Labels(options, query.scope);
    const { epoch } = this.#parts.ledger;
    const embedding =
      this.#parts.semantic() && !query.exact
        ? await this.#cascade.embed(query.text, options.signal)
        : undefined;
    const about = { query, embedding, epoch, labels, ttlMs: options.ttlMs, freshness: this.#calls.freshness };
    return this.#cascade.replace(this.#origin.entry(sealed, about), query);
  }

  /**
   * Removes the answer stored under this prompt (not those under questions that mean the same) from every tier; true when there was
   * one. `invalidate({ key })` leaves the tiers to drop it in their time.
   * @throws {TierError} ERR_LLM_CACHE_TIER when a tier cannot say that it is gone: it is a miss here all the same, and in other
   * processes once they can be told.
   */
  async delete(prompt: string, options: ScopeOption & TurnsOption = {}): Promise<boolean> {
    checkOptions(options, placeOptions);
    const { key, scope } = this.#query(prompt, options);
    this.#hub.fact('invalidated', removedBy('delete', {}, scope.id, key));
    const removed = this.#cascade.delete(key, scope);
    return (await Promise.all([removed, this.#warming?.forget(scope.id, key)]))[0];
  }

  /** Removes all answers, or with `scope` all of that scope, from every tier. O(answers). @throws {TierError} as `delete` */
  async clear(options: ScopeOption = {}): Promise<void> {
    this.#checkOpen();
    checkOptions(options, scopeOptions);
    const scope = options.scope === undefined ? undefined : this.#calls.scopeOf(options);
    this.#hub.fact('invalidated', removedBy('clear', {}, scope?.id));
    await Promise.all([this.#cascade.clear(scope), this.#warming?.forget(scope?.id)]);
  }

  /**
   * Makes all answers a miss that carry one of the tags or sources, lie in the scope or stand under the key, or of these (of all, where
   * none is named) those created in a time: O(names given), however many answers there are. In this process at once; in others within
   * moments, or once the shared tier is back (`shared` tells).
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   * @example await cache.invalidate({ sources: ['handbook.md'] });
   */
  async invalidate(what: Invalidation): Promise<InvalidationReport> {
    this.#checkOpen();
    checkOptions(what, invalidateOptions);
    const scopeId = what.scope === undefined ? undefined : this.#calls.scopeOf(what).id;
    const told = this.#parts.ledger.remove(marksOf(what, scopeId));
    this.#hub.fact('invalidated', removedBy('invalidate', what, scopeId, what.key));
    return { shared: await told };
  }

  /** Counts and latencies since `open`, and what each tier holds. */
  async stats(): Promise<CacheStats> {
    const sizes = await Promise.all(this.#parts.tiers.map((tier) => tier.size()));
    return this.#recorder.stats(sizes, this.health(), this.#lessons?.stats());
  }

  /** What is in service. */
  health(): Health {
    return {
      semantic: this.#parts.semantic(),
      tiers: this.#parts.tiers.map((tier) => tier.health()),
      ledger: this.#parts.ledger.health(),
    };
  }

  /**
   * The questions asked most lately, by all processes as far as they were told, at most `count` (1 to 1,000,000), the most frequent
   * first. None without warming. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   */
  async popular(count = 10): Promise<readonly PopularQuestion[]> {
    return (await this.#warming?.popular(count)) ?? [];
  }

  /**
   * A round of warming now, in addition to those by the clock; undefined without warming. @throws the signal's reason ·
   * {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   */
  async warm(options: WarmOptions = {}): Promise<WarmReport | undefined> {
    this.#checkOpen();
    checkOptions(options, warmOptions);
    return this.#warming?.round(options);
  }

  /** Begins warming by the clock, or gives it another way to regenerate answers. `openCache` has called it when `warming.enabled`. */
  startWarming(hooks: WarmHooks = {}): void {
    this.#checkOpen();
    this.#warming?.start(hooks);
  }

  /**
   * Says of a hit whether it was right. A wrong semantic hit is never repeated, pairs near to it are judged more strictly, and the
   * calibration moves; a wrong exact hit has a wrong answer, which is removed. Resolves when it is on stable storage; without
   * `decide.learn` it does nothing.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for what is no hit
   */
  async feedback(hit: JudgedHit, verdict: 'right' | 'wrong'): Promise<void> {
    this.#checkOpen();
    await this.#lessons?.feedback(hit, verdict, (key) => this.#parts.ledger.remove([marks.key(key)]));
  }

  /** Resolves when promotions and writes under way are done, and comparisons of hits with fresh answers. */
  async idle(): Promise<void> {
    await this.#lessons?.idle();
    await this.#cascade.idle();
  }

  /**
   * Finishes the writes under way and releases files, sockets and workers. Callers whose answer is being generated still get it, but
   * it is not stored. Idempotent.
   */
  close(): Promise<void> {
    this.#origin.close();
    this.#resolver.close();
    this.#closing ??= (async () => {
      await this.#warming?.stop();
      await this.#lessons?.close();
      await this.#cascade.idle();
      // What the tiers hold is of no interest any more, and counting it may take seconds of a server.
      const stats = this.#recorder.stats(
        this.#parts.tiers.map(() => ({ entries: 0, bytes: 0 })),
        this.health(),
      );
      const { tiers, embedder, ledger, leases, release } = this.#parts;
      const failures: unknown[] = [];
      // One that cannot be closed must not keep the others open.
      for (const part of [leases, ledger, ...tiers, embedder, { close: () => release(stats) }]) {
        await part?.close().catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #call(prompt: string, generate: unknown, options: AskOptions, known: ReadonlySet<string>) {
    this.#checkOpen();
    return this.#calls.call(prompt, generate, options, known, this.#cascade.policies);
  }

  #query(prompt: string, options: GetOptions): Query {
    this.#checkOpen();
    return this.#calls.query(prompt, options, this.#cascade.policies);
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('the cache');
  }
}
