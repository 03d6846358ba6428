// The vectors of one session's messages: cutting, embedding, finding by meaning. For chat-memory.ts alone.
import type { Clock } from '../core/clock.js';
import type { Embedder } from '../core/embedder.js';
import { native } from '../core/native.js';
import { chunks } from '../ingest/chunk.js';
import { all, ChunkEmbedder, type Piece } from '../ingest/embed-chunks.js';
import type { Found, VectorDatabase } from '../vectordb/database.js';
import { searchEach } from '../vectordb/search-each.js';
import type { Indexed } from './log.js';
import { timeOf } from './message.js';

/** What the vectors are made by, and where they are. */
export interface RecallParts {
  readonly database: VectorDatabase;
  readonly embedder: Embedder;
  /** Hard partition of the session: 64 hexadecimal digits. */
  readonly scope: string;
  readonly clock: Clock;
}

// About 256 tokens of English, which is what the bundled model reads; what has more is cut again.
const pieceSize = { size: 1000, overlap: 100, minSize: 200, separator: '\n\n' };
const piecesAtOnce = 8;
const perWrite = 256;
// The vectors of a message come before the message: one that has been without for this long will never get it.
const orphanAfterMs = 3_600_000;

/** Finds a session's messages by meaning. The database holds their vectors and ids, and none of their words. */
export class Recall {
  readonly #parts: RecallParts;

  constructor(parts: RecallParts) {
    this.#parts = parts;
  }

  /** Makes a message findable, when it has any text; resolves when that is durable. The vector is that of its beginning. */
  async index(id: string, text: string): Promise<{ parts: number; vector: Float32Array | undefined }> {
    const { database, scope } = this.#parts;
    const pieces = await this.pieces(text);
    for (let at = 0; at < pieces.length; at += perWrite) {
      const documents = pieces.slice(at, at + perWrite).map(({ vector }, index) => ({
        id: pieceId(id, at + index),
        scope,
        text: '',
        vector,
        metadata: { message: id },
      }));
      await database.upsert(documents);
    }
    return { parts: pieces.length, vector: pieces[0]?.vector };
  }

  /** True when a message of `index` is there. */
  async has(id: string): Promise<boolean> {
    const [vector] = await this.#parts.database.vectors(this.#parts.scope, [pieceId(id, 0)]);
    return vector !== undefined;
  }

  /** The text in pieces that the model reads whole, with their vectors; none for a text of white space. */
  async pieces(text: string, signal?: AbortSignal): Promise<Piece[]> {
    const embedder = new ChunkEmbedder(this.#parts.embedder, piecesAtOnce, signal, this.#parts.clock);
    return (await all([...chunks(text, pieceSize)].map((chunk) => embedder.pieces(chunk.text)))).flat();
  }

  /**
   * The `most` messages nearest to any of the vectors, as id → cosine, nearest first. `known` says which ids are messages: others are
   * remains of writes that never ended.
   */
  async nearest(
    vectors: readonly Float32Array[],
    most: number,
    known: (ids: readonly string[]) => Promise<ReadonlySet<string>>,
    signal: AbortSignal | undefined,
  ): Promise<Map<string, number>> {
    const { database, scope } = this.#parts;
    if (most < 1) return new Map();
    const best = new Map<string, number>();
    const judged = new Map<string, boolean>();
    const first = await searchEach(database, vectors, { scope, topK: most + 8, signal });
    for (const [at, vector] of vectors.entries()) {
      let found = first[at] as readonly Found[];
      for (let topK = most + 8; ; ) {
        const news = [...new Set(found.map(({ document }) => messageOf(document.id)))].filter(
          (id) => !judged.has(id),
        );
        const held = news.length === 0 ? new Set<string>() : await known(news);
        for (const id of news) judged.set(id, held.has(id));
        const messages = new Map<string, number>();
        for (const { document, similarity } of found) {
          const id = messageOf(document.id);
          if (judged.get(id) === false) await this.#dropOrphan(id, document.id);
          else if (!messages.has(id)) messages.set(id, similarity);
        }
        if (messages.size < most && found.length === topK) {
          topK *= 4;
          found = await database.search(vector, { scope, topK, signal });
          continue;
        }
        for (const [id, similarity] of messages) best.set(id, Math.max(similarity, best.get(id) ?? -1));
        break;
      }
    }
    // Ids decide between equals, so that the order never depends on the index.
    const sorted = [...best].sort(([a, x], [b, y]) => y - x || (a < b ? 1 : -1));
    return new Map(sorted.slice(0, most));
  }

  /** Greatest cosine of each message's pieces and any of the vectors, by id; messages without vectors have none. One call of the database. */
  async similarities(
    messages: readonly Indexed[],
    vectors: readonly Float32Array[],
  ): Promise<Map<string, number>> {
    const ids = messages.flatMap(pieceIds);
    const found = new Map<string, number>();
    if (ids.length === 0) return found;
    const held = await this.#parts.database.vectors(this.#parts.scope, ids);
    for (const [index, piece] of held.entries()) {
      if (piece === undefined) continue;
      const id = messageOf(ids[index] as string);
      for (const vector of vectors) {
        found.set(id, Math.min(1, Math.max(found.get(id) ?? -1, native.dot(piece, vector))));
      }
    }
    return found;
  }

  /** Removes messages; how many pieces there were. */
  async remove(messages: readonly Indexed[]): Promise<number> {
    const ids = messages.flatMap(pieceIds);
    return ids.length === 0 ? 0 : this.#parts.database.delete(this.#parts.scope, ids);
  }

  clear(): Promise<void> {
    return this.#parts.database.clear(this.#parts.scope);
  }

  async #dropOrphan(id: string, piece: string): Promise<void> {
    const { clock, database, scope } = this.#parts;
    if (timeOf(id) < clock.wall() - orphanAfterMs) await database.delete(scope, [piece]);
  }
}

function pieceId(message: string, part: number): string {
  return `${message}:${part}`;
}

function pieceIds({ id, parts }: Indexed): string[] {
  return Array.from({ length: parts }, (_, part) => pieceId(id, part));
}

function messageOf(piece: string): string {
  return piece.slice(0, piece.indexOf(':'));
}
