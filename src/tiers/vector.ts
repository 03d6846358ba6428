// Tier C: past questions in a vector database, found by meaning. open.ts and ./testing import it.
import { type Clock, systemClock } from '../core/clock.js';
import type { Candidate, Entry, Key } from '../core/entry.js';
import { CodecError } from '../core/errors.js';
import type { Scope } from '../core/scope.js';
import { Tally } from '../core/tally.js';
import {
  type DeleteOptions,
  isPromise,
  type MaybePromise,
  type SetOptions,
  type Tier,
  type TierSize,
} from '../core/tier.js';
import { decodeEntry, encodeEntry } from '../disk/codec.js';
import type { StoredDocument, VectorDatabase } from '../vectordb/database.js';

/** Options of tier C. */
export interface VectorTierOptions {
  readonly clock?: Clock | undefined;
}

/**
 * A tier over any vector database: one document an entry, its id the key, its partition the scope. Entries without a vector are
 * not kept. Closing the tier closes the database.
 */
export function vectorTier(database: VectorDatabase, options: VectorTierOptions = {}): Tier {
  return new VectorTier(database, options);
}

class VectorTier implements Tier {
  readonly name = 'vector';
  readonly #database: VectorDatabase;
  readonly #clock: Clock;
  /** Keys being written: what has expired under them is being replaced, not to be removed. */
  readonly #writing = new Tally();

  constructor(database: VectorDatabase, { clock = systemClock }: VectorTierOptions) {
    this.#database = database;
    this.#clock = clock;
  }

  get(key: Key, scope: Scope): MaybePromise<Entry | undefined> {
    const found = this.#database.get(scope.id, [key]);
    if (isPromise(found)) return found.then(([document]) => this.#live(document, scope));
    return this.#live(found[0], scope);
  }

  near(vector: Float32Array, scope: Scope, k: number, floor?: number): MaybePromise<readonly Candidate[]> {
    return this.#near(vector, scope, k, k, floor);
  }

  async set(entry: Entry, { onlyIfAbsent = false }: SetOptions = {}): Promise<boolean> {
    const { key: id, scope, vector, question: text, expiresAtMs } = entry;
    if (vector === undefined || entry.expiresAtMs <= this.#clock.wall()) return false;
    if (onlyIfAbsent) {
      const [held] = await this.#database.get(scope, [id]);
      if (this.#live(held, { id: scope, embedder: entry.embedder }) !== undefined) return true;
    }
    const document = { id, scope, text, vector, metadata: {}, data: encodeEntry(entry), expiresAtMs };
    await this.#writing.during([id], () => this.#database.upsert([document]));
    return true;
  }

  /** With `onlyIf`, what another process writes between the look and the removal goes too. */
  async delete(key: Key, scope: Scope, { onlyIf }: DeleteOptions = {}): Promise<boolean> {
    if (onlyIf !== undefined) {
      const held = await this.get(key, scope);
      if (held === undefined || !onlyIf(held) || this.#writing.has(key)) return false;
    }
    return (await this.#database.delete(scope.id, [key])) > 0;
  }

  clear(scope?: Scope): Promise<void> {
    return this.#database.clear(scope?.id);
  }

  size(): MaybePromise<TierSize> {
    const entries = this.#database.count();
    const bytes = this.#database.bytes();
    if (!isPromise(entries) && !isPromise(bytes)) return { entries, bytes };
    return Promise.all([entries, bytes]).then(([entries, bytes]) => ({ entries, bytes }));
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** Asks for more than `k` where what has expired or is damaged fills the places of what lives. */
  #near(
    vector: Float32Array,
    scope: Scope,
    k: number,
    topK: number,
    floor: number | undefined,
  ): MaybePromise<readonly Candidate[]> {
    const found = this.#database.search(vector, { scope: scope.id, topK, floor });
    const open = (list: Awaited<typeof found>): MaybePromise<readonly Candidate[]> => {
      const live = list.flatMap(({ document, similarity }) => {
        const entry = this.#readable(document, scope);
        return entry === undefined ? [] : [{ entry, similarity }];
      });
      if (live.length >= k || list.length < topK) return live.slice(0, k);
      return this.#near(vector, scope, k, topK * 4, floor);
    };
    return isPromise(found) ? found.then(open) : open(found);
  }

  #readable(document: StoredDocument, scope: Scope): Entry | undefined {
    try {
      return this.#live(document, scope);
    } catch (error) {
      // One damaged entry must not hide its neighbours.
      if (error instanceof CodecError) return undefined;
      throw error;
    }
  }

  /** The entry within a document; undefined when there is none or it has expired, in which case the document goes too. */
  #live(document: StoredDocument | undefined, scope: Pick<Scope, 'id' | 'embedder'>): Entry | undefined {
    if (document?.data === undefined) return undefined;
    const { buffer, byteOffset, byteLength } = document.data;
    const entry = decodeEntry(Buffer.from(buffer, byteOffset, byteLength), document.id, scope);
    if (entry.expiresAtMs > this.#clock.wall()) return entry;
    if (!this.#writing.has(document.id)) this.#database.delete(document.scope, [document.id]).catch(() => {});
    return undefined;
  }
}
