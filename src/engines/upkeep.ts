// Builds and dissolves the graphs of an engine in the background, one at a time. For engines/ alone.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CacheError, NativeError } from '../core/errors.js';
import type { FlatEngine } from './flat.js';
import { Build, type Graph, graphBytes } from './graph.js';
import type { GraphParameters, GraphRows } from './graph-job.js';
import type { Hnswlib } from './hnswlib.js';
import type { Partition, Partitions, Segment } from './partitions.js';

/** What an engine holds. */
export interface Rows {
  /** Rows outside graphs; its partitions are the numbers of segments. */
  readonly flat: FlatEngine;
  /** Replaced as a whole when everything is cleared or loaded anew. */
  partitions: Partitions;
}

// Microseconds of copying between two turns of the event loop, and what a row costs on the way.
const turnUs = 250;
const costUs = { graph: 22, flat: 2, look: 0.1 };

/** Says when work in slices has to give way. */
export class Pace {
  #spentUs = 0;

  isDue(rowUs: number = costUs.look): boolean {
    this.#spentUs += rowUs;
    if (this.#spentUs < turnUs) return false;
    this.#spentUs = 0;
    return true;
  }
}

/**
 * Keeps graphs in step with their partitions. A build takes the rows of a moment: they are frozen and stay where they are until
 * its graph stands for them. A failed one leaves them there, and is tried again when half as many changes have come as there
 * are rows.
 */
export class Upkeep {
  readonly #rows: Rows;
  readonly #parameters: GraphParameters;
  readonly #graphFrom: number;
  readonly #library: Hnswlib;
  readonly #due = new Set<Partition>();
  #working: Promise<void> | undefined;
  #building: Partition | undefined;
  #build: Build | undefined;
  #buildBytes = 0;
  #awaited = 0;
  #failure: Error | undefined;
  #closed = false;

  constructor(rows: Rows, parameters: GraphParameters, graphFrom: number, library: Hnswlib) {
    this.#rows = rows;
    this.#parameters = parameters;
    this.#graphFrom = graphFrom;
    this.#library = library;
  }

  /** Bytes of what is being built. */
  get bytes(): number {
    return this.#buildBytes;
  }

  /** Why the last build that failed did. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Resolves when nothing is being built or due; keeps the process alive until then. */
  async settled(): Promise<void> {
    this.#awaited++;
    this.#build?.ref();
    while (this.#working !== undefined) await this.#working;
    this.#awaited--;
  }

  /** Ends the build under way. */
  stop(): void {
    this.#build?.stop();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.stop();
    await this.#working;
  }

  /** Forgets the partition if it has no rows. */
  dropIfEmpty(owner: Partition): void {
    if (owner.rows > 0) return;
    for (const number of owner.numbers) this.#rows.flat.clear(number);
    owner.graph?.free();
    owner.graph = undefined;
    this.#rows.partitions.drop(owner);
    if (this.#building === owner) this.#build?.stop();
  }

  /** To be called after every change of a partition. */
  changed(owner: Partition): void {
    if (owner.rows === 0) this.dropIfEmpty(owner);
    if (owner.changesSinceFailure !== undefined) owner.changesSinceFailure++;
    if (owner.busy || !(this.#needsGraph(owner) || this.#needsNoGraph(owner))) return;
    this.#due.add(owner);
    this.#working ??= this.#work();
  }

  #mayTry({ rows, changesSinceFailure }: Partition): boolean {
    return !this.#closed && (changesSinceFailure === undefined || changesSinceFailure * 2 >= rows);
  }

  #needsGraph(owner: Partition): boolean {
    const { rows, linked, graph } = owner;
    if (rows < this.#graphFrom || !this.#mayTry(owner)) return false;
    const unlinked = rows - linked;
    const dead = (graph?.count ?? 0) - linked;
    return (unlinked + dead) * 3 > rows;
  }

  #needsNoGraph(owner: Partition): boolean {
    return owner.graph !== undefined && owner.rows * 2 < this.#graphFrom && this.#mayTry(owner);
  }

  /** One partition after the other, so that no more than one thread builds. Never rejects. */
  async #work(): Promise<void> {
    await nextTurn();
    for (const owner of this.#due) {
      this.#due.delete(owner);
      if (!this.#rows.partitions.stands(owner)) continue;
      owner.busy = true;
      this.#building = owner;
      try {
        if (this.#needsNoGraph(owner)) await this.#dissolveGraph(owner);
        else if (this.#needsGraph(owner)) await this.#buildGraph(owner);
      } catch (error) {
        if (this.#rows.partitions.stands(owner)) this.#fail(owner, error);
      }
      this.#building = undefined;
      owner.busy = false;
      if (this.#rows.partitions.stands(owner)) this.changed(owner);
    }
    this.#working = undefined;
  }

  #fail(owner: Partition, error: unknown): void {
    owner.changesSinceFailure = 0;
    this.#failure =
      error instanceof CacheError
        ? error
        : new NativeError(`no graph could be built: ${(error as Error).message}`, { cause: error });
  }

  async #buildGraph(owner: Partition): Promise<void> {
    const { frozen: left } = owner;
    // What a failed build left goes back first, so that this one takes everything.
    if (left !== undefined && !(await this.#gather(owner, (segment) => segment === left))) return;
    if (!this.#rows.partitions.stands(owner)) return;
    const frozen = this.#rows.partitions.freeze(owner);
    const most = owner.rows;
    const ids = new Uint32Array(new SharedArrayBuffer(most * 4));
    const { dimension } = this.#parameters;
    const vectors = new Float32Array(new SharedArrayBuffer(most * 4 * dimension));
    this.#buildBytes = ids.byteLength + vectors.byteLength + graphBytes(most, this.#parameters);
    let count = 0;
    const copy = (id: number) => {
      vectors.set(this.#row(owner, id), count * dimension);
      ids[count++] = id;
    };
    const isSealed = ({ generation }: Segment) => generation <= frozen.generation;
    try {
      if (!(await this.#walk(owner, isSealed, copy)) || count === 0) return;
      this.#build = new Build();
      if (this.#awaited > 0) this.#build.ref();
      const rows = {
        ids: ids.subarray(0, count),
        vectors: vectors.subarray(0, count * dimension),
      };
      const { graph, orphans } = await this.#build.run(
        this.#library,
        this.#parameters,
        rows,
        frozen.generation,
      );
      if (!this.#rows.partitions.stands(owner)) return graph.free();
      owner.graph?.free();
      this.#rows.partitions.link(owner, graph);
      this.#keepFlat(owner, rows, orphans);
      await this.#drain(frozen, rows.ids);
    } finally {
      this.#build = undefined;
      this.#buildBytes = 0;
    }
  }

  async #dissolveGraph(owner: Partition): Promise<void> {
    await this.#gather(owner, (segment) => segment !== owner.fresh);
    owner.changesSinceFailure = undefined;
  }

  /** Rows that the graph does not find stay in the flat index. */
  #keepFlat(owner: Partition, { ids, vectors }: GraphRows, orphans: readonly number[]): void {
    const { dimension } = this.#parameters;
    for (const at of orphans) {
      const id = ids[at] as number;
      const segment = this.#rows.partitions.home(id);
      if (segment?.partition !== owner || !this.#rows.partitions.isLinked(segment)) continue;
      // The slice is a copy in memory of our own: the addon takes nothing that another thread could change.
      const row = vectors.slice(at * dimension, (at + 1) * dimension);
      this.#rows.flat.set(id, owner.fresh.number, row);
      this.#rows.partitions.move(id, owner.fresh);
    }
  }

  /** Takes the rows that the graph now stands for out of the flat index. */
  async #drain(frozen: Segment, ids: Uint32Array): Promise<void> {
    const { partition: owner } = frozen;
    const pace = new Pace();
    for (const id of ids) {
      const segment = this.#rows.partitions.home(id);
      if (segment?.partition === owner && this.#rows.partitions.isLinked(segment)) this.#rows.flat.remove(id);
      if (!pace.isDue(costUs.flat)) continue;
      await nextTurn();
      if (!this.#rows.partitions.stands(owner)) return;
    }
    this.#rows.partitions.releaseNumber(frozen);
  }

  /** Brings rows of a partition back into its fresh segment; false when the partition was cleared meanwhile. */
  async #gather(owner: Partition, which: (segment: Segment) => boolean): Promise<boolean> {
    const move = (id: number) => {
      this.#rows.flat.set(id, owner.fresh.number, this.#row(owner, id));
      this.#rows.partitions.move(id, owner.fresh);
    };
    if (!(await this.#walk(owner, which, move))) return false;
    if (owner.frozen?.rows === 0) {
      this.#rows.partitions.releaseNumber(owner.frozen);
      owner.frozen = undefined;
    }
    if (owner.linked === 0) {
      owner.graph?.free();
      owner.graph = undefined;
    }
    return true;
  }

  #row(owner: Partition, id: number): Float32Array {
    return this.#rows.flat.read(id) ?? (owner.graph as Graph).read(id);
  }

  /** Visits the rows of some segments of a partition, giving way to other work; false when the partition was cleared meanwhile. */
  async #walk(
    owner: Partition,
    which: (segment: Segment) => boolean,
    visit: (id: number) => void,
  ): Promise<boolean> {
    const { partitions } = this.#rows;
    const pace = new Pace();
    for (const [id, segment] of partitions.homes()) {
      const chosen = segment.partition === owner && which(segment);
      const cost = partitions.isLinked(segment) ? costUs.graph : costUs.flat;
      if (chosen) visit(id);
      if (!pace.isDue(chosen ? cost : costUs.look)) continue;
      await nextTurn();
      if (partitions !== this.#rows.partitions || !partitions.stands(owner)) return false;
    }
    return true;
  }
}
