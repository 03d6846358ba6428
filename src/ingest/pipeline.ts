// Takes documents into a corpus: read, cut, embed, store, remember. The package's face and the command line import it.
import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { canonicalJson } from '../core/canonical.js';
import { type Clock, systemClock } from '../core/clock.js';
import type { Embedder } from '../core/embedder.js';
import { EmbedError, InvalidArgumentError } from '../core/errors.js';
import { contentFingerprint } from '../core/key.js';
import { native } from '../core/native.js';
import type { VectorDatabase } from '../vectordb/database.js';
import type { MetadataValue } from '../vectordb/filter.js';
import {
  type Chunk,
  type Chunking,
  type ChunkingOptions,
  chunkingConfigHash,
  chunks,
  resolveChunking,
} from './chunk.js';
import { Corpus, type Identity } from './corpus.js';
import { primitivesOf, type ReadItem, type Skipped, type SourceDocument } from './document.js';
import { all, ChunkEmbedder, type Piece } from './embed-chunks.js';
import { readGiven } from './given.js';
import type { Manifest } from './manifest.js';
import { type Found, find, type ReadOptions } from './readers.js';

/** How far an ingestion has come. */
export interface IngestProgress {
  /** Documents dealt with, those left out included. */
  readonly done: number;
  /** Documents in all, when that is known before they are read. */
  readonly total?: number;
  /** The document last dealt with. */
  readonly source: string;
  /** Chunks written so far. */
  readonly chunks: number;
}

/** What an ingestion did. */
export interface IngestReport {
  /** Documents in the corpus after being read: unchanged, replaced and added ones. */
  readonly documents: number;
  /** Chunks embedded and written. */
  readonly chunks: number;
  /** Documents that were there already, equal in every respect. */
  readonly unchanged: number;
  /** Documents whose chunks were replaced. */
  readonly replaced: number;
  /** Documents that were not there. */
  readonly added: number;
  /** Sources that are gone: pruned, or without text now. */
  readonly removed: readonly string[];
  /** What was left out, and why. */
  readonly skipped: readonly Skipped[];
  readonly durationMs: number;
  /** Bytes of the documents read, unchanged ones included. */
  readonly bytes: number;
}

/** What to ingest, and into what. Exactly one of `path` and `documents` is given. */
export interface IngestOptions extends ReadOptions {
  /** A file or a directory. */
  readonly path?: string | undefined;
  readonly documents?: Iterable<SourceDocument> | AsyncIterable<SourceDocument> | undefined;
  readonly database: VectorDatabase;
  readonly embedder: Embedder;
  /** Partition of the database: 64 hexadecimal digits. */
  readonly scope: string;
  /** Of this scope of this database, and of no other. */
  readonly manifest: Manifest;
  readonly chunking?: ChunkingOptions | undefined;
  /** Texts being embedded, and documents read ahead, at a time: 1 to 1024, default 32. */
  readonly batchSize?: number | undefined;
  /** Removes the sources under `path` that are no longer there, default false. What could not be read is not gone. */
  readonly prune?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each document. What it throws ends the ingestion. */
  readonly onProgress?: ((progress: IngestProgress) => void) | undefined;
  readonly clock?: Clock | undefined;
}

interface Pending {
  readonly source: string;
  readonly identity: Identity;
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  readonly text: string;
  readonly line: number | undefined;
  /** Undefined for a document that looked unchanged when it was read. */
  groups: Groups | undefined;
}

// Chunks embedded and written together: bounds memory, and how long the event loop is held by cutting.
const groupSize = 256;
const maxCharactersAhead = 4 * 2 ** 20;
const maxFailuresInARow = 5;

/**
 * Takes documents in. Run again, it does only what is new: an unchanged document costs its reading, a hash and one look
 * into the database, a changed one has exactly its own chunks replaced. Each document is committed by itself, so after an abort or a kill the same call goes
 * on where the last one ended.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for an option out of range.
 * @throws {IngestError} ERR_LLM_CACHE_INGEST when nothing can be read at `path`.
 * @throws {EmbedError} ERR_LLM_CACHE_EMBED when the embedder cannot start or fails for five documents in a row; a single
 * document that it fails on is skipped.
 */
export async function ingest(options: IngestOptions): Promise<IngestReport> {
  const run = new Ingestion(options);
  return run.execute();
}

class Ingestion {
  readonly #options: IngestOptions;
  readonly #chunking: Chunking;
  readonly #chunkingHash: string;
  readonly #batchSize: number;
  readonly #clock: Clock;
  readonly #corpus: Corpus;
  readonly #embedder: ChunkEmbedder;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #seen = new Set<string>();
  readonly #unread = new Set<string>();
  readonly #skipped: Skipped[] = [];
  readonly #removed: string[] = [];
  readonly #window: Pending[] = [];
  #charactersAhead = 0;
  #isWarm = false;
  #failures = 0;
  #done = 0;
  #total: number | undefined;
  #counts = { chunks: 0, unchanged: 0, replaced: 0, added: 0, bytes: 0 };

  constructor(options: IngestOptions) {
    check(options);
    this.#options = options;
    this.#chunking = resolveChunking(options.chunking);
    const { size, overlap, separator, minSize } = this.#chunking;
    this.#chunkingHash = chunkingConfigHash(size, overlap, separator, minSize);
    this.#batchSize = options.batchSize ?? 32;
    this.#clock = options.clock ?? systemClock;
    this.#corpus = new Corpus(options.database, options.scope, options.manifest);
    this.#signal = AbortSignal.any([this.#stop.signal, ...(options.signal ? [options.signal] : [])]);
    // One listener for each text under way is no leak.
    setMaxListeners(0, this.#signal);
    this.#embedder = new ChunkEmbedder(options.embedder, this.#batchSize, this.#signal, this.#clock);
  }

  async execute(): Promise<IngestReport> {
    const { path, documents, prune } = this.#options;
    const started = this.#clock.mono();
    this.#signal.throwIfAborted();
    const found = path === undefined ? undefined : await find(path, this.#options);
    const items =
      found?.read() ?? readGiven(documents as Iterable<SourceDocument>, this.#options.maxFileBytes);
    this.#total =
      found === undefined ? (Array.isArray(documents) ? documents.length : undefined) : found.total;
    try {
      for await (const item of items) {
        this.#signal.throwIfAborted();
        await this.#take(item);
        while (this.#window.length >= this.#batchSize || this.#charactersAhead > maxCharactersAhead) {
          await this.#commitNext();
        }
      }
      while (this.#window.length > 0) await this.#commitNext();
      if (prune && found !== undefined) await this.#prune(found);
    } catch (error) {
      this.#stop.abort(error);
      throw error;
    } finally {
      await all(this.#window.map(async (pending) => pending.groups?.settle()));
    }
    const { unchanged, replaced, added } = this.#counts;
    return {
      ...this.#counts,
      documents: unchanged + replaced + added,
      removed: this.#removed,
      skipped: this.#skipped,
      durationMs: this.#clock.mono() - started,
    };
  }

  async #take(item: ReadItem): Promise<void> {
    if (item.kind === 'skipped') {
      if (!item.skipped.partial) this.#unread.add(item.skipped.source);
      this.#skipped.push(item.skipped);
      if (!item.skipped.partial) this.#advance(item.skipped.source);
      return;
    }
    const { document, bytes, line } = item;
    const { source, text } = document;
    const skip = (why: string, partial = false): void => {
      const place = line === undefined ? { why } : { line, why: `line ${line}: ${why}` };
      this.#skipped.push({ source, ...place, ...(partial ? { partial } : {}) });
    };
    if (this.#seen.has(source)) {
      skip('a document of this name was read before');
      return this.#advance(source);
    }
    this.#seen.add(source);
    this.#counts.bytes += bytes;
    const user = primitivesOf(document.metadata, (why) => skip(why, true));
    const fingerprint = contentFingerprint(text);
    const title = document.title?.trim();
    const own = { source, ...(title ? { title } : {}), documentId: fingerprint.slice(0, 16) };
    const metadata = { ...user, ...own };
    const identity = {
      fingerprint,
      chunkingHash: this.#chunkingHash,
      contextHash: this.#contextHash(metadata),
    };
    const pending: Pending = { source, identity, metadata, text, line, groups: undefined };
    if (/\S/.test(text)) {
      // A document that another one's replacement touches meanwhile is found out when its turn comes.
      if (!((await this.#corpus.holds(source, identity)) && (await this.#corpus.isThere(source)))) {
        await this.#warm();
        pending.groups = new Groups(text, this.#chunking, this.#embedder);
      }
    } else skip('no text: nothing but white space');
    this.#charactersAhead += text.length;
    this.#window.push(pending);
  }

  // An embedder that cannot start ends the run at once, instead of failing document by document.
  async #warm(): Promise<void> {
    if (this.#isWarm) return;
    await this.#options.embedder.warm();
    this.#isWarm = true;
  }

  async #commitNext(): Promise<void> {
    // Where manifest and embedder answer at once (unchanged or cached), nothing else would let others have a turn.
    await turn();
    const pending = this.#window[0] as Pending;
    const { source, identity, metadata, text } = pending;
    this.#signal.throwIfAborted();
    const before = await this.#corpus.record(source);
    if (!/\S/.test(text)) {
      await this.#corpus.remove(source);
      if (before !== undefined) this.#removed.push(source);
    } else if (pending.groups === undefined && (await this.#corpus.holds(source, identity))) {
      this.#counts.unchanged++;
    } else {
      pending.groups ??= new Groups(text, this.#chunking, this.#embedder);
      try {
        this.#counts.chunks += await this.#corpus.replace(source, identity, metadata, pending.groups);
        this.#counts[before === undefined ? 'added' : 'replaced']++;
        this.#failures = 0;
      } catch (error) {
        if (!(error instanceof EmbedError) || ++this.#failures >= maxFailuresInARow) throw error;
        const { line } = pending;
        this.#skipped.push({ source, ...(line === undefined ? {} : { line }), why: error.message });
      } finally {
        await pending.groups.settle();
      }
    }
    this.#window.shift();
    this.#charactersAhead -= text.length;
    this.#advance(source);
  }

  async #prune(found: Found): Promise<void> {
    const gone: string[] = [];
    for (const [source] of this.#options.manifest.entries()) {
      const under = found.directory
        ? source.startsWith(found.prefix)
        : source === found.prefix || source.startsWith(`${found.prefix}#`);
      if (under && !this.#seen.has(source) && !this.#isUnread(source)) gone.push(source);
    }
    for (const source of gone.sort()) {
      this.#signal.throwIfAborted();
      await this.#corpus.remove(source);
      this.#removed.push(source);
    }
  }

  // True when the source, the file it is a line of, or a directory above could not be read: then nobody knows whether it is gone.
  #isUnread(source: string): boolean {
    if (this.#unread.has('.') || this.#unread.has(source)) return true;
    for (let at = 0; at < source.length; at++) {
      const char = source[at];
      if ((char === '/' || char === '#') && this.#unread.has(source.slice(0, at))) return true;
    }
    return false;
  }

  #contextHash(metadata: Readonly<Record<string, MetadataValue>>): string {
    const fields = ['context/1', this.#options.scope, this.#options.embedder.fingerprint];
    return native.sha256Fields([...fields, canonicalJson(metadata, 'metadata')]).slice(0, 16);
  }

  #advance(source: string): void {
    this.#done++;
    const total = this.#total === undefined ? {} : { total: this.#total };
    this.#options.onProgress?.({ done: this.#done, ...total, source, chunks: this.#counts.chunks });
  }
}

/** The embedded chunks of a document, some at a time; the first are on their way at once. */
class Groups implements AsyncIterable<Piece[]> {
  readonly #chunks: Generator<Chunk, void, undefined>;
  readonly #embedder: ChunkEmbedder;
  #next: Promise<Piece[]> | undefined;

  constructor(text: string, chunking: Chunking, embedder: ChunkEmbedder) {
    this.#chunks = chunks(text, chunking);
    this.#embedder = embedder;
    this.#advance();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Piece[], void, undefined> {
    while (this.#next !== undefined) {
      const pieces = await this.#next;
      await turn();
      // The next group is embedded while the caller stores this one.
      this.#advance();
      yield pieces;
    }
  }

  /** Resolves when nothing runs any more; never rejects. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#next]);
  }

  #advance(): void {
    const group: Chunk[] = [];
    while (group.length < groupSize) {
      const chunk = this.#chunks.next();
      if (chunk.done) break;
      group.push(chunk.value);
    }
    this.#next = group.length === 0 ? undefined : this.#embed(group);
    // Whoever reads the group gets its error; until then it must not count as unhandled.
    this.#next?.catch(() => {});
  }

  async #embed(group: readonly Chunk[]): Promise<Piece[]> {
    return (await all(group.map((chunk) => this.#embedder.pieces(chunk.text)))).flat();
  }
}

function check(options: IngestOptions): void {
  const { path, documents, batchSize = 32, scope, prune } = options;
  if ((path === undefined) === (documents === undefined)) {
    throw new InvalidArgumentError('ingest', 'given exactly one of path and documents', path ?? documents);
  }
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 1024) {
    throw new InvalidArgumentError('batchSize', 'an integer from 1 to 1024', batchSize);
  }
  if (typeof scope !== 'string' || !/^[0-9a-f]{64}$/.test(scope)) {
    throw new InvalidArgumentError('scope', '64 lower-case hexadecimal digits', scope);
  }
  if (prune && path === undefined) throw new InvalidArgumentError('prune', 'used with path', prune);
}
