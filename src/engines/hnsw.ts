// Nearest neighbours by graph for large partitions: hnswlib-node behind the engine interface; tiers and vectordb may import it.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DimensionError, InvalidArgumentError } from '../core/errors.js';
import type { Engine, Neighbour } from './engine.js';
import { checkInteger, checkRows, checkVector, FlatEngine, greatestNumber } from './flat.js';
import { type Graph, homeBytes } from './graph.js';
import { type Hnswlib, loadHnswlib, type Space } from './hnswlib.js';
import { type Partition, Partitions } from './partitions.js';
import { Pace, type Rows, Upkeep } from './upkeep.js';

/** How graphs are built and searched; names and defaults are the paper's and hnswlib's. */
export interface HnswOptions {
  /** Links a row on each level above the lowest, 2 to 512; twice as many on the lowest. Default 16. */
  readonly M?: number | undefined;
  /** Candidates looked at when a row is linked, 1 to 100,000. Default 200. */
  readonly efConstruction?: number | undefined;
  /** Candidates looked at by a search, 1 to 100,000; at least `k` always. Default 50. */
  readonly efSearch?: number | undefined;
  /** Default `cosine`. Similarities are cosines with any of them, to within the tolerance of unit length. */
  readonly space?: Space | undefined;
  /** Of the levels, an unsigned 32-bit integer: the same rows in the same order make the same graph. Default 100. */
  readonly seed?: number | undefined;
  /** Rows at which a partition gets a graph, at least 2; below half of it, it loses it again. Default 1,000. */
  readonly graphFrom?: number | undefined;
}

/** @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export async function openHnswEngine(dimension: number, options: HnswOptions = {}): Promise<HnswEngine> {
  return new HnswEngine(dimension, options, await loadHnswlib());
}

/**
 * Graphs that never change, and beside them the exact index for what came since. A worker thread builds a partition's graph; rows
 * set meanwhile and later stand in the flat index and are searched with it; rows removed or replaced are skipped in the graph. When
 * they come to more than a third of the partition, the graph is built anew. So a change costs 2 microseconds at dimension 384,
 * against 0.3 to 1 millisecond for `addPoint` and 2 to 4 for a replacement; a graph is always as good as new; and hnswlib's deletion
 * is never used: what is added near many deleted rows is lost (hnswlib-node 3.0.0 takes the last of an empty list there). Rows that
 * a fresh graph does not find by their own vectors stay in the flat index: a stored question asked again is found.
 *
 * A search returns min(k, rows) neighbours: those of the flat index exactly, those of the graph by `efSearch`. While a graph is
 * built, the partition is served by what was there before. Nothing is kept across restarts: `load` serves exactly at once and
 * graphs follow.
 *
 * Cost at dimension 384: the thread takes 0.6 milliseconds a row at 10,000 rows and 1.5 at 50,000 (two busy cores), and the rows
 * and the new graph stand in memory twice until it is done. The event loop is held for about 0.25 milliseconds at a time, and once a
 * build for 0.12 microseconds a row, when the old graph's memory is given back. Vectors without structure, such as Gaussian ones,
 * are found badly by a graph (recall@10 about 0.5 at the default `efSearch`): the flat engine is for them.
 */
export class HnswEngine implements Engine {
  readonly name = 'hnsw';
  readonly dimension: number;
  readonly #rows: Rows;
  readonly #upkeep: Upkeep;

  /** Use `openHnswEngine`. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
  constructor(
    dimension: number,
    {
      M = 16,
      efConstruction = 200,
      efSearch = 50,
      space = 'cosine',
      seed = 100,
      graphFrom = 1000,
    }: HnswOptions,
    library: Hnswlib,
  ) {
    checkInteger('M', M, 2, 512);
    checkInteger('efConstruction', efConstruction, 1, 100_000);
    checkInteger('efSearch', efSearch, 1, 100_000);
    checkInteger('seed', seed, 0, 2 ** 32 - 1);
    checkInteger('graphFrom', graphFrom, 2, greatestNumber);
    if (!['cosine', 'l2', 'ip'].includes(space)) {
      throw new InvalidArgumentError('space', 'cosine, l2 or ip', space);
    }
    this.dimension = dimension;
    this.#rows = { flat: new FlatEngine(dimension), partitions: new Partitions() };
    const parameters = { dimension, M, efConstruction, efSearch, space, seed };
    this.#upkeep = new Upkeep(this.#rows, parameters, graphFrom, library);
  }

  get size(): number {
    return this.#rows.partitions.size;
  }

  /** Bytes held, graphs under construction included; those of graphs are worked out, not measured. */
  get bytes(): number {
    let bytes = this.#rows.flat.bytes + this.#rows.partitions.size * homeBytes + this.#upkeep.bytes;
    for (const { graph } of this.#rows.partitions.all()) bytes += graph?.bytes ?? 0;
    return bytes;
  }

  /** Rows that graphs hold, those included that have gone since; at most half as many again as live in their partitions, a build ago. */
  get rowsInGraphs(): number {
    let rows = 0;
    for (const { graph } of this.#rows.partitions.all()) rows += graph?.count ?? 0;
    return rows;
  }

  /** Why the last build did not come to a graph; the partition is served exactly all the same. */
  get lastFailure(): Error | undefined {
    return this.#upkeep.failure;
  }

  set(id: number, partition: number, vector: Float32Array): void {
    checkInteger('id', id, 0, greatestNumber);
    checkInteger('partition', partition, 0, greatestNumber);
    checkVector(vector, this.dimension);
    const owner = this.#rows.partitions.open(partition);
    try {
      this.#rows.flat.set(id, owner.fresh.number, vector);
    } catch (error) {
      this.#upkeep.dropIfEmpty(owner);
      throw error;
    }
    const before = this.#rows.partitions.move(id, owner.fresh);
    if (before !== undefined && before !== owner) this.#upkeep.changed(before);
    this.#upkeep.changed(owner);
  }

  remove(id: number): boolean {
    checkInteger('id', id, 0, greatestNumber);
    const owner = this.#rows.partitions.take(id);
    if (owner === undefined) return false;
    this.#rows.flat.remove(id);
    this.#upkeep.changed(owner);
    return true;
  }

  /** A copy of the vector of `id`, scaled to unit length if it stands in a graph of the space `cosine`; undefined when there is none. */
  read(id: number): Float32Array | undefined {
    checkInteger('id', id, 0, greatestNumber);
    const segment = this.#rows.partitions.home(id);
    return segment && (this.#rows.flat.read(id) ?? segment.partition.graph?.read(id));
  }

  search(vector: Float32Array, partition: number, k: number): Neighbour[] {
    checkVector(vector, this.dimension);
    checkInteger('partition', partition, 0, greatestNumber);
    checkInteger('k', k, 1, Number.MAX_SAFE_INTEGER);
    const owner = this.#rows.partitions.get(partition);
    if (owner === undefined) return [];
    const { fresh, frozen, graph, linked } = owner;
    const flat = this.#rows.flat.search(vector, fresh.number, k);
    const lists = frozen === undefined ? [flat] : [flat, this.#rows.flat.search(vector, frozen.number, k)];
    if (graph !== undefined && linked > 0) {
      lists.push(this.#searchGraph(owner, graph, vector, Math.min(k, linked)));
    }
    return lists.length === 1 ? flat : merge(lists, k);
  }

  clear(partition?: number): void {
    if (partition === undefined) {
      const before = this.#rows.partitions;
      this.#rows.partitions = new Partitions();
      this.#rows.flat.clear();
      for (const { graph } of before.all()) graph?.free();
      this.#upkeep.stop();
      return;
    }
    checkInteger('partition', partition, 0, greatestNumber);
    const owner = this.#rows.partitions.get(partition);
    if (owner === undefined) return;
    this.#rows.partitions.empty(owner);
    this.#upkeep.dropIfEmpty(owner);
  }

  async load(ids: Uint32Array, partitions: Uint32Array, vectors: Float32Array): Promise<void> {
    if (partitions.length !== ids.length)
      throw new DimensionError('partitions', ids.length, partitions.length);
    checkRows(this.dimension, ids, vectors);
    const loaded = new Partitions();
    const numbers = new Uint32Array(ids.length);
    const pace = new Pace();
    for (const [at, id] of ids.entries()) {
      const partition = partitions[at] as number;
      checkInteger('partition', partition, 0, greatestNumber);
      const { fresh } = loaded.open(partition);
      loaded.move(id, fresh);
      numbers[at] = fresh.number;
      if (pace.isDue()) await nextTurn();
    }
    await this.#rows.flat.load(ids, numbers, vectors);
    const before = this.#rows.partitions;
    this.#rows.partitions = loaded;
    for (const { graph } of before.all()) graph?.free();
    this.#upkeep.stop();
    for (const owner of [...loaded.all()]) this.#upkeep.changed(owner);
  }

  /** Resolves when no graph is being built and none is due; keeps the process alive until then. */
  settled(): Promise<void> {
    return this.#upkeep.settled();
  }

  async close(): Promise<void> {
    this.clear();
    await this.#upkeep.close();
  }

  #searchGraph(owner: Partition, graph: Graph, vector: Float32Array, want: number): Neighbour[] {
    const partitions = this.#rows.partitions;
    const alive = (id: number) => {
      const segment = partitions.home(id);
      return segment?.partition === owner && partitions.isLinked(segment);
    };
    const found = graph.search(vector, want, owner.linked, alive);
    if (found.length >= want) return found;
    // A graph need not hold together: this walk began where too few can be walked to.
    const have = new Set(found.map(({ id }) => id));
    for (const [id] of partitions.homes()) {
      if (have.has(id) || !alive(id)) continue;
      const product = graph.read(id).reduce((sum, value, at) => sum + value * (vector[at] as number), 0);
      found.push({ id, similarity: Math.min(1, Math.max(-1, product)) });
    }
    return found;
  }
}

/** The `k` best of lists that have no id in common; equal ones by id. */
function merge(lists: readonly Neighbour[][], k: number): Neighbour[] {
  return lists
    .flat()
    .sort((a, b) => b.similarity - a.similarity || a.id - b.id)
    .slice(0, k);
}
