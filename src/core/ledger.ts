// The order of removals: what makes an entry a miss although it has not expired, in this process and across processes. Any folder may import it.
import type { Entry, Epoch, Key } from './entry.js';

/** What is removed, as text: everything, a key, a scope, a tag or a source. */
export type Mark = string;

/** Makes marks. */
export const marks = {
  everything: '*',
  key: (key: Key): Mark => `k:${key}`,
  scope: (id: string): Mark => `s:${id}`,
  tag: (tag: string): Mark => `t:${tag}`,
  source: (id: string): Mark => `d:${id}`,
} as const;

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
  /** True when no known removal after the entry's epoch names it. O(tags + sources). */
  isAlive(entry: Pick<Entry, 'key' | 'scope' | 'epoch' | 'tags' | 'sources'>): boolean;
  /** The latest known removal that names the key or its scope. O(1). */
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

/** The latest epoch of each removed name, in bounded memory: what is forgotten counts as removed. */
export class MarkTable {
  readonly #most: number;
  /** Entries that began before it are dead. */
  #floor: Epoch = 0;
  /** The longest ago first. */
  readonly #epochs = new Map<Mark, Epoch>();
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
  }

  isAlive({ key, scope, epoch, tags, sources }: Parameters<Ledger['isAlive']>[0]): boolean {
    if (this.latest(key, scope) > epoch) return false;
    if (this.#epochs.size === 0) return true;
    for (const tag of tags ?? []) if (this.#isAfter(marks.tag(tag), epoch)) return false;
    for (const source of sources ?? []) if (this.#isAfter(marks.source(source), epoch)) return false;
    return true;
  }

  latest(key: Key, scope: string): Epoch {
    if (this.#epochs.size === 0) return this.#floor;
    const ofKey = this.#epochs.get(marks.key(key)) ?? 0;
    const ofScope = this.#epochs.get(marks.scope(scope)) ?? 0;
    return Math.max(this.#floor, ofKey, ofScope);
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

  isAlive(entry: Parameters<Ledger['isAlive']>[0]): boolean {
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
