// What reads two questions side by side and says whether they ask the same; any folder may import it.

/** A model or judge of pairs. Slower than comparing vectors by orders of magnitude, so it is asked only where those leave doubt. */
export interface PairModel {
  /** Human name. */
  readonly name: string;
  /** SHA-256 (64 hexadecimal digits) over everything that shapes a score. */
  readonly fingerprint: string;
  /** Logit of "the two ask the same", both orders averaged, off the event loop. Rejects with what went wrong, or the signal's reason. */
  score(a: string, b: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<number>;
  /** Releases workers. Idempotent. */
  close(): Promise<void>;
}
