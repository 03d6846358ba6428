// An approximate engine beside the vectors, as a tier or a database holds it. The tests of the engines import it.
import type { Engine, Neighbour } from '#dist/engines/engine.js';
import { exactly } from '#dist/engines/exactly.js';

/** Similarities are worked out from the vectors. */
export class WithVectors implements Engine {
  readonly name = 'with vectors';
  readonly #engine: Engine;
  #vectors = new Map<number, { partition: number; vector: Float32Array }>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }
  get dimension() {
    return this.#engine.dimension;
  }
  get size() {
    return this.#engine.size;
  }
  get bytes() {
    return this.#engine.bytes;
  }
  set(id: number, partition: number, vector: Float32Array): void {
    this.#engine.set(id, partition, vector);
    this.#vectors.set(id, { partition, vector: vector.slice() });
  }
  remove(id: number): boolean {
    return this.#engine.remove(id);
  }
  search(vector: Float32Array, partition: number, k: number): Neighbour[] {
    // Rounded, two that are as near may have changed places.
    const found = this.#engine.search(vector, partition, k > 0 ? k + 16 : k);
    return exactly(this.#engine, vector, found, ({ id }) => this.#vectors.get(id)?.vector).slice(0, k);
  }
  clear(partition?: number): void {
    this.#engine.clear(partition);
  }
  async load(ids: Uint32Array, partitions: Uint32Array, vectors: Float32Array): Promise<void> {
    await this.#engine.load(ids, partitions, vectors);
    const d = this.dimension;
    for (const [row, id] of ids.entries()) {
      const partition = partitions[row] as number;
      this.#vectors.set(id, { partition, vector: vectors.slice(row * d, (row + 1) * d) });
    }
  }
  close(): Promise<void> {
    return this.#engine.close();
  }
}
