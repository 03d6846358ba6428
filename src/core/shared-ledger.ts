// What the ledgers that processes share have in common; disk/ledger.ts and redis/ledger.ts import it.
import type { Clock } from './clock.js';
import type { Epoch, Key } from './entry.js';
import {
  epochsPerMs,
  type Ledger,
  type LedgerHealth,
  type Mark,
  MarkTable,
  marks,
  mostMarks,
} from './ledger.js';
import { isNamed, type RangedMark, type Removable, rangedMark } from './marks.js';

/** Remembers across restarts what could not be sent. */
export interface Journal {
  held(): readonly Mark[];
  add(removed: Iterable<Mark>): Promise<void>;
  drop(removed: Iterable<Mark>): Promise<void>;
}

// One message to the keeper of the order: small enough for its time-out.
const mostAtOnce = 200;

/**
 * A ledger whose order is kept elsewhere. A removal is noted here at once and sent; until the order has given it its own epoch, what
 * it names is dead, and what is generated meanwhile dies of that epoch. Only when sending has failed does this process give out
 * epochs of its own, by its clock, so that it can go on caching; the order is later lifted above them. Until then, an entry that
 * another process stamped by a clock that is ahead of this one's may survive a removal here.
 */
export abstract class SharedLedger implements Ledger {
  protected readonly clock: Clock;
  /** What the order says. */
  protected readonly known = new MarkTable();
  protected gaps = 0;
  /** What was removed here and is not in the order yet. */
  #pending = new MarkTable();
  /** The same, to be sent, the longest ago first; each with the number of its `remove`. */
  readonly #waiting = new Map<Mark, number>();
  /** Those of them that name by time of creation; some may have been sent since. */
  readonly #waitingRanges = new Map<Mark, RangedMark>();
  #sending: ReadonlyMap<Mark, number> = new Map();
  #round: Promise<boolean> | undefined;
  #removals = 0;
  #tick: Epoch = 0;
  #failing = false;
  readonly #journal: Journal | undefined;
  readonly #journaled = new Set<Mark>();
  /** Monotonic milliseconds at which all removals of others were known last. */
  protected confirmedAt = Number.NEGATIVE_INFINITY;
  readonly #openedAt: number;
  readonly #maxStaleMs: number;
  #isLost = false;
  #sinceMs: number | undefined;
  #onChange: ((health: LedgerHealth) => void) | undefined;

  /** What the journal holds is sent first. `maxStaleMs` as in the options of the ledgers. */
  constructor(clock: Clock, maxStaleMs: number, journal?: Journal) {
    this.clock = clock;
    this.#maxStaleMs = maxStaleMs;
    this.#openedAt = clock.mono();
    this.#journal = journal;
    const unsent = journal?.held() ?? [];
    if (unsent.length === 0) return;
    for (const mark of unsent) this.#journaled.add(mark);
    this.#note(unsent);
  }

  /** Adds marks to the order, each later than `above`, and notes their epochs in `known`. Rejects when some may not be in it. */
  protected abstract send(removed: readonly Mark[], above: Epoch): Promise<void>;
  abstract refresh(): void;
  abstract close(): Promise<void>;

  isCurrent(): boolean {
    const isLost = this.clock.mono() - this.confirmedAt > this.#maxStaleMs;
    if (isLost !== this.#isLost) {
      this.#isLost = isLost;
      this.#sinceMs = this.clock.wall();
      this.#tell();
    }
    return !isLost;
  }

  health(): LedgerHealth {
    return {
      state: this.isCurrent() ? 'ok' : 'lost',
      sinceMs: this.#sinceMs,
      epoch: this.epoch,
      staleMs: this.clock.mono() - Math.max(this.confirmedAt, this.#openedAt),
      queued: this.queued,
      gaps: this.gaps,
    };
  }

  watch(onChange: (health: LedgerHealth) => void): void {
    this.#onChange = onChange;
    if (!this.isCurrent()) this.#tell();
  }

  #tell(): void {
    try {
      this.#onChange?.(this.health());
    } catch (error) {
      // Who listens must not fail who asks.
      process.emitWarning(error as Error);
    }
  }

  get epoch(): Epoch {
    return this.#failing ? Math.max(this.known.epoch, this.#pending.epoch) : this.known.epoch;
  }

  isAlive(entry: Removable): boolean {
    if (!this.known.isAlive(entry)) return false;
    if (this.#waiting.size === 0) return true;
    if (this.#failing) return this.#pending.isAlive(entry);
    return !this.#isWaiting(entry);
  }

  /** True when a removal names it that is on the way to its own epoch, and so later than whatever anybody has stamped. */
  #isWaiting(entry: Removable): boolean {
    const { key, scope, tags, sources } = entry;
    const waiting = this.#waiting;
    for (const [mark, range] of this.#waitingRanges) {
      if (!waiting.has(mark)) this.#waitingRanges.delete(mark);
      else if (isNamed(range, entry)) return true;
    }
    return (
      waiting.has(marks.everything) ||
      waiting.has(marks.key(key)) ||
      waiting.has(marks.scope(scope)) ||
      (tags?.some((tag) => waiting.has(marks.tag(tag))) ?? false) ||
      (sources?.some((source) => waiting.has(marks.source(source))) ?? false)
    );
  }

  latest(key: Key, scope: string): Epoch {
    return Math.max(this.known.latest(key, scope), this.#pending.latest(key, scope));
  }

  async remove(removed: readonly Mark[]): Promise<boolean> {
    const removal = this.#note(removed);
    while (this.#firstWaiting() <= removal) {
      if (await this.#sendSome()) continue;
      await this.#remember(removed);
      return false;
    }
    return true;
  }

  /** Notes removals here and queues them; the number of this round. */
  #note(removed: readonly Mark[]): number {
    const removal = ++this.#removals;
    this.#tick = Math.max(this.#tick, this.epoch, Math.ceil(this.clock.wall() + 1) * epochsPerMs) + 1;
    for (const mark of removed) {
      this.#pending.note(mark, this.#tick);
      const range = rangedMark(mark);
      if (range !== undefined) this.#waitingRanges.set(mark, range);
      // One that waits already is sent after this moment anyhow.
      if (this.#waiting.has(mark) && !this.#sending.has(mark)) continue;
      this.#waiting.delete(mark);
      this.#waiting.set(mark, removal);
    }
    if (this.#waiting.size > mostMarks) {
      const first = this.#firstWaiting();
      this.#waiting.clear();
      this.#waiting.set(marks.everything, first);
      // What is being sent does not cover what has come since, even if it is everything.
      this.#sending = new Map();
    }
    return removal;
  }

  /** So that they are sent although this process may end before it can. */
  async #remember(removed: readonly Mark[]): Promise<void> {
    const unsent = removed.filter((mark) => this.#waiting.has(mark));
    for (const mark of unsent) this.#journaled.add(mark);
    // A full disk leaves what stands in memory.
    await this.#journal?.add(unsent).catch(() => {});
  }

  /** What was sent, or has become part of the removal of everything, need not be remembered. */
  #settle(): void {
    const sent = [...this.#journaled].filter((mark) => !this.#waiting.has(mark));
    for (const mark of sent) this.#journaled.delete(mark);
    this.#journal?.drop(sent).catch(() => {});
  }

  /** Removals that wait to be sent. */
  protected get queued(): number {
    return this.#waiting.size;
  }

  /** Sends what waits; false when that failed. Never rejects. */
  protected async flush(): Promise<boolean> {
    const last = this.#removals;
    while (this.#firstWaiting() <= last) if (!(await this.#sendSome())) return false;
    return true;
  }

  #firstWaiting(): number {
    return this.#waiting.values().next().value ?? Number.POSITIVE_INFINITY;
  }

  #sendSome(): Promise<boolean> {
    this.#round ??= this.#sendBatch().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #sendBatch(): Promise<boolean> {
    const batch = new Map<Mark, number>();
    for (const [mark, removal] of this.#waiting) {
      if (batch.size === mostAtOnce) break;
      batch.set(mark, removal);
    }
    this.#sending = batch;
    try {
      await this.send([...batch.keys()], this.#failing ? this.#pending.epoch : 0);
    } catch {
      this.#failing = true;
      this.#sending = new Map();
      return false;
    }
    for (const [mark, removal] of this.#sending) {
      if (this.#waiting.get(mark) === removal) this.#waiting.delete(mark);
    }
    this.#sending = new Map();
    if (this.#journaled.size > 0) this.#settle();
    if (this.#waiting.size > 0) return true;
    this.#failing = false;
    this.#pending = new MarkTable();
    this.#waitingRanges.clear();
    return true;
  }
}
