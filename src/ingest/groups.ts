// The embedded chunks of one document, some at a time. For pipeline.ts.
import { setImmediate as turn } from 'node:timers/promises';
import type { PlacedChunk } from './chunker.js';
import { all, type ChunkEmbedder, type Piece } from './embed-chunks.js';

// Chunks embedded and written together: bounds memory, and how long the event loop is held by cutting.
const groupSize = 256;

/** Cuts and embeds a document; its first chunks are on their way at once. */
export class Groups implements AsyncIterable<Piece[]> {
  readonly #chunks: AsyncIterator<PlacedChunk>;
  readonly #embedder: ChunkEmbedder;
  #next: Promise<Piece[] | undefined>;
  #whole: Piece[] | undefined;
  #isAll = false;

  constructor(chunks: AsyncIterator<PlacedChunk>, embedder: ChunkEmbedder) {
    this.#chunks = chunks;
    this.#embedder = embedder;
    this.#next = this.#advance();
    this.#next.then(
      (pieces) => {
        if (this.#isAll) this.#whole = pieces;
      },
      () => {},
    );
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Piece[], void, undefined> {
    for (;;) {
      const pieces = await this.#next;
      if (pieces === undefined) return;
      await turn();
      // The next group is embedded while the caller stores this one.
      this.#next = this.#advance();
      yield pieces;
    }
  }

  /** All pieces, when they are few and embedded. */
  whole(): readonly Piece[] | undefined {
    return this.#whole;
  }

  /** Resolves when the first pieces are embedded, or cannot be; never rejects. */
  async ready(): Promise<void> {
    await Promise.allSettled([this.#next]);
  }

  /** Resolves when nothing runs any more; never rejects. */
  settle(): Promise<void> {
    return this.ready();
  }

  #advance(): Promise<Piece[] | undefined> {
    const next = this.#embedNext();
    // Whoever reads the group gets its error; until then it must not count as unhandled.
    next.catch(() => {});
    return next;
  }

  async #embedNext(): Promise<Piece[] | undefined> {
    const group: PlacedChunk[] = [];
    while (group.length < groupSize) {
      const chunk = await this.#chunks.next();
      if (chunk.done) {
        this.#isAll = true;
        break;
      }
      group.push(chunk.value);
    }
    if (group.length === 0) return undefined;
    return (await all(group.map(({ text, place }) => this.#embedder.pieces(text, place)))).flat();
  }
}
