// Counts what is under way, by key; tiers and vectordb import it.

/** How many pieces of work are under way for each key. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** Keys with work under way. */
  get size(): number {
    return this.#counts.size;
  }

  has(key: string): boolean {
    return this.#counts.has(key);
  }

  /** Runs the work with the keys counted until it has settled. */
  async during<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    try {
      return await work();
    } finally {
      for (const key of keys) {
        const others = (this.#counts.get(key) ?? 1) - 1;
        if (others > 0) this.#counts.set(key, others);
        else this.#counts.delete(key);
      }
    }
  }
}
