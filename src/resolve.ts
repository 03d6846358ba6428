// From a question to its answer: what is stored, what is being generated for another caller, or the caller's function. cache.ts imports it.
import type { Answer, Lookup } from './cache-types.js';
import type { Cascade, CascadeParts, Finding, Query } from './cascade.js';
import type { Entry, Epoch } from './core/entry.js';
import { OriginTimeoutError } from './core/errors.js';
import { Flight, Shared } from './core/flight.js';
import { Labels } from './core/labels.js';
import { type Freshness, inTime, isDue, useOf } from './freshness.js';
import { type Call, type Flown, Generator, type GeneratorParts, type Resolved } from './generate.js';
import { type Generation, InFlight, type Joinable } from './in-flight.js';
import type { Outcomes } from './outcomes.js';
import { Revalidations } from './revalidate.js';
import { AnswerStream } from './streams/answer-stream.js';
import type { PartReader } from './streams/live.js';
import { partsOf, type ReplayOptions, replayed, type StreamShape } from './streams/recording.js';

/** What the resolver needs to know of its cache. */
export interface ResolverParts extends GeneratorParts, Pick<CascadeParts, 'candidates' | 'shadow'> {}

/** A call on its way. */
interface Flying {
  readonly flown: Promise<Flown>;
  /** The lookup was begun by another call. */
  readonly coalesced: boolean;
  /** The latest removal that was known when this call began. */
  readonly joinedAt: Epoch;
}

type Stale = { readonly hit: NonNullable<Finding['hit']>; readonly use: 'revalidate' | 'grace' };
type Playing<P, V> = StreamShape<P, V> & ReplayOptions;

const neverAborted = new AbortController().signal;

/** Resolves calls; callers of one question, in the same or other words, share one lookup and one generation. */
export class Resolver {
  readonly #parts: ResolverParts;
  readonly #cascade: Cascade;
  readonly #outcomes: Outcomes;
  readonly #generator: Generator;
  readonly #revalidations: Revalidations;
  readonly #flight = new Flight<Flown>();
  readonly #inFlight: InFlight<Flown>;

  constructor(parts: ResolverParts, cascade: Cascade, outcomes: Outcomes) {
    this.#parts = parts;
    this.#cascade = cascade;
    this.#outcomes = outcomes;
    this.#generator = new Generator(parts, cascade, outcomes);
    this.#revalidations = new Revalidations(parts, cascade, this.#generator, outcomes.recorder);
    this.#inFlight = new InFlight(parts, cascade.policies);
  }

  /** What is stored, without generating. Rejects with the signal's reason. */
  async lookUp<T>(query: Query, signal: AbortSignal | undefined, started: number): Promise<Lookup<T>> {
    const atOnce = this.#cascade.findAtOnce(query);
    if (atOnce !== undefined) return this.#outcomes.hitAtOnce<T>(query, atOnce, started);
    const finding = await this.#cascade.find(query, signal);
    this.#outcomes.note(query, finding);
    return this.#outcomes.record(this.#outcomes.lookup(query, finding, started), query) as Lookup<T>;
  }

  /** The stored answer, or a generated one. Rejects with the signal's reason, or with what the caller's function throws. */
  async answer(call: Call, again = false): Promise<Answer> {
    const { query, options, started } = call;
    const atOnce = this.#atOnce(call);
    if (atOnce !== undefined) return this.#outcomes.hitAtOnce(query, atOnce, started);
    const { coalesced, joinedAt, ...flying } = this.#fly(call);
    const flown = await flying.flown;
    const shared = coalesced || flown.joined;
    let whole: Resolved;
    if (flown.live === undefined) whole = flown;
    else {
      try {
        await flown.live.drain(options.signal);
        whole = await flown.whole;
      } catch (error) {
        if (again || options.signal?.aborted) throw error;
        return this.answer(this.#anew(call), true);
      }
    }
    if (!shared) return whole.answer;
    if (!whole.storable) return (await this.#alone(call)).answer;
    // Its labels, known only now, may have been removed between its beginning and this call.
    if (whole.epoch !== joinedAt && !whole.isAlive()) return this.answer(this.#anew(call), again);
    const { value, usage } = whole.answer;
    return this.#outcomes.joined(query, { ...flown.answer, value, usage }, whole.worth, started);
  }

  /** The same as a stream, which begins with its first part at hand. */
  async stream<P, V>(call: Call, playing: Playing<P, V>): Promise<AnswerStream<P, Lookup<V>>> {
    const { query, options, started } = call;
    const { signal } = options;
    const atOnce = this.#atOnce(call);
    if (atOnce !== undefined) {
      const lookup = this.#outcomes.hitAtOnce<V>(query, atOnce, started);
      const reader = this.#replay(lookup.value, atOnce.recording, playing);
      return new AnswerStream<P, Lookup<V>>({ lookup, reader, signal, again: undefined });
    }
    const { reader, answer, mayRetry } = await this.#read(call, playing, false);
    const again = mayRetry
      ? async () => (await this.#read(this.#anew(call), playing, true)).reader
      : undefined;
    return new AnswerStream<P, Lookup<V>>({ lookup: answer as Answer<V>, reader, signal, again });
  }

  /** Aborts what runs in the background. */
  close(): void {
    this.#revalidations.close();
  }

  async #read<P, V>(
    call: Call,
    playing: Playing<P, V>,
    retried: boolean,
  ): Promise<{ reader: PartReader; answer: Answer; mayRetry: boolean }> {
    const { signal } = call.options;
    const { coalesced, joinedAt, ...flying } = this.#fly(call);
    let flown: Flown;
    try {
      flown = await flying.flown;
    } catch (error) {
      if (!coalesced || retried || signal?.aborted) throw error;
      return this.#read(this.#anew(call), playing, true);
    }
    const shared = coalesced || flown.joined;
    const isOld = shared && flown.epoch !== joinedAt;
    if (isOld && (flown.live !== undefined || !flown.isAlive())) {
      return this.#read(this.#anew(call), playing, retried);
    }
    if (shared && (flown.live === undefined ? !flown.storable : !flown.live.isWhole)) {
      flown = await this.#alone(call);
    }
    const answer = shared ? this.#joined(call, flown) : flown.answer;
    if (flown.live !== undefined) {
      return { reader: flown.live.read(), answer, mayRetry: shared && !retried };
    }
    return { reader: this.#replay(answer.value as V, flown.recording, playing), answer, mayRetry: false };
  }

  #replay<P, V>(value: V, recording: Entry['recording'], playing: Playing<P, V>): PartReader {
    const parts = partsOf(playing, value, recording);
    return replayed(parts, recording?.gapsMs, playing, this.#parts.clock);
  }

  #atOnce(call: Call): Entry | undefined {
    if (call.options.refresh) return undefined;
    const entry = this.#cascade.findAtOnce(call.query);
    if (entry !== undefined) this.#refreshEarly(call, entry, undefined);
    return entry;
  }

  #refreshEarly(call: Call, entry: Entry, embedding: Finding['embedding']): void {
    if (isDue(entry, call.freshness, this.#parts.clock.wall())) this.#revalidations.start(call, embedding);
  }

  /** The call over again, as one that begins now. */
  #anew(call: Call): Call {
    return { ...call, labels: new Labels(call.options, call.query.scope), started: this.#parts.clock.mono() };
  }

  #joined({ query, started }: Call, flown: Flown): Answer {
    if (flown.live === undefined) return this.#outcomes.joined(query, flown.answer, flown.worth, started);
    // What a stream has cost is known at its end.
    const { savings } = this.#outcomes.recorder;
    const { scope } = query;
    const note = ({ worth }: Resolved) => void savings.note(scope, worth, Number.POSITIVE_INFINITY);
    flown.whole.then(note, () => {});
    return this.#outcomes.joined(query, flown.answer, undefined, started);
  }

  /** By this call's own function, whatever others are doing. */
  async #alone(call: Call): Promise<Flown> {
    return this.#resolve(this.#anew(call), call.options.signal ?? neverAborted, true);
  }

  #fly(call: Call): Flying {
    const { query, options, streams } = call;
    const { ledger } = this.#parts;
    // Joining what began before a removal would give what was removed; joining a lookup would be no refresh.
    const removed = ledger.latest(query.key, query.scope.id);
    const kind = `${query.exact ? ' exact' : ''}${options.refresh ? ' anew' : ''}${streams ? ' stream' : ''}`;
    const wanted = query.accept === undefined ? '' : ` ${JSON.stringify(query.accept)}`;
    const flight = `${query.key} ${removed}${kind}${wanted}`;
    const coalesced = this.#flight.has(flight);
    const joinedAt = ledger.epoch;
    const flown = this.#flight.run(flight, (signal) => this.#resolve(call, signal), options.signal);
    return { flown, coalesced, joinedAt };
  }

  async #resolve(call: Call, signal: AbortSignal, alone = false): Promise<Flown> {
    const { query, options, freshness } = call;
    const { refresh = false } = options;
    const mayJoin = !refresh && !alone;
    const { epoch } = this.#parts.ledger;
    const finding = await this.#cascade.find(query, signal, refresh);
    if (!refresh) this.#outcomes.note(query, finding);
    if (finding.hit !== undefined) {
      if (finding.hit.exact) this.#refreshEarly(call, finding.hit.entry, finding.embedding);
      return this.#generator.found(call, finding);
    }
    const stale = refresh ? undefined : await this.#findStale(call, finding, signal);
    const old = stale && (() => this.#generator.found(call, { ...finding, hit: stale.hit }, true));
    if (old !== undefined && stale?.use === 'revalidate') {
      this.#revalidations.start(call, finding.embedding);
      return old();
    }
    const failure = refresh ? undefined : this.#generator.failureOf(query);
    if (failure !== undefined) {
      if (old !== undefined) return old();
      throw failure.error;
    }
    try {
      const { softTimeoutMs, hardTimeoutMs } = freshness;
      const limitMs = old === undefined ? hardTimeoutMs : Math.min(softTimeoutMs, hardTimeoutMs);
      return await this.#joinOrLead(call, finding, epoch, mayJoin, limitMs, signal);
    } catch (error) {
      // It may have been removed meanwhile.
      const mayServe = stale !== undefined && this.#parts.ledger.isAlive(stale.hit.entry);
      if (old === undefined || !mayServe || signal.aborted) throw error;
      return old();
    }
  }

  async #findStale(
    { query, freshness }: Call,
    { embedding }: Finding,
    signal: AbortSignal,
  ): Promise<Stale | undefined> {
    if (freshness.staleWhileRevalidateMs === 0 && freshness.graceMs === 0) return undefined;
    const hit = await this.#cascade.findStale(query, embedding, signal);
    const use = hit && useOf(hit.entry, freshness, this.#parts.clock.wall());
    return hit && use && { hit, use };
  }

  /** What is being generated for a question that asks the same, or else a generation of this call's own. */
  async #joinOrLead(
    call: Call,
    finding: Finding,
    epoch: Epoch,
    mayJoin: boolean,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<Flown> {
    const { query, freshness } = call;
    const { embedding } = finding;
    for (const mayRetry of mayJoin ? [true, false] : []) {
      const joinable = this.#joinable(query, embedding);
      // From here to its being registered nothing is awaited, so no two lead who could have joined.
      if (joinable === undefined) break;
      const { generation } = joinable;
      try {
        const flown = await this.#wait(generation, freshness, limitMs, signal);
        if (flown.live === undefined || flown.live.isWhole) return joinedBy(flown, query, joinable);
        return await this.#lead(call, finding, epoch, false, limitMs, signal);
      } catch (error) {
        // A stream is handed over to those who wait for it; a plain failure is theirs too.
        const handsOver = mayRetry && generation.streams && !(error instanceof OriginTimeoutError);
        if (!handsOver || signal.aborted) throw error;
      }
    }
    return this.#lead(call, finding, epoch, mayJoin, limitMs, signal);
  }

  #joinable(query: Query, embedding: Finding['embedding']): Joinable<Flown> | undefined {
    const same = this.#inFlight.ofKey(query);
    if (same !== undefined) return { generation: same, similarity: 1, decision: this.#cascade.exactDecision };
    return embedding?.matchable ? this.#inFlight.near(query, embedding) : undefined;
  }

  #lead(
    call: Call,
    finding: Finding,
    epoch: Epoch,
    mayBeJoined: boolean,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<Flown> {
    const { query, labels, streams, freshness } = call;
    const opening = new Shared((all) => this.#generator.generate(call, finding, epoch, all));
    const generation = { query, embedding: finding.embedding, epoch, labels, streams, opening };
    if (mayBeJoined) {
      const over = opening.result.then(async (flown) => {
        const { settled } = flown.live === undefined ? flown : await flown.whole;
        await settled;
      });
      this.#inFlight.add(generation, over);
    }
    return this.#wait(generation, freshness, limitMs, signal);
  }

  /** What a generation brings, within the time that this call gives it; afterwards it is finished for the next, or left. */
  #wait(
    { opening }: Generation<Flown>,
    { completeInBackground }: Freshness,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<Flown> {
    if (limitMs === Number.POSITIVE_INFINITY) return opening.join(signal);
    const late = new AbortController();
    const work = opening.join(AbortSignal.any([signal, late.signal]));
    return inTime(work, limitMs, this.#parts.clock, () => {
      if (completeInBackground) {
        opening
          .join()
          .then((flown) => flown.live?.drain())
          .catch(() => {});
      }
      late.abort();
    });
  }
}

/** What was made for another question, as the caller gets it. */
function joinedBy(flown: Flown, query: Query, { generation, similarity, decision }: Joinable<Flown>): Flown {
  const { key, text: question } = generation.query;
  if (key === query.key) return { ...flown, joined: true };
  const what = { key: query.key, match: 'semantic', similarity, question, decision } as const;
  const answer = { ...flown.answer, ...what };
  return { ...flown, answer, joined: true };
}
