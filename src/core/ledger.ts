// The order of removals: what makes an entry a miss although it has not expired, in this process and across processes. Any folder may import it.
import type { Epoch, Key } from './entry.js';
import { isNamed, isWithin, type Mark, marks, type RangedMark, type Removable, rangedMark } from './marks.js';

export { type Mark, marks } from './marks.js';

/** How well this process knows what others have removed. */
export interface LedgerHealth {
  /** `lost` while others' removals have been unknown for longer than allowed, and this process serves only what the shared tier has. */
  readonly state: 'ok' | 'lost';
  /** Wall-clock milliseconds of the last change of that; undefined before the first. */
  readonly sinceMs: number | undefined;
  readonly epoch: Epoch;
  /** Milliseconds since all removals of others were known; 0 where there are no others. */
  readonly staleMs: number;
  /** Removals that others cannot see yet. */
  readonly queued: number;
  /** Times that removals were lost sight of, so that everything older was given up. */
  readonly gaps: number;
}

/**
 * An append-only order of removals, shared by the processes of one cache. An entry carries the epoch at which its generation began;
 * a removal with a later epoch that names it makes it dead, in whatever tier it lies and however it came back.
 */
export interface Ledger {
  /** The latest removal known here; what is generated from now on is stamped with it. */
  readonly epoch: Epoch;
  /** Brings in what others have removed where that takes no waiting. Called before each lookup; a fraction of a microsecond when nothing is due. */
  refresh(): void;
  /** False when others' removals have been unknown for longer than allowed: what this process holds by itself must not be served. */
  isCurrent(): boolean;
  /** True when no known removal after the entry's epoch names it. O(tags + sources + removals by time, at most 64). */
  isAlive(entry: Removable): boolean;
  /** The latest known removal that names the key or its scope, of whatever time of creation. O(removals by time). */
  latest(key: Key, scope: string): Epoch;
  /**
   * Removes. Takes effect in this process at once; resolves true when every other process can see it and what they removed before it
   * is known here, false while that is not so, in which case it is queued until they can.
   */
  remove(removed: readonly Mark[]): Promise<boolean>;
  health(): LedgerHealth;
  /** Names who is told when `isCurrent` changes: one listener, none before. */
  watch(onChange: (health: LedgerHealth) => void): void;
  close(): Promise<void>;
}

/** Epochs a millisecond: shared ledgers count from the clock of whatever keeps the order, so that a restart never goes back. */
export const epochsPerMs = 1024;

// A removed name costs about 150 bytes here; a service that removes more in the lifetime of an answer loses its oldest answers early.
export const mostMarks = 65_536;
// Each is looked at by each lookup.
const mostRanges = 64;

/** The latest epoch of each removed name, in bounded memory: what is forgotten counts as removed. */
export class MarkTable {
  readonly #most: number;
  /** Entries that began before it are dead. */
  #floor: Epoch = 0;
  /** The longest ago first. */
  readonly #epochs = new Map<Mark, Epoch>();
  /** Removals by time of creation, the longest ago first; none of them within a later one. */
  #ranges: (RangedMark & { readonly epoch: Epoch })[] = [];
  #epoch: Epoch = 0;

  constructor(most: number = mostMarks) {
    this.#most = most;
  }

  /** The latest epoch noted. */
  get epoch(): Epoch {
    return this.#epoch;
  }

  /** Notes a removal; the epochs of one name only grow. */
  note(removed: Mark, epoch: Epoch): void {
    this.#epoch = Math.max(this.#epoch, epoch);
    if (removed === marks.everything) {
      this.raise(epoch);
      return;
    }
    const ranged = rangedMark(removed);
    if (ranged !== undefined) {
      this.#noteRange({ ...ranged, epoch });
      return;
    }
    const latest = Math.max(epoch, this.#epochs.get(removed) ?? 0);
    this.#epochs.delete(removed);
    this.#epochs.set(removed, latest);
    if (this.#epochs.size <= this.#most) return;
    const [oldest, forgotten] = this.#epochs.entries().next().value as [Mark, Epoch];
    this.#epochs.delete(oldest);
    this.raise(forgotten);
  }

  /** Gives up everything that began before the epoch. */
  raise(epoch: Epoch): void {
    this.#epoch = Math.max(this.#epoch, epoch);
    this.#floor = Math.max(this.#floor, epoch);
    // The floor says all that the marks said.
    if (this.#floor === this.#epoch) this.#epochs.clear();
    if (this.#ranges.length > 0) this.#ranges = this.#ranges.filter((range) => range.epoch > this.#floor);
  }

  isAlive(entry: Removable): boolean {
    const { key, scope, epoch, tags, sources } = entry;
    if (this.#latestOf(key, scope) > epoch) return false;
    for (const range of this.#ranges) if (range.epoch > epoch && isNamed(range, entry)) return false;
    if (this.#epochs.size === 0) return true;
    for (const tag of tags ?? []) if (this.#isAfter(marks.tag(tag), epoch)) return false;
    for (const source of sources ?? []) if (this.#isAfter(marks.source(source), epoch)) return false;
    return true;
  }

  latest(key: Key, scope: string): Epoch {
    let latest = this.#latestOf(key, scope);
    for (const range of this.#ranges) {
      if (range.epoch > latest && isNamed(range, { key, scope, epoch: 0 })) latest = range.epoch;
    }
    return latest;
  }

  #latestOf(key: Key, scope: string): Epoch {
    if (this.#epochs.size === 0) return this.#floor;
    const ofKey = this.#epochs.get(marks.key(key)) ?? 0;
    const ofScope = this.#epochs.get(marks.scope(scope)) ?? 0;
    return Math.max(this.#floor, ofKey, ofScope);
  }

  #noteRange(range: RangedMark & { readonly epoch: Epoch }): void {
    const isSaid = (by: RangedMark & { readonly epoch: Epoch }) =>
      by.epoch >= range.epoch && isWithin(range, by);
    if (range.epoch <= this.#floor || this.#ranges.some(isSaid)) return;
    const held = this.#ranges.filter((other) => other.epoch > range.epoch || !isWithin(other, range));
    this.#ranges = [...held, range].sort((a, b) => a.epoch - b.epoch);
    const forgotten = this.#ranges.length > Math.min(mostRanges, this.#most) ? this.#ranges[0] : undefined;
    if (forgotten !== undefined) this.raise(forgotten.epoch);
  }

  #isAfter(removed: Mark, epoch: Epoch): boolean {
    return (this.#epochs.get(removed) ?? 0) > epoch;
  }
}

/** The ledger of a cache whose tiers no other process sees. */
export class LocalLedger implements Ledger {
  readonly #table = new MarkTable();

  get epoch(): Epoch {
    return this.#table.epoch;
  }

  refresh(): void {}

  isCurrent(): boolean {
    return true;
  }

  isAlive(entry: Removable): boolean {
    return this.#table.isAlive(entry);
  }

  latest(key: Key, scope: string): Epoch {
    return this.#table.latest(key, scope);
  }

  async remove(removed: readonly Mark[]): Promise<boolean> {
    const epoch = this.#table.epoch + 1;
    for (const each of removed) this.#table.note(each, epoch);
    return true;
  }

  health(): LedgerHealth {
    return { state: 'ok', sinceMs: undefined, epoch: this.epoch, staleMs: 0, queued: 0, gaps: 0 };
  }

  watch(): void {}

  async close(): Promise<void> {}
}
