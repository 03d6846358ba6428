// Makes the answers that nobody has: one process at a time, noted for who waits, counted. resolve.ts and revalidate.ts use it.
import type { Answer, AskOptions, Generate } from './cache-types.js';
import type { Cascade, Finding, Query } from './cascade.js';
import type { Clock } from './core/clock.js';
import type { Epoch, Recording } from './core/entry.js';
import type { Labels } from './core/labels.js';
import type { Lease, Leases } from './core/lease.js';
import type { Ledger } from './core/ledger.js';
import type { Freshness } from './freshness.js';
import { lead, releaseAfter } from './lead.js';
import type { Lessons } from './lessons.js';
import { type BoundedMap, boundedMap } from './lru/lru.js';
import type { Begun, Circumstances, Generated, Writing } from './origin.js';
import type { Outcomes, Worth } from './outcomes.js';
import type { LiveStream } from './streams/live.js';

/** What generating needs to know of its cache. */
export interface GeneratorParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Lets one process at a time generate the answer to a question. Default: each process by itself. */
  readonly leases?: Leases | undefined;
  /** False while only exact matches are wanted. */
  readonly semantic: () => boolean;
  /** What is learnt from hits. Default: nothing. */
  readonly lessons?: Lessons | undefined;
}

/** One call, checked. */
export interface Call {
  readonly query: Query;
  readonly options: AskOptions;
  readonly labels: Labels;
  readonly freshness: Freshness;
  /** Monotonic milliseconds at which it began. */
  readonly started: number;
  /** It wants a stream. */
  readonly streams: boolean;
  /** Runs the caller's function, for an answer that is kept. */
  readonly begin: (about: Circumstances, writing: Writing, signal: AbortSignal) => Promise<Generated | Begun>;
  /** Runs it for the whole answer alone, to compare with. */
  readonly plain: Generate<unknown>;
}

/** An answer as those who wait for it get it. */
export interface Resolved {
  readonly live?: undefined;
  readonly answer: Answer;
  readonly recording: Recording | undefined;
  /** The latest removal known when it began. */
  readonly epoch: Epoch;
  /** What its generation took. */
  readonly worth: Worth;
  /** What cannot be stored cannot be shared either: of a stream only one caller would get all. */
  readonly storable: boolean;
  /** It was made for another call. */
  readonly joined: boolean;
  /** Resolves when it is stored, or is not going to be. */
  readonly settled: Promise<unknown>;
  /** False when a removal since names the answer. */
  isAlive(): boolean;
}

/** An answer that comes as a stream. */
export interface Streaming {
  readonly live: LiveStream;
  /** Without a value. */
  readonly answer: Answer;
  readonly epoch: Epoch;
  readonly joined: boolean;
  /** Rejects when the stream has no clean end. */
  readonly whole: Promise<Resolved>;
}

/** What a flight brings to those who wait for it. */
export type Flown = Resolved | Streaming;

interface Failure {
  readonly error: unknown;
  /** The latest removal of the key or its scope when it happened. */
  readonly removed: Epoch;
}

const mostFailures = 1_000;

/** Runs generations that others may wait for. */
export class Generator {
  readonly #parts: GeneratorParts;
  readonly #cascade: Cascade;
  readonly #outcomes: Outcomes;
  readonly #failures: BoundedMap<string, Failure>;

  constructor(parts: GeneratorParts, cascade: Cascade, outcomes: Outcomes) {
    this.#parts = parts;
    this.#cascade = cascade;
    this.#outcomes = outcomes;
    const { clock } = parts;
    this.#failures = boundedMap({ maxEntries: mostFailures, maxBytes: mostFailures, sizeOf: () => 1, clock });
  }

  /** What was found, as those who wait get it. */
  found({ query, started, plain }: Call, finding: Finding, stale = false): Resolved {
    const { entry } = finding.hit as NonNullable<Finding['hit']>;
    const { ledger, lessons } = this.#parts;
    if (stale) this.#outcomes.recorder.count('stale');
    const lookup = { ...this.#outcomes.lookup(query, finding, started), stale };
    if (!stale) lessons?.hit(query, finding, plain);
    return {
      answer: this.#outcomes.record(lookup, query) as Answer,
      recording: entry.recording,
      epoch: entry.epoch,
      worth: entry,
      storable: true,
      joined: false,
      settled: Promise.resolve(),
      isAlive: () => ledger.isAlive(entry),
    };
  }

  /** The failure that is remembered for a question. */
  failureOf({ key, scope }: Query): Pick<Failure, 'error'> | undefined {
    const failure = this.#failures.get(key);
    return failure?.removed === this.#parts.ledger.latest(key, scope.id) ? failure : undefined;
  }

  /** What another process makes meanwhile, or what the caller's function gives. Rejects as that, or with the signal's reason. */
  async generate(call: Call, finding: Finding, epoch: Epoch, signal: AbortSignal): Promise<Flown> {
    const { query, options, started } = call;
    const { leases, clock, lessons } = this.#parts;
    const { refresh = false } = options;
    const { lease, finding: other } = refresh ? {} : await lead(leases, this.#cascade, query, signal);
    if (other !== undefined) return this.found(call, { ...finding, ...other });
    const made = await this.run(call, finding.embedding, epoch, { lease, replace: refresh }, signal);
    const { value, usage } = 'live' in made ? {} : made;
    const miss = { ...this.#outcomes.lookup(query, finding, started), value, usage };
    const answer: Answer = this.#outcomes.record({ ...miss, latencyMs: clock.mono() - started }, query);
    const compared = (end: Generated) => {
      lessons?.generated(query, finding, end.value);
      return end;
    };
    if (!('live' in made)) return this.#resolved(call, answer, epoch, compared(made));
    const whole = made.whole.then((end) =>
      this.#resolved(call, { ...answer, value: end.value, usage: end.usage }, epoch, compared(end)),
    );
    whole.catch(() => {});
    return { live: made.live, answer, epoch, joined: false, whole };
  }

  /** Runs the caller's function, stores what it gives, lets go of the lease in the end, and remembers a failure if that is wanted. */
  async run(
    { query, options, labels, freshness, begin }: Call,
    embedding: Finding['embedding'],
    epoch: Epoch,
    how: { readonly lease: Lease | undefined; readonly replace: boolean },
    signal: AbortSignal,
  ): Promise<Generated | Begun> {
    const { ttlMs, cacheable } = options;
    const about = { query, embedding, epoch, labels, ttlMs, freshness };
    const begun = begin(about, { ...how, cacheable }, signal);
    const end = begun.then((made) => ('live' in made ? made.whole : made));
    if (how.lease !== undefined) releaseAfter(end, how.lease, signal);
    end.then(
      ({ storable, kept }) => {
        this.#failures.delete(query.key);
        if (!storable) this.#outcomes.recorder.count('uncacheable');
        else if (!kept) this.#outcomes.recorder.count('withheld');
      },
      (error: unknown) => {
        const { negativeTtlMs } = freshness;
        if (negativeTtlMs === 0 || signal.aborted) return;
        const removed = this.#parts.ledger.latest(query.key, query.scope.id);
        this.#failures.set(query.key, { error, removed }, { ttlMs: negativeTtlMs });
      },
    );
    return begun;
  }

  #resolved({ query, labels }: Call, answer: Answer, epoch: Epoch, made: Generated): Resolved {
    const { storable, recording, settled } = made;
    const { ledger } = this.#parts;
    const { key, scope } = query;
    const isAlive = () => ledger.isAlive({ key, scope: scope.id, epoch, ...labels.read() });
    return { answer, recording, epoch, worth: made, storable, joined: false, settled, isAlive };
  }
}
