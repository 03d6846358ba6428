// What turns a text into a vector, as the cascade sees it; any folder may import it.

/** A text's embedding. */
export interface Embedding {
  /** Unit length, `dimension` numbers. Never mutate it: it may be shared. */
  readonly vector: Float32Array;
  /** Tokens of the whole text, special tokens included; a lower bound when `truncated`. */
  readonly tokens: number;
  /** The text was longer than the model reads: the vector covers its beginning only and must not be matched by meaning. */
  readonly truncated: boolean;
  /**
   * The vector stands for this text and no other: false for a text that is truncated, has nothing the model reads (control
   * characters only), or holds a word unknown to the model, which it cannot tell from any other unknown word. Answers must not
   * be matched by meaning then.
   */
  readonly matchable: boolean;
}

/** Turns texts into unit-length vectors. The same text always gets the same vector. */
export interface Embedder {
  /** Human name, such as `all-MiniLM-L6-v2`. */
  readonly name: string;
  /** Length of the vectors. */
  readonly dimension: number;
  /** SHA-256 (64 hexadecimal digits) over everything that shapes a vector: weights, tokenizer, pooling, prefix, dimension. */
  readonly fingerprint: string;
  /** Embeds one text, off the event loop. Rejects with `EmbedError`, `BusyError`, or the signal's reason. */
  embed(text: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<Embedding>;
  /**
   * Tokens of each text by the model's own tokenizer, without special ones, off the event loop. Absent where nobody can say; then
   * documents cannot be cut by tokens. Rejects as `embed`.
   */
  countTokens?(
    texts: readonly string[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<ArrayLike<number>>;
  /** Gets ready ahead of the first text (loads weights, starts workers). */
  warm(): Promise<void>;
  /** Finishes what runs and releases workers. Idempotent. */
  close(): Promise<void>;
}
