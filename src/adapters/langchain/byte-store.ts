// A ByteStore of LangChain on LMDB, for CacheBackedEmbeddings and its kind.
import { createHash } from 'node:crypto';
import { decodeRecord, encodeRecord } from '../../disk/codec.js';
import { Environment, type Reader } from '../../disk/environment.js';
import { BaseStore } from './core.js';

const database = 'langchain-bytes';

interface Pair {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/**
 * Bytes under any key, on disk; several processes may share them. Reads are synchronous, writes survive the death of the process. It is
 * bounded by nothing but the disk.
 * @example const store = new TieredByteStore('.llm-cache/langchain');
 */
export class TieredByteStore extends BaseStore<string, Uint8Array> {
  override lc_namespace = ['llm-tiered-cache'];
  readonly #environment: Environment;
  readonly #reader: Reader;

  /** `directory` is made where it does not exist. @throws {DirectoryError} ERR_LLM_CACHE_DIRECTORY */
  constructor(directory: string) {
    super();
    this.#environment = new Environment(directory);
    this.#reader = this.#environment.reader(database);
  }

  /** Finishes writing and releases the files. Idempotent. */
  close(): Promise<void> {
    return this.#environment.close();
  }

  async mget(keys: string[]): Promise<(Uint8Array | undefined)[]> {
    return keys.map((key) => {
      const stored = this.#reader.get(digest(key));
      return stored === undefined ? undefined : Uint8Array.from(decodeRecord<Pair>(stored).bytes);
    });
  }

  async mset(pairs: [string, Uint8Array][]): Promise<void> {
    await this.#environment.write(
      pairs.map(([key, bytes]) => ({
        kind: 'put',
        database,
        key: digest(key),
        value: encodeRecord({ key, bytes }),
      })),
    );
  }

  async mdelete(keys: string[]): Promise<void> {
    await this.#environment.write(keys.map((key) => ({ kind: 'remove', database, key: digest(key) })));
  }

  /** Reads everything: O(keys). */
  async *yieldKeys(prefix = ''): AsyncGenerator<string> {
    for (let after: Buffer | undefined; ; ) {
      const page: [Buffer, Buffer][] = [];
      for (const entry of this.#reader.entries(undefined, after)) {
        if (page.push(entry) === pageSize) break;
      }
      for (const [, stored] of page) {
        const { key } = decodeRecord<Pair>(stored);
        if (key.startsWith(prefix)) yield key;
      }
      if (page.length < pageSize) return;
      after = page.at(-1)?.[0];
    }
  }
}

const pageSize = 256;

/** Of one length, which LMDB wants below 2 KB. */
const digest = (key: string): Uint8Array => createHash('sha256').update(key).digest();
