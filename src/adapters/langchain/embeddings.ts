// Our embedder as LangChain's Embeddings.
import type { Embedder } from '../../core/embedder.js';
import { Embeddings } from './core.js';

/** A text's vector by an embedder of this package: in worker threads, without a server. The embedder stays the caller's. */
export class TieredEmbeddings extends Embeddings {
  readonly #embedder: Embedder;

  constructor(embedder: Embedder) {
    super({});
    this.#embedder = embedder;
  }

  /** As many vectors as texts, each of unit length. Rejects as the embedder does. */
  embedDocuments(documents: string[]): Promise<number[][]> {
    return Promise.all(documents.map((text) => this.embedQuery(text)));
  }

  async embedQuery(text: string): Promise<number[]> {
    return Array.from((await this.#embedder.embed(text)).vector);
  }
}
