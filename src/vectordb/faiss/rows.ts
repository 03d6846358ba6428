// One index in the faiss thread and which document each of its rows stands for; partition.ts imports it.
import { randomUUID } from 'node:crypto';
import { BusyError, TierError } from '../../core/errors.js';
import type { Documents } from '../documents.js';
import { sample } from './k-means.js';
import { bytesPerRow, sampleSize } from './options.js';
import type { FaissReply, FaissRequest, FaissSpec } from './protocol.js';
import type { FaissThread } from './thread.js';

/** The thread no longer has the index. */
export class LostIndexError extends TierError {
  constructor() {
    super('faiss', 'index', 'its thread was replaced; the index is built anew');
  }
}

/** What a search of the rows found. */
export interface Candidates {
  /** Stored keys without those of dead rows; the nearest first, unless they are all. */
  readonly names: readonly string[];
  /** Rows the index holds. */
  readonly rows: number;
  /** True when the index finds no more, however many are asked for. */
  readonly exhausted: boolean;
}

type WithoutIndex<R> = R extends { index: string } ? Omit<R, 'index'> : never;

// About 10 ms at 384 numbers, so that searches get in between: rows are copied number by number, and linking one takes 3 ms.
const rowsPerAdd = { Flat: 128, IVF: 128, IVFPQ: 128, HNSW: 16 } as const;
const rowsPerSample = 128;

/**
 * Rows are only appended: what is removed or replaced leaves a dead row behind, for faiss moves or reuses the numbers of rows removed.
 * The thread refuses rows that do not follow the last, so the two sides never disagree about which row is which.
 */
export class FaissRows {
  readonly spec: FaissSpec;
  readonly #thread: FaissThread;
  readonly #documents: Documents;
  readonly #index = randomUUID();
  readonly #names: string[] = [];
  readonly #places = new Map<string, number>();
  /** Stored keys of which the rows may not be what is stored. */
  readonly #stale = new Set<string>();
  #settling: Promise<void> = Promise.resolve();
  #broken = false;

  constructor(thread: FaissThread, documents: Documents, spec: FaissSpec) {
    this.#thread = thread;
    this.#documents = documents;
    this.spec = spec;
  }

  /** Documents. */
  get live(): number {
    return this.#places.size;
  }

  /** Rows that stand for nothing. */
  get dead(): number {
    return this.#names.length - this.#places.size;
  }

  /** True when it is of no use any more. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Bytes in the thread, about. */
  get bytes(): number {
    return this.#names.length * bytesPerRow(this.spec);
  }

  /** Makes the index, and trains it if need be on some of the documents of these stored keys. */
  async create(names: readonly string[], random: () => number): Promise<void> {
    await this.#ask({ kind: 'create', spec: this.spec });
    const wanted = sampleSize(this.spec);
    if (wanted === 0) return;
    const chosen = Array.from(sample(names.length, wanted, random), (at) => names[at] as string);
    let sent = 0;
    for (let at = 0; at < chosen.length; at += rowsPerSample) {
      const { rows, held } = this.#read(chosen.slice(at, at + rowsPerSample));
      await this.#ask({ kind: 'sample', at: sent, rows });
      sent += held.length;
    }
    while ((await this.#ask({ kind: 'train' })).kind === 'more');
  }

  /** Notes that a document may have been written or removed. */
  note(name: string): void {
    this.#stale.add(name);
  }

  /** Brings the index up to what was noted before the call. One at a time: calls wait for each other. */
  settle(): Promise<void> {
    const settled = this.#settling.then(() => this.#settle());
    this.#settling = settled.catch(() => {});
    return settled;
  }

  async #settle(): Promise<void> {
    // What is written meanwhile is left to the next call: a busy writer must not keep a search waiting for ever.
    for (let left = this.#stale.size; left > 0; ) {
      const some = this.#someStale(Math.min(left, rowsPerAdd[this.spec.type]));
      left -= some.length;
      const { rows, held } = this.#read(some);
      for (const name of some) {
        this.#stale.delete(name);
        this.#places.delete(name);
      }
      if (held.length > 0) await this.#add(rows, held);
    }
  }

  async #add(rows: Float32Array, names: readonly string[]): Promise<void> {
    const at = this.#names.length;
    for (const name of names) this.#places.set(name, this.#names.push(name) - 1);
    try {
      await this.#ask({ kind: 'add', at, rows });
    } catch (error) {
      if (error instanceof BusyError) {
        this.#names.length = at;
        for (const name of names) {
          this.#places.delete(name);
          this.#stale.add(name);
        }
      }
      throw error;
    }
  }

  /** Up to `k` rows, those of documents that are still there. Asked for as many as there are, it names all without a search. */
  async search(vector: Float32Array, k: number, signal?: AbortSignal): Promise<Candidates> {
    const known = this.#names.length;
    // A graph does not reach every row, and an inverted file looks at some of its lists only.
    if (k >= known) return { names: [...this.#places.keys()], rows: known, exhausted: true };
    const reply = await this.#ask({ kind: 'search', vector, k }, signal);
    const rows = reply.kind === 'rows' ? reply.rows : new Uint32Array();
    const names = new Set<string>();
    for (const row of rows) {
      const name = this.#names[row] as string;
      const place = this.#places.get(name);
      // A document replaced while the thread searched is found by its former row.
      if (place === row || (place !== undefined && place >= known)) names.add(name);
    }
    return { names: [...names], rows: known, exhausted: rows.length < k };
  }

  /** Lets the thread forget the index. */
  drop(): void {
    this.#broken = true;
    this.#thread.ask({ kind: 'drop', index: this.#index }).catch(() => {});
  }

  #someStale(most: number): string[] {
    const some: string[] = [];
    for (const name of this.#stale) {
      if (some.length === most) break;
      some.push(name);
    }
    return some;
  }

  #read(names: readonly string[]): { rows: Float32Array; held: string[] } {
    const { dimension } = this.spec;
    const rows = new Float32Array(names.length * dimension);
    const held: string[] = [];
    for (const name of names) {
      const vector = this.#documents.vector(name);
      if (vector === undefined) continue;
      rows.set(vector, held.length * dimension);
      held.push(name);
    }
    return { rows: rows.subarray(0, held.length * dimension), held };
  }

  async #ask(request: WithoutIndex<FaissRequest>, signal?: AbortSignal): Promise<FaissReply> {
    const changes = request.kind !== 'search';
    try {
      const reply = await this.#thread.ask({ ...request, index: this.#index } as FaissRequest, signal);
      if (reply.kind === 'lost' || reply.kind === 'missing') throw new LostIndexError();
      return reply;
    } catch (error) {
      // A change of which nobody knows whether it took place; one that was refused did not.
      if ((changes && !(error instanceof BusyError)) || error instanceof LostIndexError) this.#broken = true;
      throw error;
    }
  }
}
