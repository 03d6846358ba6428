// Takes documents into a corpus: read, cut, embed, store, remember. The package's face and the command line import it.
import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { canonicalJson } from '../core/canonical.js';
import { type Clock, systemClock } from '../core/clock.js';
import type { Embedder } from '../core/embedder.js';
import { EmbedError, IngestError, InvalidArgumentError } from '../core/errors.js';
import { contentFingerprint, isKey } from '../core/key.js';
import { native } from '../core/native.js';
import type { VectorDatabase } from '../vectordb/database.js';
import type { MetadataValue } from '../vectordb/filter.js';
import type { ChunkingOptions } from './chunk.js';
import { Chunker } from './chunker.js';
import { Corpus, type Embedded, type Identity, type OnChange } from './corpus.js';
import { primitivesOf, type ReadItem, type Skipped, type SourceDocument } from './document.js';
import { all, ChunkEmbedder } from './embed-chunks.js';
import { readGiven } from './given.js';
import { Groups } from './groups.js';
import type { Manifest } from './manifest.js';
import { type Found, find, findStream, type ReadOptions, type StreamInput } from './readers.js';

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
  /** Milliseconds since the ingestion began. */
  readonly elapsedMs: number;
}

/** What an ingestion did. */
export interface IngestReport {
  /** Files that were looked into; 0 for documents given in memory. */
  readonly files: number;
  /** Files and directories that `include`, `ignore` or an ignore file left out. */
  readonly ignored: number;
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

/** What to ingest, and into what. Exactly one of `path`, `documents` and `input` is given. */
export interface IngestOptions extends ReadOptions {
  /** A file or a directory. */
  readonly path?: string | undefined;
  readonly documents?: Iterable<SourceDocument> | AsyncIterable<SourceDocument> | undefined;
  /** A file that comes as a stream, such as standard input. */
  readonly input?: StreamInput | undefined;
  readonly database: VectorDatabase;
  readonly embedder: Embedder;
  /** Partition of the database: 64 hexadecimal digits. */
  readonly scope: string;
  /** Of this scope of this database, and of no other. */
  readonly manifest: Manifest;
  readonly chunking?: ChunkingOptions | undefined;
  /** Texts being embedded at a time, 1 to 1024, default 32; twice as many documents are read ahead. */
  readonly batchSize?: number | undefined;
  /**
   * Removes the sources under `path` that are no longer there or are ignored, default false. What could not be read, or `include` did
   * not ask for, is not gone. With `input` of many documents, those of its name that it holds no more.
   */
  readonly prune?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each document. What it throws ends the ingestion. */
  /**
   * Told of sources before their passages change or go, and again when they have: what was drawn from them is stale. What it rejects
   * with ends the ingestion.
   */
  readonly onChange?: OnChange | undefined;
  readonly onProgress?: ((progress: IngestProgress) => void) | undefined;
  readonly clock?: Clock | undefined;
}

interface Pending {
  readonly source: string;
  readonly identity: Identity;
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  readonly document: SourceDocument;
  readonly line: number | undefined;
  /** Undefined for a document that looked unchanged when it was read. */
  groups: Groups | undefined;
}

const maxCharactersAhead = 4 * 2 ** 20;
const maxFailuresInARow = 5;

/**
 * Takes documents in. Run again, it does only what is new: an unchanged document costs its reading, a hash and one look into
 * the database, a changed one has exactly its own chunks replaced. Documents are committed as soon as they are embedded, new ones as many
 * together as are ready, so after an abort or a kill the same call goes on where the last one ended.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for an option out of range.
 * @throws {IngestError} ERR_LLM_CACHE_INGEST when nothing can be read at `path`.
 * @throws {EmbedError} ERR_LLM_CACHE_EMBED when the embedder cannot start or fails for five documents in a row; a single
 * document that it fails on is skipped. {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when the one file given needs a package
 * that is not installed; among other files it is skipped.
 */
export async function ingest(options: IngestOptions): Promise<IngestReport> {
  const run = new Ingestion(options);
  return run.execute();
}

class Ingestion {
  readonly #options: IngestOptions;
  readonly #chunker: Chunker;
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
  #startedMs = 0;
  #isWarm = false;
  #failures = 0;
  #done = 0;
  #total: number | undefined;
  #counts = { ignored: 0, chunks: 0, unchanged: 0, replaced: 0, added: 0, bytes: 0 };

  constructor(options: IngestOptions) {
    check(options);
    this.#options = options;
    this.#chunker = new Chunker(options.chunking, options.embedder);
    this.#batchSize = options.batchSize ?? 32;
    this.#clock = options.clock ?? systemClock;
    this.#corpus = new Corpus(options.database, options.scope, options.manifest, options.onChange);
    this.#signal = AbortSignal.any([this.#stop.signal, ...(options.signal ? [options.signal] : [])]);
    // One listener for each text under way is no leak.
    setMaxListeners(0, this.#signal);
    this.#embedder = new ChunkEmbedder(options.embedder, this.#batchSize, this.#signal, this.#clock);
  }

  async execute(): Promise<IngestReport> {
    const { prune } = this.#options;
    this.#startedMs = this.#clock.mono();
    this.#signal.throwIfAborted();
    const { found, items } = await this.#open();
    try {
      for await (const item of items) {
        this.#signal.throwIfAborted();
        await this.#take(item);
        while (this.#window.length >= 2 * this.#batchSize || this.#charactersAhead > maxCharactersAhead) {
          await this.#commit();
        }
      }
      while (this.#window.length > 0) await this.#commit();
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
      files: found?.files ?? 0,
      documents: unchanged + replaced + added,
      removed: this.#removed,
      skipped: this.#skipped,
      durationMs: this.#clock.mono() - this.#startedMs,
    };
  }

  async #open(): Promise<{ found: Found | undefined; items: AsyncIterable<ReadItem> }> {
    const { path, documents, input, maxFileBytes } = this.#options;
    if (documents !== undefined) {
      this.#total = Array.isArray(documents) ? documents.length : undefined;
      return { found: undefined, items: readGiven(documents, maxFileBytes) };
    }
    const found =
      input === undefined
        ? await find(path as string, this.#options, this.#clock)
        : findStream(input, this.#options, this.#clock);
    this.#total = found.total;
    return { found, items: found.read(this.#signal) };
  }

  async #take(item: ReadItem): Promise<void> {
    if (item.kind === 'ignored') {
      this.#counts.ignored++;
      if (item.kept) this.#unread.add(item.source);
      return;
    }
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
      chunkingHash: this.#chunker.hash,
      contextHash: this.#contextHash(metadata, document.parts),
    };
    const pending: Pending = { source, identity, metadata, document, line, groups: undefined };
    if (/\S/.test(text)) {
      // A document that another one's replacement touches meanwhile is found out when its turn comes.
      if (!((await this.#corpus.holds(source, identity)) && (await this.#corpus.isThere(source)))) {
        await this.#warm();
        pending.groups = this.#embed(document);
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

  #embed(document: SourceDocument): Groups {
    return new Groups(this.#chunker.cut(document, this.#signal), this.#embedder);
  }

  /** Commits the first document of the window, and with a new one those behind it that are new and ready. */
  async #commit(): Promise<void> {
    // Where manifest and embedder answer at once (unchanged or cached), nothing else would let others have a turn.
    await turn();
    this.#signal.throwIfAborted();
    // A write costs the same for one document as for many, and while half of them is written the rest keeps the embedder busy.
    for (const { groups } of this.#window.slice(0, Math.ceil(this.#window.length / 2))) await groups?.ready();
    const together: Embedded[] = [];
    for (const pending of this.#window) {
      const embedded = await this.#ifNew(pending);
      if (embedded === undefined) break;
      together.push(embedded);
    }
    if (together.length === 0) {
      await this.#commitOne(this.#window[0] as Pending);
      this.#leaveWindow();
      return;
    }
    this.#signal.throwIfAborted();
    await this.#corpus.add(together);
    this.#failures = 0;
    for (const { pieces } of together) {
      this.#counts.chunks += pieces.length;
      this.#counts.added++;
      this.#leaveWindow();
    }
  }

  /** The document as embedded, when the corpus has none of its name and nothing of it is still to come. */
  async #ifNew({ source, identity, metadata, groups }: Pending): Promise<Embedded | undefined> {
    const pieces = groups?.whole();
    if (pieces === undefined || (await this.#corpus.record(source)) !== undefined) return undefined;
    return { source, identity, metadata, pieces };
  }

  async #commitOne(pending: Pending): Promise<void> {
    const { source, identity, metadata, document } = pending;
    const before = await this.#corpus.record(source);
    if (!/\S/.test(document.text)) {
      await this.#corpus.remove(source);
      if (before !== undefined) this.#removed.push(source);
      return;
    }
    if (pending.groups === undefined && (await this.#corpus.holds(source, identity))) {
      this.#counts.unchanged++;
      return;
    }
    pending.groups ??= this.#embed(document);
    try {
      this.#counts.chunks += await this.#corpus.replace(source, identity, metadata, pending.groups);
      this.#counts[before === undefined ? 'added' : 'replaced']++;
      this.#failures = 0;
    } catch (error) {
      const isEmbedder = error instanceof EmbedError && ++this.#failures < maxFailuresInARow;
      // What the splitter of the caller failed on.
      if (!isEmbedder && !(error instanceof IngestError)) throw error;
      const { line } = pending;
      this.#skipped.push({ source, ...(line === undefined ? {} : { line }), why: error.message });
    } finally {
      await pending.groups.settle();
    }
  }

  #leaveWindow(): void {
    const { source, document } = this.#window.shift() as Pending;
    this.#charactersAhead -= document.text.length;
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

  #contextHash(metadata: Readonly<Record<string, MetadataValue>>, parts: SourceDocument['parts']): string {
    const fields = ['context/1', this.#options.scope, this.#options.embedder.fingerprint];
    const places = parts === undefined || parts.length === 0 ? [] : [canonicalJson(parts, 'parts')];
    return native.sha256Fields([...fields, canonicalJson(metadata, 'metadata'), ...places]).slice(0, 16);
  }

  #advance(source: string): void {
    const { onProgress } = this.#options;
    const done = ++this.#done;
    if (onProgress === undefined) return;
    const total = this.#total === undefined ? {} : { total: this.#total };
    const elapsedMs = this.#clock.mono() - this.#startedMs;
    onProgress({ done, ...total, source, chunks: this.#counts.chunks, elapsedMs });
  }
}

function check(options: IngestOptions): void {
  const { path, documents, input, batchSize = 32, scope, prune } = options;
  const given = [path, documents, input].filter((each) => each !== undefined);
  if (given.length !== 1) {
    throw new InvalidArgumentError('ingest', 'given exactly one of path, documents and input', given);
  }
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 1024) {
    throw new InvalidArgumentError('batchSize', 'an integer from 1 to 1024', batchSize);
  }
  if (!isKey(scope)) {
    throw new InvalidArgumentError('scope', '64 lower-case hexadecimal digits', scope);
  }
  if (prune && documents !== undefined) {
    throw new InvalidArgumentError('prune', 'used with path or input', prune);
  }
}
