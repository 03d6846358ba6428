// Where each row of a graph engine stands: which partition, and since when. For engines/ alone.
import type { Graph } from './graph.js';

/** Rows of a partition that were set in one span of time; a graph holds whole generations. */
export interface Segment {
  readonly partition: Partition;
  /** Later segments have greater ones. */
  readonly generation: number;
  /** Its partition of the flat index. */
  readonly number: number;
  rows: number;
}

/** One partition. Its living rows are those of `fresh`, of `frozen` and the linked ones of its graph. */
export interface Partition {
  readonly key: number;
  rows: number;
  /** Living rows that the graph stands for. */
  linked: number;
  graph: Graph | undefined;
  /** Where rows are set. */
  fresh: Segment;
  /** What goes into the graph that is being built; also what a failed build left. */
  frozen: Segment | undefined;
  /** Numbers of the flat index that may hold rows of this partition. */
  readonly numbers: Set<number>;
  /** Its graph is being built or dissolved. */
  busy: boolean;
  /** Changes since the last build failed; undefined when it did not. */
  changesSinceFailure: number | undefined;
}

/** The partitions and the segment of each row. */
export class Partitions {
  readonly #partitions = new Map<number, Partition>();
  readonly #homes = new Map<number, Segment>();
  readonly #freeNumbers: number[] = [];
  #nextNumber = 0;
  #generation = 0;

  /** Rows of all partitions. */
  get size(): number {
    return this.#homes.size;
  }

  all(): IterableIterator<Partition> {
    return this.#partitions.values();
  }

  get(key: number): Partition | undefined {
    return this.#partitions.get(key);
  }

  /** The partition, made if need be. */
  open(key: number): Partition {
    let partition = this.#partitions.get(key);
    if (partition === undefined) {
      const rest = { rows: 0, linked: 0, graph: undefined, frozen: undefined, busy: false };
      const numbers = new Set<number>();
      // The segment and its partition refer to each other.
      partition = { key, ...rest, numbers, changesSinceFailure: undefined, fresh: {} as Segment };
      partition.fresh = this.#segment(partition);
      this.#partitions.set(key, partition);
    }
    return partition;
  }

  /** The segment of each row by id. Safe to walk while rows come and go: what is set anew is met again, at the end. */
  homes(): IterableIterator<[number, Segment]> {
    return this.#homes.entries();
  }

  home(id: number): Segment | undefined {
    return this.#homes.get(id);
  }

  /** Puts a row into a segment; the partition it stood in before, if any. */
  move(id: number, to: Segment): Partition | undefined {
    const from = this.#homes.get(id);
    if (from !== undefined) this.#leave(from);
    this.#homes.set(id, to);
    to.rows++;
    to.partition.rows++;
    return from?.partition;
  }

  /** Forgets a row; the partition it stood in, if any. */
  take(id: number): Partition | undefined {
    const from = this.#homes.get(id);
    if (from === undefined) return undefined;
    this.#leave(from);
    this.#homes.delete(id);
    return from.partition;
  }

  /** Forgets all rows of a partition. */
  empty(partition: Partition): void {
    for (const [id, segment] of this.#homes) if (segment.partition === partition) this.take(id);
  }

  /** Forgets a partition without rows; its numbers are free again. */
  drop(partition: Partition): void {
    for (const number of partition.numbers) this.#freeNumbers.push(number);
    partition.numbers.clear();
    this.#partitions.delete(partition.key);
  }

  /** Whether this partition is still in use; false after a clear. */
  stands(partition: Partition): boolean {
    return this.#partitions.get(partition.key) === partition;
  }

  /** Whether the graph of its partition stands for the rows of this segment. */
  isLinked({ partition: { graph }, generation }: Segment): boolean {
    return graph !== undefined && generation <= graph.generation;
  }

  /** Begins a new segment; the one before is frozen. */
  freeze(partition: Partition): Segment {
    const frozen = partition.fresh;
    partition.frozen = frozen;
    partition.fresh = this.#segment(partition);
    return frozen;
  }

  /** Gives the partition its new graph, which stands for all rows but the fresh ones. */
  link(partition: Partition, graph: Graph): void {
    partition.graph = graph;
    partition.linked = partition.rows - partition.fresh.rows;
    partition.frozen = undefined;
    partition.changesSinceFailure = undefined;
  }

  /** Gives back the number of a segment that the flat index holds no row of. */
  releaseNumber({ partition, number }: Segment): void {
    if (partition.numbers.delete(number)) this.#freeNumbers.push(number);
  }

  #leave(segment: Segment): void {
    const { partition } = segment;
    segment.rows--;
    partition.rows--;
    if (this.isLinked(segment)) partition.linked--;
  }

  #segment(partition: Partition): Segment {
    const number = this.#freeNumbers.pop() ?? this.#nextNumber++;
    partition.numbers.add(number);
    return { partition, generation: ++this.#generation, number, rows: 0 };
  }
}
