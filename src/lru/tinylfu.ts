// A map bounded by entries and bytes that keeps what is asked for often and lately: W-TinyLFU, cost-aware. tiers imports it.
import { randomFillSync } from 'node:crypto';
import { systemClock } from '../core/clock.js';
import type { Key } from '../core/entry.js';
import { native } from '../core/native.js';
import { type BoundedMap, type BoundedMapOptions, checkBounds, type LeaveReason } from './lru.js';
import { type Node, Segment } from './segment.js';

/** How a W-TinyLFU map is bounded and what its items are worth. */
export interface TinyLfuOptions<V> extends BoundedMapOptions<Key, V> {
  /** What having the item at hand saves each time, in any one unit above 0, milliseconds say. Undefined: as much as the others on average. */
  readonly costOf?: ((value: V) => number | undefined) | undefined;
  /** Places the counters of the sketch: 8 words. Default: drawn at random, so that nobody can choose keys that share counters. */
  readonly seed?: Uint32Array | undefined;
}

// New items pass through the window; of the main part that share is for what was asked for again there. By `npm run bench -- hit-rate`
// a window of 5 % hits 0 to 3 points less than this one and one of 20 % up to 15; one that adapts by hill climbing, as Caffeine's does,
// gained nothing on these traces.
const windowShare = 0.01;
// Caffeine's 80 % hits 0.3 to 0.8 points more while favourites stay, 0.5 to 1.5 less when they change, and then falls behind LRU.
const protectedShare = 0.6;
// One item that is larger must be worth what it displaces before it is let in at all.
const largestUnproven = 1 / 8;
// More victims than that are worth more than one item: a bound on the work of an admission.
const mostVictims = 64;
// Uses are told to the sketch in bursts: a call into the addon for each would add 0.1 µs to an exact hit.
const burst = 64;
// By the same bench sixteen bits hit as much where favourites stay, and 0.6 to 3.1 points less where they change, because large counts
// take longer to halve; and they take 52 bytes an entry in the place of 13.
const counterBits = 4;

/**
 * A `BoundedMap` by W-TinyLFU: an item enters a small window by recency, and from there the main part only if it is worth more than
 * what would have to leave, by how often each was asked for lately, times what it saves, for the bytes it takes where bytes are
 * what is short. `set` may so refuse an item larger than an eighth of `maxBytes`. `entries` yields what is safest from leaving
 * first. Keys are SHA-256 in hexadecimal. `get` and `peek` O(1), `set` O(1) amortised and at most 64 comparisons.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT as `boundedMap`.
 * @source Einziger, Friedman & Manes, "TinyLFU: A Highly Efficient Cache Admission Policy" (2017); weighing an item against all of
 * its victims: Einziger, Eytan, Friedman & Manes, "Lightweight Robust Size Aware Cache Management" (2022).
 */
export function tinyLfuMap<V extends {}>(options: TinyLfuOptions<V>): BoundedMap<Key, V> {
  checkBounds(options);
  return new TinyLfu(options);
}

class TinyLfu<V extends {}> implements BoundedMap<Key, V> {
  readonly #options: TinyLfuOptions<V>;
  readonly #now: () => number;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #nodes = new Map<Key, Node<V>>();
  readonly #window: Segment<V>;
  readonly #probation = new Segment<V>(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  readonly #protected: Segment<V>;
  readonly #sketch;
  readonly #uses = new Uint32Array(2 * burst);
  #usesLength = 0;
  #meanCost = 1;
  #knownCosts = 0;

  constructor(options: TinyLfuOptions<V>) {
    const { maxEntries, maxBytes = Number.POSITIVE_INFINITY, clock = systemClock, seed } = options;
    this.#options = options;
    this.#now = () => clock.mono();
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
    const windowEntries = Math.max(1, Math.round(maxEntries * windowShare));
    this.#window = new Segment(windowEntries, maxBytes * windowShare);
    this.#protected = new Segment(
      Math.floor((maxEntries - windowEntries) * protectedShare),
      maxBytes * (1 - windowShare) * protectedShare,
    );
    this.#sketch = new native.FrequencySketch(
      maxEntries,
      counterBits,
      seed ?? randomFillSync(new Uint32Array(8)),
    );
  }

  get size(): number {
    return this.#nodes.size;
  }

  get bytes(): number {
    return this.#window.bytes + this.#probation.bytes + this.#protected.bytes;
  }

  get(key: Key): V | undefined {
    const node = this.#nodes.get(key);
    if (node === undefined) return undefined;
    if (this.#hasExpired(node)) {
      this.#drop(node);
      this.#options.onLeave?.(key, node.value, 'expire');
      return undefined;
    }
    this.#count(node);
    if (node.segment === this.#probation) {
      node.moveTo(this.#protected);
      while (this.#protected.isOver()) (this.#protected.oldest as Node<V>).moveTo(this.#probation);
    } else node.moveTo(node.segment);
    return node.value;
  }

  peek(key: Key): V | undefined {
    const node = this.#nodes.get(key);
    return node === undefined || this.#hasExpired(node) ? undefined : node.value;
  }

  set(key: Key, value: V, { ttlMs }: { readonly ttlMs?: number | undefined } = {}): boolean {
    const { sizeOf, onLeave, costOf } = this.#options;
    const bytes = sizeOf === undefined ? 0 : Math.max(1, Math.ceil(sizeOf(value, key)));
    const left: [Node<V>, LeaveReason][] = [];
    const held = this.#nodes.get(key);
    const mayStand = (ttlMs === undefined || ttlMs > 0) && bytes <= this.#maxBytes;
    if (held !== undefined) {
      this.#drop(held);
      left.push([held, mayStand ? 'replace' : 'delete']);
    }
    let node: Node<V> | undefined;
    if (mayStand) {
      const until = ttlMs === undefined ? Number.POSITIVE_INFINITY : this.#now() + ttlMs;
      node = this.#window.node(key, value, bytes, until, this.#learn(costOf?.(value)));
      this.#count(node);
      if (this.#makeRoom(node, left)) {
        this.#nodes.set(key, node);
        // What was held in the main part has earned its place already.
        node.moveTo(held === undefined || held.segment === this.#window ? this.#window : this.#probation);
      } else node = undefined;
    }
    // Last, because whoever hears of it may call the map.
    for (const [{ key, value }, reason] of left) onLeave?.(key, value, reason);
    return node !== undefined;
  }

  delete(key: Key): boolean {
    const node = this.#nodes.get(key);
    if (node === undefined) return false;
    this.#drop(node);
    this.#options.onLeave?.(key, node.value, 'delete');
    return true;
  }

  clear(): void {
    for (const key of [...this.#nodes.keys()]) this.delete(key);
  }

  *entries(): IterableIterator<[Key, V]> {
    for (const segment of [this.#protected, this.#window, this.#probation]) {
      for (const node of segment) if (!this.#hasExpired(node)) yield [node.key, node.value];
    }
  }

  #hasExpired({ until }: Node<V>): boolean {
    return until !== Number.POSITIVE_INFINITY && this.#now() >= until;
  }

  #drop(node: Node<V>): void {
    this.#nodes.delete(node.key);
    node.unlink();
  }

  /** Lets items go until a new one has room; false when it is worth less than they. */
  #makeRoom(node: Node<V>, left: [Node<V>, LeaveReason][]): boolean {
    if (node.bytes > this.#maxBytes * largestUnproven) return this.#admit(node, node.bytes, 1, left);
    for (;;) {
      const candidate = this.#window.oldest;
      if (candidate === undefined || !this.#window.isOver(node)) break;
      candidate.moveTo(this.#probation);
      if (this.#isFull(node.bytes, 1) && !this.#admit(candidate, node.bytes, 1, left)) {
        this.#drop(candidate);
        left.push([candidate, 'evict']);
      }
    }
    // The window is not full, and yet the whole is: the main part took what the window left free.
    while (this.#isFull(node.bytes, 1)) {
      const victim = this.#probation.oldest ?? this.#protected.oldest ?? (this.#window.oldest as Node<V>);
      this.#drop(victim);
      left.push([victim, 'evict']);
    }
    return true;
  }

  #isFull(bytes: number, entries: number): boolean {
    return this.#nodes.size + entries > this.#maxEntries || this.bytes + bytes > this.#maxBytes;
  }

  /** Makes room for so much, at the cost of others than the candidate; changes nothing where they are worth more than it. */
  #admit(candidate: Node<V>, bytes: number, entries: number, left: [Node<V>, LeaveReason][]): boolean {
    const victims: Node<V>[] = [];
    let freed = 0;
    let lost = 0;
    const worth = this.#worth(candidate);
    for (const victim of this.#victims(candidate)) {
      if (!this.#isFull(bytes - freed, entries - victims.length)) break;
      if (victims.length === mostVictims) return false;
      victims.push(victim);
      freed += victim.bytes;
      if (!this.#hasExpired(victim)) lost += this.#worth(victim);
    }
    const byBytes = this.bytes + bytes > this.#maxBytes;
    if (lost > 0 && (byBytes ? worth * freed <= lost * candidate.bytes : worth <= lost)) return false;
    for (const victim of victims) {
      this.#drop(victim);
      left.push([victim, this.#hasExpired(victim) ? 'expire' : 'evict']);
    }
    return true;
  }

  /** In the order in which they have to go: what was asked for once, then the rest, the longest ago first. */
  *#victims(candidate: Node<V>): Generator<Node<V>> {
    for (const segment of [this.#probation, this.#protected, this.#window]) {
      for (const node of segment.oldestFirst()) if (node !== candidate) yield node;
    }
  }

  #worth({ high, low, cost }: Node<V>): number {
    if (this.#usesLength > 0) {
      this.#sketch.add(this.#uses, this.#usesLength / 2);
      this.#usesLength = 0;
    }
    return Math.max(1, this.#sketch.estimate(high, low)) * (cost ?? this.#meanCost);
  }

  #count({ high, low }: Node<V>): void {
    this.#uses[this.#usesLength++] = high;
    this.#uses[this.#usesLength++] = low;
    if (this.#usesLength < 2 * burst) return;
    this.#sketch.add(this.#uses, burst);
    this.#usesLength = 0;
  }

  /** The mean follows the last hundred or so that were told. */
  #learn(cost: number | undefined): number | undefined {
    if (cost === undefined || !(cost > 0)) return undefined;
    this.#knownCosts = Math.min(100, this.#knownCosts + 1);
    this.#meanCost += (cost - this.#meanCost) / this.#knownCosts;
    return cost;
  }
}
