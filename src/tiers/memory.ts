// Tier A: entries of this process, by exact key and by meaning. open.ts and ./testing import it.
import { type Clock, systemClock } from '../core/clock.js';
import { type Candidate, type Entry, isStale, type Key } from '../core/entry.js';
import { DimensionError } from '../core/errors.js';
import type { Scope } from '../core/scope.js';
import type { DeleteOptions, SetOptions, Tier, TierSize } from '../core/tier.js';
import { type SealedValue, seal } from '../core/value.js';
import { encodeValue } from '../disk/codec.js';
import type { Engine } from '../engines/engine.js';
import { exactly } from '../engines/exactly.js';
import { FlatEngine } from '../engines/flat.js';
import { type BoundedMap, boundedMap, type LeaveReason } from '../lru/lru.js';
import { tinyLfuMap } from '../lru/tinylfu.js';

/** How tier A chooses what goes. */
export type Eviction = 'w-tinylfu' | 'lru';

/** How tier A is bounded. */
export interface MemoryTierOptions {
  /** Length of the vectors. */
  readonly dimension: number;
  /** Most entries. Default 10,000. */
  readonly maxEntries?: number | undefined;
  /** Most bytes of questions, values and vectors. Default 256 MiB. */
  readonly maxBytes?: number | undefined;
  /**
   * Which entries go first: `w-tinylfu` keeps those asked for often and lately that took long to generate for their bytes, and may
   * refuse an entry larger than an eighth of `maxBytes`; `lru` drops the least recently used. Default `w-tinylfu`.
   */
  readonly eviction?: Eviction | undefined;
  /** Nearest neighbours of that dimension; the tier owns it from here on. Default: a `FlatEngine`. */
  readonly engine?: Engine | undefined;
  /** Told of each entry that left by itself. Default: nobody. */
  readonly onEvict?: ((entry: Entry, reason: 'room' | 'expired') => void) | undefined;
  readonly clock?: Clock | undefined;
}

interface Slot {
  readonly entry: Entry;
  readonly value: SealedValue;
  /** Id in the vector index; undefined when the entry has no vector. */
  readonly label: number | undefined;
  readonly bytes: number;
}

interface Partition {
  readonly number: number;
  entries: number;
}

// Key, object headers and list links of an entry besides its payload, measured with 10,000 short entries on Node 20.
const overheadBytes = 400;
// A row of the index: float32 and int8 components, id, scale and bounds.
const bytesPerComponent = 5;

/**
 * The hot tier: an exact map and an exact index under one bound. Every call is synchronous. A value handed out is frozen, or a
 * copy where it cannot be frozen.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for a bound that is not a positive integer.
 */
export function memoryTier(options: MemoryTierOptions): Tier {
  return new MemoryTier(options);
}

class MemoryTier implements Tier {
  readonly name = 'memory';
  readonly #clock: Clock;
  readonly #slots: BoundedMap<Key, Slot>;
  readonly #index: Engine;
  readonly #partitions = new Map<string, Partition>();
  readonly #freePartitions: number[] = [];
  readonly #keys: Key[] = [];
  readonly #freeLabels: number[] = [];

  constructor({
    dimension,
    maxEntries = 10_000,
    maxBytes = 256 << 20,
    eviction = 'w-tinylfu',
    engine = new FlatEngine(dimension),
    onEvict,
    clock = systemClock,
  }: MemoryTierOptions) {
    this.#clock = clock;
    if (engine.dimension !== dimension) throw new DimensionError('engine', dimension, engine.dimension);
    this.#index = engine;
    const bounds = {
      maxEntries,
      maxBytes,
      clock,
      sizeOf: (slot: Slot) => slot.bytes,
      onLeave: (_key: Key, slot: Slot, reason: LeaveReason) => {
        this.#release(slot);
        if (reason === 'evict' || reason === 'expire')
          onEvict?.(slot.entry, reason === 'evict' ? 'room' : 'expired');
      },
    };
    this.#slots =
      eviction === 'lru'
        ? boundedMap<Key, Slot>(bounds)
        : tinyLfuMap<Slot>({ ...bounds, costOf: ({ entry }) => entry.costMs });
  }

  get(key: Key, scope: Scope): Entry | undefined {
    const slot = this.#slots.get(key);
    return slot === undefined || slot.entry.scope !== scope.id ? undefined : open(slot);
  }

  near(vector: Float32Array, scope: Scope, k: number): Candidate[] {
    const partition = this.#partitions.get(scope.id);
    if (partition === undefined) return [];
    for (;;) {
      const found: Candidate[] = [];
      let expired = 0;
      for (const { id, similarity } of this.#index.search(vector, partition.number, k)) {
        const key = this.#keys[id] as Key;
        const slot = this.#slots.peek(key);
        if (slot !== undefined) found.push({ entry: open(slot), similarity });
        else if (this.#slots.delete(key)) expired++;
      }
      // What has expired took the place of what lives: now that it is gone, look again.
      if (expired === 0) return exactly(this.#index, vector, found, ({ entry }) => entry.vector);
    }
  }

  touch(key: Key): void {
    this.#slots.get(key);
  }

  set(entry: Entry, { onlyIfAbsent = false }: SetOptions = {}): boolean {
    const nowMs = this.#clock.wall();
    const held = onlyIfAbsent ? this.#slots.peek(entry.key) : undefined;
    // A stale one gives way: otherwise what others have made anew would be fetched from below at every hit.
    if (held !== undefined && (!isStale(held.entry, nowMs) || isStale(entry, nowMs))) return true;
    const ttlMs = entry.expiresAtMs - nowMs;
    const recorded = entry.recording === undefined ? 0 : encodeValue(entry.recording).length;
    const size = encodeValue(entry.value).length + recorded + 2 * entry.question.length + overheadBytes;
    const bytes = size + (entry.vector?.length ?? 0) * bytesPerComponent;
    // The earlier slot goes first, so that it and the new one never hold a label each at the bound.
    this.#slots.delete(entry.key);
    const value = seal(entry.value);
    const label = entry.vector === undefined ? undefined : this.#claim(entry, entry.vector);
    const slot: Slot = { entry: { ...entry, value: value.read() }, value, label, bytes };
    const stored = this.#slots.set(entry.key, slot, { ttlMs });
    if (!stored) this.#release(slot);
    return stored;
  }

  delete(key: Key, scope: Scope, { onlyIf }: DeleteOptions = {}): boolean {
    const held = this.#slots.peek(key)?.entry;
    if (held?.scope !== scope.id || onlyIf?.(held) === false) return false;
    return this.#slots.delete(key);
  }

  clear(scope?: Scope): void {
    if (scope === undefined) this.#slots.clear();
    else
      for (const [key, slot] of [...this.#slots.entries()])
        if (slot.entry.scope === scope.id) this.#slots.delete(key);
  }

  size(): TierSize {
    return { entries: this.#slots.size, bytes: this.#slots.bytes };
  }

  async close(): Promise<void> {
    this.#slots.clear();
    await this.#index.close();
  }

  #claim(entry: Entry, vector: Float32Array): number {
    let partition = this.#partitions.get(entry.scope);
    if (partition === undefined) {
      partition = { number: this.#freePartitions.pop() ?? this.#partitions.size, entries: 0 };
      this.#partitions.set(entry.scope, partition);
    }
    const label = this.#freeLabels.pop() ?? this.#keys.length;
    try {
      this.#index.set(label, partition.number, vector);
    } catch (error) {
      this.#freeLabels.push(label);
      this.#drop(entry.scope, partition);
      throw error;
    }
    this.#keys[label] = entry.key;
    partition.entries++;
    return label;
  }

  #release({ entry, label }: Slot): void {
    if (label === undefined) return;
    this.#index.remove(label);
    this.#freeLabels.push(label);
    const partition = this.#partitions.get(entry.scope) as Partition;
    partition.entries--;
    this.#drop(entry.scope, partition);
  }

  #drop(scope: string, partition: Partition): void {
    if (partition.entries > 0) return;
    this.#partitions.delete(scope);
    this.#freePartitions.push(partition.number);
  }
}

function open({ entry, value }: Slot): Entry {
  const read = value.read();
  return read === entry.value ? entry : { ...entry, value: read };
}
