// A list of a cache's items by recency, bounded by entries and bytes; tinylfu.ts imports it.
import type { Key } from '../core/entry.js';

/** An item and its place. */
export class Node<V> {
  readonly key: Key;
  readonly value: V;
  readonly bytes: number;
  /** Monotonic milliseconds at which it expires. */
  readonly until: number;
  readonly cost: number | undefined;
  /** The first 64 bits of the key, for the sketch. */
  readonly high: number;
  readonly low: number;
  segment: Segment<V>;
  #older: Node<V> | undefined;
  #newer: Node<V> | undefined;

  constructor(
    segment: Segment<V>,
    key: Key,
    value: V,
    bytes: number,
    until: number,
    cost: number | undefined,
  ) {
    this.segment = segment;
    this.key = key;
    this.value = value;
    this.bytes = bytes;
    this.until = until;
    this.cost = cost;
    this.high = Number.parseInt(key.slice(0, 8), 16) >>> 0;
    this.low = Number.parseInt(key.slice(8, 16), 16) >>> 0;
  }

  get newer(): Node<V> | undefined {
    return this.#newer;
  }

  get older(): Node<V> | undefined {
    return this.#older;
  }

  /** Makes it the newest of a segment. */
  moveTo(segment: Segment<V>): void {
    if (segment.newest === this) return;
    this.unlink();
    this.segment = segment;
    this.#older = segment.newest;
    if (segment.newest === undefined) segment.oldest = this;
    else segment.newest.#newer = this;
    segment.newest = this;
    segment.size++;
    segment.bytes += this.bytes;
  }

  /** Takes it out of its segment; nothing when it is in none. */
  unlink(): void {
    const { segment } = this;
    const [older, newer] = [this.#older, this.#newer];
    if (older === undefined && segment.oldest !== this) return;
    if (older === undefined) segment.oldest = newer;
    else older.#newer = newer;
    if (newer === undefined) segment.newest = older;
    else newer.#older = older;
    this.#older = undefined;
    this.#newer = undefined;
    segment.size--;
    segment.bytes -= this.bytes;
  }
}

/** Items in the order of their last use. */
export class Segment<V> implements Iterable<Node<V>> {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  newest: Node<V> | undefined;
  oldest: Node<V> | undefined;
  size = 0;
  bytes = 0;

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  /** A node that is in no list yet. */
  node(key: Key, value: V, bytes: number, until: number, cost: number | undefined): Node<V> {
    return new Node(this, key, value, bytes, until, cost);
  }

  /** True when it holds too much, or would with one more. */
  isOver(more?: Node<V>): boolean {
    const entries = this.size + (more === undefined ? 0 : 1);
    return entries > this.#maxEntries || this.bytes + (more?.bytes ?? 0) > this.#maxBytes;
  }

  /** Newest first. */
  *[Symbol.iterator](): Generator<Node<V>> {
    for (let node = this.newest; node !== undefined; node = node.older) yield node;
  }

  /** Oldest first. */
  *oldestFirst(): Generator<Node<V>> {
    for (let node = this.oldest; node !== undefined; node = node.newer) yield node;
  }
}
