// A database, an embedder and a clock whose every move the ingestion tests can see or break.
import { createHash } from 'node:crypto';
import type { Embedder, Embedding } from '#dist/core/embedder.js';
import { type Manifest, memoryManifest } from '#dist/ingest/manifest.js';
import { type IngestOptions, type IngestReport, ingest } from '#dist/ingest/pipeline.js';
import type { StoredDocument, VectorDatabase } from '#dist/vectordb/database.js';
import type { Filter } from '#dist/vectordb/filter.js';

export const scope = 'ab'.repeat(32);

/** A failure at a chosen write. */
export class Killed extends Error {}

/** Counts down over writes of database and manifest alike; at zero the write does not happen. */
export class Fuse {
  left = Number.POSITIVE_INFINITY;
  burn(): void {
    if (this.left-- <= 0) throw new Killed('killed here');
  }
}

export class OracleDatabase implements VectorDatabase {
  readonly name = 'oracle';
  readonly documents = new Map<string, StoredDocument>();
  upserted = 0;
  deleted = 0;
  readonly #fuse: Fuse;

  constructor(fuse = new Fuse()) {
    this.#fuse = fuse;
  }

  async upsert(documents: readonly StoredDocument[]): Promise<void> {
    // A kill in the middle of a batch: some are written, the rest are not.
    for (const document of documents) {
      this.#fuse.burn();
      this.documents.set(document.id, document);
      this.upserted++;
    }
  }

  search(): never {
    throw new Error('not for these tests');
  }

  get(_scope: string, ids: readonly string[]) {
    return ids.map((id) => this.documents.get(id));
  }

  vectors(scope: string, ids: readonly string[]) {
    return this.get(scope, ids).map((document) => document?.vector);
  }

  async delete(_scope: string, which: readonly string[] | Filter): Promise<number> {
    if (!Array.isArray(which)) throw new Error('not for these tests');
    let found = 0;
    for (const id of which) {
      this.#fuse.burn();
      if (this.documents.delete(id)) found++;
    }
    this.deleted += found;
    return found;
  }

  async clear(): Promise<void> {
    this.documents.clear();
  }

  count(): number {
    return this.documents.size;
  }

  bytes(): number {
    return 0;
  }

  version(): string {
    return `${this.upserted}/${this.deleted}`;
  }

  async flush(): Promise<void> {}
  async close(): Promise<void> {}

  /** Id to text and metadata: what two databases must agree on. */
  content(): Record<string, unknown> {
    const entries = [...this.documents.values()].map(
      ({ id, text, metadata }) => [id, { text, metadata }] as const,
    );
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  texts(source: string): string[] {
    return [...this.documents.values()]
      .filter((document) => document.metadata.source === source)
      .sort((a, b) => Number(a.metadata.chunkIndex) - Number(b.metadata.chunkIndex))
      .map((document) => document.text);
  }
}

/** Deterministic vectors from a hash of the text; counts what it is asked. */
export class CountingEmbedder implements Embedder {
  readonly name = 'counting';
  readonly dimension = 8;
  fingerprint = '5'.repeat(64);
  /** Texts longer than this are reported as truncated. */
  maxLength = Number.POSITIVE_INFINITY;
  texts: string[] = [];
  running = 0;
  peak = 0;
  /** Called before each text; may throw or wait. */
  before: (text: string, signal: AbortSignal | undefined) => void | Promise<void> = () => {};

  async embed(text: string, options: { signal?: AbortSignal | undefined } = {}): Promise<Embedding> {
    this.texts.push(text);
    this.running++;
    this.peak = Math.max(this.peak, this.running);
    try {
      await null;
      await this.before(text, options.signal);
      options.signal?.throwIfAborted();
      const bytes = createHash('sha256').update(text).digest();
      const vector = Float32Array.from(bytes.subarray(0, this.dimension), (byte) => byte - 127.5);
      const length = Math.hypot(...vector);
      const truncated = text.length > this.maxLength;
      return {
        vector: vector.map((x) => x / length),
        tokens: text.length,
        truncated,
        matchable: !truncated,
      };
    } finally {
      this.running--;
    }
  }

  async warm(): Promise<void> {}
  async close(): Promise<void> {}
}

export function fusedManifest(fuse: Fuse): Manifest {
  const inner = memoryManifest();
  return {
    get: (source) => inner.get(source),
    async set(records) {
      fuse.burn();
      await inner.set(records);
    },
    async delete(source) {
      fuse.burn();
      await inner.delete(source);
    },
    entries: () => inner.entries(),
  };
}

/** A corpus to ingest into. */
export function corpus() {
  const fuse = new Fuse();
  const database = new OracleDatabase(fuse);
  const manifest = fusedManifest(fuse);
  const embedder = new CountingEmbedder();
  const run = (options: Partial<IngestOptions>): Promise<IngestReport> =>
    ingest({ database, manifest, embedder, scope, ...options });
  return { fuse, database, manifest, embedder, run };
}

/** Text of about `words` words that differs by `seed`. */
export function prose(seed: string, words: number): string {
  const parts: string[] = [];
  for (let index = 0; index < words; index++) {
    const hash = createHash('sha256').update(`${seed}/${index}`).digest('hex');
    parts.push(hash.replace(/[0-9]/g, '').slice(0, 6) || 'word');
    if (index % 12 === 11) parts[parts.length - 1] += '.';
  }
  return parts.join(' ');
}

/** Holds if every chunk belongs to a record and every record's chunks are there. */
export function problems(database: OracleDatabase, manifest: Manifest): string[] {
  const found: string[] = [];
  const named = new Set<string>();
  for (const [source, record] of manifest.entries()) {
    for (const id of record.chunkIds) {
      named.add(id);
      if (!database.documents.has(id)) found.push(`${source} names ${id}, which is not there`);
    }
    if (record.chunkingHash === '') found.push(`${source} is unfinished`);
  }
  for (const id of database.documents.keys()) if (!named.has(id)) found.push(`nobody names ${id}`);
  return found;
}
