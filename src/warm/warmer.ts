// The service that keeps popular answers at hand: rounds on a timer, and the loading at the start. warming.ts drives it.
import type { Clock } from '../core/clock.js';
import { type Entry, freshUntil, type Key } from '../core/entry.js';
import { ClosedError } from '../core/errors.js';
import type { Scope } from '../core/scope.js';
import { type Counted, isOften, type Popularity } from './popularity.js';

/** How warming goes about; the section `warming` of the configuration. */
export interface WarmerOptions {
  /** Questions kept warm. */
  readonly topN: number;
  /** Entries brought into memory at the start, at most. */
  readonly mostLoaded: number;
  /** Milliseconds between rounds; each is up to a tenth earlier or later. */
  readonly intervalMs: number;
  /** Times a question must have been asked. */
  readonly minCount: number;
  /** Factor on all counts after a round, 0 to 1. */
  readonly decay: number;
  /** Milliseconds from its generation that the entry of a popular question lives at least, if it was given the cache's own time to live. */
  readonly extendedTtlMs: number;
}

/** Where popular questions outlive the process. */
export interface PopularityStore {
  load(): Promise<Omit<Counted, 'unsaved'>[]>;
  /** Adds what is unsaved of each. */
  save(items: readonly Counted[]): Promise<void>;
  /** Forgets all, those of a scope, or one. */
  forget(scopeId?: string, key?: Key): Promise<void>;
  /** The right to a round for so long; undefined while another process has it. */
  lease(forMs: number): Promise<RoundLease | undefined>;
}

/** The right to a round among the processes of a cache. */
export interface RoundLease {
  release(): Promise<void>;
}

/** Counts that machines share. */
export interface SharedCounts {
  add(scopeId: string, key: Key, count: number): void;
  /** Brings what was added to the others. Never rejects. */
  flush(): Promise<void>;
  popular(
    count: number,
  ): Promise<readonly { readonly key: Key; readonly scope: string; readonly hits: number }[]>;
  /** Multiplies all counts. Never rejects. */
  decay(factor: number): Promise<void>;
  /** Forgets all, or one. Never rejects. */
  forget(scopeId?: string, key?: Key): Promise<void>;
}

/** A question that a round looks after. */
export interface WarmItem {
  readonly scope: Scope;
  readonly key: Key;
  /** Undefined while only others know it. */
  readonly question: string | undefined;
  readonly count: number;
}

/** What the warmer needs of its cache. */
export interface WarmGround {
  /** Milliseconds an entry lives unless a call says otherwise. */
  readonly ttlMs: number;
  /** The embedder as scopes carry it. */
  readonly embedder: string;
  readonly clock: Clock;
  /** The question as it would be asked now; another scope where the corpus has changed. */
  retarget(item: WarmItem): Promise<WarmItem>;
  /** The entry of exactly this question from the first tier that has one, which brings it into the tiers before. */
  find(item: WarmItem): Promise<Entry | undefined>;
  /** Brings an entry into every tier that has none of its key; with `replace`, into all. False when a removal names it. */
  spread(entry: Entry, replace: boolean): Promise<boolean>;
  /** Generates the answer anew; false when nobody can. */
  regenerate(item: WarmItem, before: Entry | undefined, signal: AbortSignal): Promise<boolean>;
}

/** What became of a round. */
export interface WarmReport {
  /** Popular questions looked at. */
  readonly questions: number;
  /** Of them: their entry is in memory now and lives on as it was. */
  readonly held: number;
  /** Their entry lives longer now. */
  readonly extended: number;
  /** Generated anew, because the entry was gone or would not have lived until the next round. */
  readonly regenerated: number;
  /** Gone, and not generated anew: nobody can here, or another process has the round. */
  readonly gone: number;
  /** Failed; the next round tries again. */
  readonly failed: number;
  /** Another process has the round: only this one's memory was filled. */
  readonly elsewhere: boolean;
  readonly durationMs: number;
}

const mostRoundMs = 300_000;
const saveEveryMs = 60_000;
// Generations may be calls of an LLM that people pay for and that has limits; looking up is quick.
const mostRegenerating = 2;
const mostSharedAdditions = 500;
// Looks at the start that may find nothing before it waits, how often it waits, and how long at first: eight seconds in all.
const mostFruitless = 3;
const mostAttempts = 5;
const firstRetryMs = 250;

/** Keeps the answers of popular questions in memory and alive. */
export class Warmer {
  readonly #options: WarmerOptions;
  readonly #ground: WarmGround;
  readonly #popularity: Popularity;
  readonly #store: PopularityStore | undefined;
  readonly #counts: SharedCounts | undefined;
  readonly #lease: ((forMs: number) => Promise<RoundLease | undefined>) | undefined;
  readonly #stop = new AbortController();
  readonly #cancels = new Set<() => void>();
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    options: WarmerOptions,
    ground: WarmGround,
    popularity: Popularity,
    shared: {
      readonly store?: PopularityStore | undefined;
      readonly counts?: SharedCounts | undefined;
      /** Default: the store's. */
      readonly lease?: ((forMs: number) => Promise<RoundLease | undefined>) | undefined;
    } = {},
  ) {
    this.#options = options;
    this.#ground = ground;
    this.#popularity = popularity;
    this.#store = shared.store;
    this.#counts = shared.counts;
    this.#lease =
      shared.lease ?? (shared.store && ((forMs) => (shared.store as PopularityStore).lease(forMs)));
  }

  /** Learns what was popular before, brings that into memory, and begins the rounds. */
  start(): void {
    this.#queue(() => this.#restore()).catch(() => {});
    this.#later(Math.min(saveEveryMs, this.#options.intervalMs), () => this.save());
    this.#later(this.#options.intervalMs, () => this.round());
  }

  /** One round, after what is under way; the signal ends it early. Never two at once. */
  round(signal?: AbortSignal, topN = this.#options.topN): Promise<WarmReport> {
    return this.#queue(() => this.#round(topN, signal));
  }

  /** The questions asked most, at least `least` times each: by all machines where counts are shared. */
  async popular(count: number, least = 0): Promise<WarmItem[]> {
    const shared = await this.#counts?.popular(count).catch(() => undefined);
    if (shared === undefined || shared.length === 0) return this.#popularity.top(least).slice(0, count);
    return shared
      .filter(({ hits }) => isOften(hits, least))
      .map(({ key, scope: id, hits }) => {
        const known = this.#popularity.get(key);
        if (known !== undefined) return { ...known, count: hits };
        return { scope: foreignScope(id, this.#ground.embedder), key, question: undefined, count: hits };
      });
  }

  /** Brings what was counted to the store and to other machines. Rejects when the store cannot be written. */
  async save(): Promise<void> {
    const fresh = this.#popularity.top().filter(({ unsaved }) => unsaved > 0);
    if (fresh.length === 0) return;
    const told = fresh.map((item) => ({ ...item }));
    for (const item of fresh) item.unsaved = 0;
    for (const { scope, key, unsaved } of told
      .toSorted((a, b) => b.unsaved - a.unsaved)
      .slice(0, mostSharedAdditions))
      this.#counts?.add(scope.id, key, unsaved);
    await this.#counts?.flush();
    await this.#store?.save(told);
  }

  /** Forgets one question, those of a scope, or all, wherever they are counted. */
  async forget(scopeId?: string, key?: Key): Promise<void> {
    if (key !== undefined) this.#popularity.forget(key);
    else this.#popularity.clear(scopeId);
    await Promise.all([this.#store?.forget(scopeId, key), this.#counts?.forget(scopeId, key)]);
  }

  /** Ends the round under way, saves and starts no other. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort(new ClosedError('the cache'));
    for (const cancel of this.#cancels) cancel();
    await this.#running.catch(() => {});
    await this.save().catch(() => {});
  }

  #later(delayMs: number, action: () => Promise<unknown>): void {
    const jittered = delayMs * (0.9 + 0.2 * Math.random());
    const cancel = this.#ground.clock.after(
      jittered,
      () => {
        this.#cancels.delete(cancel);
        // A round that fails is followed by the next; each failure of a question is counted in its report.
        action()
          .catch(() => {})
          .then(() => this.#stop.signal.aborted || this.#later(delayMs, action));
      },
      { background: true },
    );
    this.#cancels.add(cancel);
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#running.then(() => {
      this.#stop.signal.throwIfAborted();
      return work();
    });
    this.#running = run.catch(() => {});
    return run;
  }

  async #restore(): Promise<void> {
    this.#popularity.restore((await this.#store?.load().catch(() => [])) ?? []);
    await this.#load(0);
  }

  /** At the start: what was popular before goes into memory, the most popular first, as much as memory holds. */
  async #load(attempt: number): Promise<void> {
    const items = await this.popular(this.#options.mostLoaded);
    let loaded = 0;
    for (const [index, item] of items.entries()) {
      if (this.#stop.signal.aborted) return;
      // Of nothing but misses the cause is rather a server that is not connected yet.
      if (loaded === 0 && index === mostFruitless && attempt < mostAttempts) break;
      const now = await this.#ground.retarget(item).catch(() => item);
      if ((await this.#ground.find(now).catch(() => undefined)) !== undefined) loaded++;
    }
    const isFruitless = loaded === 0 && (items.length > 0 || this.#counts !== undefined);
    if (!isFruitless || attempt === mostAttempts) return;
    const cancel = this.#ground.clock.after(
      firstRetryMs * 2 ** attempt,
      () => {
        this.#cancels.delete(cancel);
        this.#queue(() => this.#load(attempt + 1)).catch(() => {});
      },
      { background: true },
    );
    this.#cancels.add(cancel);
  }

  async #round(topN: number, signal: AbortSignal | undefined): Promise<WarmReport> {
    const { clock } = this.#ground;
    const started = clock.mono();
    await this.save();
    const lease = await (this.#lease?.(mostRoundMs) ?? alone).catch(() => undefined);
    const limit = new AbortController();
    const cancel = clock.after(mostRoundMs, () => limit.abort(new Error('the round took too long')), {
      background: true,
    });
    const signals = [this.#stop.signal, limit.signal, ...(signal === undefined ? [] : [signal])];
    try {
      const items = await this.popular(topN, this.#options.minCount);
      const tally = await this.#care(items, lease !== undefined, AbortSignal.any(signals));
      signal?.throwIfAborted();
      this.#popularity.decay(this.#options.decay);
      if (lease !== undefined) await this.#counts?.decay(this.#options.decay);
      return { ...tally, elsewhere: lease === undefined, durationMs: clock.mono() - started };
    } finally {
      cancel();
      await lease?.release().catch(() => {});
    }
  }

  async #care(items: readonly WarmItem[], mayWrite: boolean, signal: AbortSignal) {
    const tally = { questions: 0, held: 0, extended: 0, regenerated: 0, gone: 0, failed: 0 };
    const seen = new Set<Key>();
    const queue = items.values();
    const work = async () => {
      for (const item of queue) {
        if (signal.aborted) return;
        try {
          const now = await this.#ground.retarget(item);
          // The same question of two versions of the corpus is one question today.
          if (seen.has(now.key)) continue;
          seen.add(now.key);
          tally.questions++;
          tally[await this.#careFor(now, mayWrite, signal)]++;
        } catch {
          if (!signal.aborted) tally.failed++;
        }
      }
    };
    await Promise.all(Array.from({ length: mostRegenerating }, work));
    return tally;
  }

  async #careFor(item: WarmItem, mayWrite: boolean, signal: AbortSignal) {
    const entry = await this.#ground.find(item);
    if (!mayWrite) return entry === undefined ? 'gone' : 'held';
    const extended = entry && this.#extended(entry);
    const aliveUntil = entry === undefined ? 0 : freshUntil(extended ?? entry);
    if (aliveUntil - this.#ground.clock.wall() < this.#options.intervalMs) {
      if (await this.#ground.regenerate(item, entry, signal)) return 'regenerated';
    }
    if (entry === undefined) return 'gone';
    if (extended !== undefined) return (await this.#ground.spread(extended, true)) ? 'extended' : 'gone';
    // Tiers that let go of entries before they expire get them back.
    return (await this.#ground.spread(entry, false)) ? 'held' : 'gone';
  }

  /** The entry with its longer life; undefined when it has that already, or was given a shorter one on purpose. */
  #extended(entry: Entry): Entry | undefined {
    const { createdAtMs, staleAtMs, expiresAtMs } = entry;
    const before = freshUntil(entry);
    const until = createdAtMs + this.#options.extendedTtlMs;
    const onPurpose = before - createdAtMs < this.#ground.ttlMs - 1;
    if (onPurpose || until <= before) return undefined;
    const later = { ...entry, expiresAtMs: expiresAtMs + until - before };
    return staleAtMs === undefined ? later : { ...later, staleAtMs: until };
  }
}

const alone = Promise.resolve<RoundLease>({ release: async () => {} });

/** A scope of which only the digest is known: enough to find its entries. */
function foreignScope(id: string, embedder: string): Scope {
  return { id, base: id, digest: new Uint8Array(Buffer.from(id, 'hex')), embedder, fields: {} };
}
