// Remembers what was removed lately, so that work begun before a removal does not bring it back. Any folder may import it.
import type { Key } from './entry.js';

/** A moment in the order of removals; compare only through `Removals`. */
export type Moment = number;

// Between two moments that are compared lies one generation: a service that removes more than this meanwhile loses a store or two.
const mostRemembered = 4096;

/** The latest removals, in bounded memory: what is forgotten counts as removed. */
export class Removals {
  #now: Moment = 0;
  #everything: Moment = 0;
  /** By key or scope, the longest ago first. */
  readonly #latest = new Map<string, Moment>();

  /** The present moment. */
  now(): Moment {
    return this.#now;
  }

  /** Notes that a key, or all of a scope (its id), or without an argument everything was removed. */
  note(removed?: Key): void {
    this.#now++;
    if (removed === undefined) {
      this.#everything = this.#now;
      this.#latest.clear();
      return;
    }
    this.#latest.delete(removed);
    this.#latest.set(removed, this.#now);
    if (this.#latest.size <= mostRemembered) return;
    const [oldest, moment] = this.#latest.entries().next().value as [string, Moment];
    this.#latest.delete(oldest);
    this.#everything = moment;
  }

  /** True unless it is certain that neither the key nor its scope was removed after the moment. O(1). */
  since(moment: Moment, key: Key, scope: string): boolean {
    return this.latest(key, scope) > moment;
  }

  /** The latest moment at which the key or its scope may have been removed. O(1). */
  latest(key: Key, scope: string): Moment {
    return Math.max(this.#everything, this.#latest.get(key) ?? 0, this.#latest.get(scope) ?? 0);
  }
}
