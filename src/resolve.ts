// From a question to its answer: what is stored, what is being generated for another caller, or the caller's function. cache.ts imports it.
import type { Answer, AskOptions, Generate, Lookup } from './cache-types.js';
import type { Cascade, Finding, Query } from './cascade.js';
import type { Clock } from './core/clock.js';
import type { Epoch } from './core/entry.js';
import { Flight } from './core/flight.js';
import { Labels } from './core/labels.js';
import type { Leases } from './core/lease.js';
import type { Ledger } from './core/ledger.js';
import { lead, releaseAfter } from './lead.js';
import type { Lessons } from './lessons.js';
import type { Origin } from './origin.js';
import type { Outcomes } from './outcomes.js';

/** What the resolver needs to know of its cache. */
export interface ResolverParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Lets one process at a time generate the answer to a question. Default: each process by itself. */
  readonly leases?: Leases | undefined;
  /** What is learnt from hits. Default: nothing. */
  readonly lessons?: Lessons | undefined;
}

/** One call, checked. */
export interface Call<T> {
  readonly query: Query;
  readonly generate: Generate<T>;
  readonly options: AskOptions;
  readonly labels: Labels;
  /** Monotonic milliseconds at which it began. */
  readonly started: number;
}

/** What a flight brings to those who wait for it. */
interface Resolved {
  readonly answer: Answer;
  /** The latest removal known when it began. */
  readonly epoch: Epoch;
  /** What cannot be stored cannot be shared either: of a stream only one caller would get all. */
  readonly storable: boolean;
  /** False when a removal since names the answer. */
  isAlive(): boolean;
}

const neverAborted = new AbortController().signal;

/** Resolves calls; callers of one question share one lookup and one generation. */
export class Resolver {
  readonly #parts: ResolverParts;
  readonly #cascade: Cascade;
  readonly #origin: Origin;
  readonly #outcomes: Outcomes;
  readonly #flight = new Flight<Resolved>();

  constructor(parts: ResolverParts, cascade: Cascade, origin: Origin, outcomes: Outcomes) {
    this.#parts = parts;
    this.#cascade = cascade;
    this.#origin = origin;
    this.#outcomes = outcomes;
  }

  /** What is stored, without generating. Rejects with the signal's reason. */
  async lookUp<T>(query: Query, signal: AbortSignal | undefined, started: number): Promise<Lookup<T>> {
    const atOnce = this.#cascade.findAtOnce(query);
    if (atOnce !== undefined) return this.#outcomes.hitAtOnce<T>(query, atOnce, started);
    const finding = await this.#cascade.find(query, signal);
    this.#outcomes.note(query, finding);
    return this.#outcomes.record(this.#outcomes.lookup(query, finding, started)) as Lookup<T>;
  }

  /** The stored answer, or a generated one. Rejects with the signal's reason, or with what `generate` throws. */
  async answer<T>(call: Call<T>): Promise<Answer<T>> {
    const { query, options, started } = call;
    const { ledger, clock } = this.#parts;
    const atOnce = options.refresh ? undefined : this.#cascade.findAtOnce(query);
    if (atOnce !== undefined) return this.#outcomes.hitAtOnce<T>(query, atOnce, started);
    // Joining what began before a removal would give what was removed; joining a lookup would be no refresh.
    const removed = ledger.latest(query.key, query.scope.id);
    const flight = `${query.key} ${removed}${options.refresh ? ' anew' : ''}${query.accept === undefined ? '' : ` ${JSON.stringify(query.accept)}`}`;
    const coalesced = this.#flight.has(flight);
    const joinedAt = ledger.epoch;
    const flown = await this.#flight.run(flight, (signal) => this.#resolve(call, signal), options.signal);
    if (!coalesced) return flown.answer as Answer<T>;
    if (!flown.storable) {
      const own = { ...call, labels: new Labels(options) };
      return (await this.#resolve(own, options.signal ?? neverAborted)).answer as Answer<T>;
    }
    // Its labels, known only now, may have been removed between its beginning and this call.
    if (flown.epoch !== joinedAt && !flown.isAlive()) {
      return this.answer({ ...call, labels: new Labels(options), started: clock.mono() });
    }
    this.#outcomes.recorder.count('queries');
    this.#outcomes.recorder.count('coalesced');
    return { ...(flown.answer as Answer<T>), coalesced, latencyMs: clock.mono() - started };
  }

  async #resolve<T>(call: Call<T>, signal: AbortSignal): Promise<Resolved> {
    const { query, generate, options, labels, started } = call;
    const { refresh = false, ttlMs } = options;
    const { ledger, leases, clock, lessons } = this.#parts;
    const { epoch } = ledger;
    const found = (finding: Finding): Resolved => {
      const { entry } = finding.hit as NonNullable<Finding['hit']>;
      const answer = this.#outcomes.record(this.#outcomes.lookup(query, finding, started)) as Answer;
      lessons?.hit(query, finding, generate);
      return { answer, epoch, storable: true, isAlive: () => ledger.isAlive(entry) };
    };
    const finding = await this.#cascade.find(query, signal, refresh);
    if (!refresh) this.#outcomes.note(query, finding);
    if (finding.hit !== undefined) return found(finding);
    const { lease, finding: other } = refresh ? {} : await lead(leases, this.#cascade, query, signal);
    if (other !== undefined) return found({ ...finding, ...other });
    const about = { query, embedding: finding.embedding, epoch, labels, ttlMs };
    const generating = this.#origin.generate(generate, about, { lease, replace: refresh }, signal);
    if (lease !== undefined) releaseAfter(generating, lease, signal);
    const { value, storable } = await generating;
    lessons?.generated(query, finding, value);
    const miss = this.#outcomes.lookup(query, finding, started);
    const answer = this.#outcomes.record({ ...miss, value, latencyMs: clock.mono() - started });
    if (!storable) this.#outcomes.recorder.count('uncacheable');
    const { key, scope } = query;
    const isAlive = () => ledger.isAlive({ key, scope: scope.id, epoch, ...labels.read() });
    return { answer, epoch, storable, isAlive };
  }
}
