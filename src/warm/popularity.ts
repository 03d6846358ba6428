// Which questions are asked most, counted in this process: exact for the frequent ones, by a sketch for the rest. warming.ts imports it.
import { randomFillSync } from 'node:crypto';
import type { Key } from '../core/entry.js';
import { native } from '../core/native.js';
import type { Scope, ScopeFields } from '../core/scope.js';

/** A question and how often it was asked. */
export interface PopularQuestion {
  readonly key: Key;
  readonly question: string;
  /** What its answer depends on besides. */
  readonly scope: ScopeFields;
  /** Digest of the scope: 64 hexadecimal digits. */
  readonly scopeId: string;
  /** Times it was asked, older ones counting less. */
  readonly count: number;
}

/** A question counted exactly. */
export interface Counted {
  readonly scope: Scope;
  readonly key: Key;
  readonly question: string;
  count: number;
  /** What was added since it was last saved. */
  unsaved: number;
}

// Calls before they are counted, which costs 25 nanoseconds each for questions in the table and 0.3 microseconds for others.
const burst = 256;
// A longer question is hardly asked twice, and a thousand of them would take megabytes.
const longestQuestion = 4_000;
// Counts beyond 15 rank the candidates for a place in the table, so four bits would not do here.
const counterBits = 16;

/** Counts have aged a little since: asked three times a while ago is less than three by now. */
export function isOften(count: number, least: number): boolean {
  return count >= least - 0.5;
}

/**
 * The most frequent questions, at most twice `capacity` of them counted exactly. A new one gets a place when the sketch says that it was
 * asked at least as often as the rarest of the most frequent `capacity`.
 * @source the method of Charikar, Chen & Farach-Colton, "Finding Frequent Items in Data Streams" (2002), section 3.2, over a Count-Min sketch.
 */
export class Popularity {
  readonly #capacity: number;
  readonly #table = new Map<Key, Counted>();
  readonly #sketch;
  readonly #scopes: Scope[] = [];
  readonly #noted: { readonly key: Key; readonly question: string }[] = [];
  /** A newcomer must have been asked this often. */
  #floor = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#sketch = new native.FrequencySketch(4 * capacity, counterBits, randomFillSync(new Uint32Array(8)));
  }

  /** Notes that a question was asked: the stored one that answered it, or itself. */
  note(scope: Scope, asked: { readonly key: Key; readonly question: string }): void {
    this.#scopes.push(scope);
    if (this.#noted.push(asked) >= burst) this.#settle();
  }

  /** All that are counted exactly and were asked at least `least` times, the most frequent first. */
  top(least = 0): Counted[] {
    this.#settle();
    return [...this.#table.values()]
      .filter(({ count }) => isOften(count, least))
      .sort((a, b) => b.count - a.count);
  }

  /** The question of a key, if it is counted exactly. */
  get(key: Key): Counted | undefined {
    return this.#table.get(key);
  }

  /** Adds what was counted before this process began. */
  restore(items: readonly Omit<Counted, 'unsaved'>[]): void {
    this.#settle();
    for (const item of items) {
      const held = this.#table.get(item.key);
      if (held === undefined) this.#table.set(item.key, { ...item, unsaved: 0 });
      else held.count += item.count;
    }
    this.#prune();
  }

  /** What was asked until now counts less: all counts are multiplied by a factor from 0 to 1. */
  decay(factor: number): void {
    this.#settle();
    this.#floor *= factor;
    for (const [key, item] of this.#table) {
      item.count *= factor;
      if (item.count < 0.5 && item.unsaved === 0) this.#table.delete(key);
    }
  }

  /** Forgets a question. */
  forget(key: Key): void {
    this.#settle();
    this.#table.delete(key);
  }

  /** Forgets all questions, or those of a scope. */
  clear(scopeId?: string): void {
    this.#settle();
    for (const [key, { scope }] of this.#table)
      if (scopeId === undefined || scope.id === scopeId) this.#table.delete(key);
  }

  #settle(): void {
    const strangers: number[] = [];
    for (const [i, { key, question }] of this.#noted.entries()) {
      const held = this.#table.get(key);
      if (held === undefined) {
        if (question.length <= longestQuestion) strangers.push(i);
        continue;
      }
      held.count++;
      held.unsaved++;
    }
    if (strangers.length > 0) this.#meet(strangers);
    this.#noted.length = 0;
    this.#scopes.length = 0;
  }

  #meet(strangers: readonly number[]): void {
    const words = new Uint32Array(2 * strangers.length);
    const counts = new Uint32Array(strangers.length);
    for (const [at, i] of strangers.entries()) {
      const { key } = this.#noted[i] as { key: Key };
      words[2 * at] = Number.parseInt(key.slice(0, 8), 16);
      words[2 * at + 1] = Number.parseInt(key.slice(8, 16), 16);
    }
    this.#sketch.add(words, strangers.length, counts);
    for (const [at, i] of strangers.entries()) {
      const count = counts[at] as number;
      const { key, question } = this.#noted[i] as { key: Key; question: string };
      const held = this.#table.get(key);
      if (held !== undefined) {
        held.count++;
        held.unsaved++;
      } else if (count >= this.#floor) {
        this.#table.set(key, { scope: this.#scopes[i] as Scope, key, question, count, unsaved: count });
      }
    }
    this.#prune();
  }

  #prune(): void {
    if (this.#table.size <= 2 * this.#capacity) return;
    const sorted = [...this.#table.values()].sort((a, b) => b.count - a.count);
    this.#floor = (sorted[this.#capacity - 1] as Counted).count;
    for (const { key } of sorted.slice(this.#capacity)) this.#table.delete(key);
  }
}
