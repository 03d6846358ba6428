// The index of one scope: which kind it is, when it is built anew, and that it serves meanwhile; faiss.ts imports it.
import type { Documents } from '../documents.js';
import { parseFilter } from '../filter.js';
import { repeatableRandom } from './k-means.js';
import { type IndexPlan, isOutgrown, specFor } from './options.js';
import { type Candidates, FaissRows } from './rows.js';
import type { FaissThread } from './thread.js';

const everything = parseFilter(undefined);
// Fewer dead rows are not worth the work.
const fewestDead = 128;

/** A scope's documents by nearness. Built from what is stored when first asked for. */
export class FaissPartition {
  readonly #scope: string;
  readonly #thread: FaissThread;
  readonly #documents: Documents;
  readonly #plan: IndexPlan;
  #serving: FaissRows | undefined;
  #next: FaissRows | undefined;
  /** Stored keys noted while those of the scope are being listed. */
  #noted = new Set<string>();
  #building: Promise<void> | undefined;
  #dropped = false;

  constructor(scope: string, thread: FaissThread, documents: Documents, plan: IndexPlan) {
    this.#scope = scope;
    this.#thread = thread;
    this.#documents = documents;
    this.#plan = plan;
  }

  /** What serves; undefined before the first index is built. */
  get serving(): Pick<FaissRows, 'spec' | 'live' | 'dead'> | undefined {
    return this.#serving;
  }

  /** Bytes in the thread, about. */
  get bytes(): number {
    return (this.#serving?.bytes ?? 0) + (this.#next?.bytes ?? 0);
  }

  /** Notes that the document of a stored key may have been written or removed. */
  note(name: string): void {
    if (this.#building !== undefined && this.#next === undefined) this.#noted.add(name);
    this.#serving?.note(name);
    this.#next?.note(name);
  }

  /** Brings the index up to date, building it where there is none, and begins a better one when the documents have outgrown it. */
  async refresh(): Promise<FaissRows> {
    if (this.#serving === undefined || this.#serving.broken) await this.#build();
    const serving = this.#serving as FaissRows;
    await serving.settle();
    // What fails here is tried again by the next refresh; the old index serves on.
    if (this.#isOutgrown()) this.#build().catch(() => {});
    return serving;
  }

  /** As `FaissRows.search`, on an index up to date. @throws {LostIndexError} when it was replaced meanwhile: ask again */
  async search(vector: Float32Array, k: number, signal?: AbortSignal): Promise<Candidates> {
    const rows = await this.refresh();
    return rows.search(vector, k, signal);
  }

  /** Gives the index up. */
  drop(): void {
    this.#dropped = true;
    this.#serving?.drop();
    this.#next?.drop();
  }

  #isOutgrown(): boolean {
    if (this.#serving === undefined) return false;
    const { live, dead, spec } = this.#serving;
    if (dead >= fewestDead && dead * 2 > live) return true;
    return isOutgrown(spec, specFor(this.#plan, live));
  }

  #build(): Promise<void> {
    this.#building ??= this.#replace().finally(() => {
      this.#building = undefined;
      this.#next = undefined;
      this.#noted = new Set();
    });
    return this.#building;
  }

  async #replace(): Promise<void> {
    const names = await this.#documents.passing(this.#scope, everything);
    const next = new FaissRows(this.#thread, this.#documents, specFor(this.#plan, names.length));
    this.#next = next;
    for (const name of [...names, ...this.#noted]) next.note(name);
    try {
      await next.create(names, repeatableRandom());
      await next.settle();
      // What was noted during the first, long round.
      await next.settle();
    } catch (error) {
      next.drop();
      throw error;
    }
    if (this.#dropped) return next.drop();
    const former = this.#serving;
    this.#serving = next;
    former?.drop();
  }
}
