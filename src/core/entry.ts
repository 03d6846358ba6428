// What the tiers hold; any folder may import it.

/** Exact identity of a question in its scope: SHA-256 as 64 lower-case hexadecimal digits. */
export type Key = string;

/** A place in the order of removals (`ledger.ts`): later is greater. */
export type Epoch = number;

/** How an answer came as a stream, so that it can be replayed part by part. */
export interface Recording {
  /** The parts; absent when they are pieces of the value's text, which `lengths` tells, or when the value is their list. */
  readonly parts?: readonly unknown[] | undefined;
  /** UTF-16 code units of each piece of the text. */
  readonly lengths?: readonly number[] | undefined;
  /** Milliseconds between each part and the one before it, of the first since the call. */
  readonly gapsMs: readonly number[];
}

/** Tokens of one call of a model. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A stored answer. */
export interface Entry {
  /** Exact identity: scope and normalised question. */
  readonly key: Key;
  /** Digest of the scope (64 hexadecimal digits) outside of which this entry must never be served. */
  readonly scope: string;
  /** Fingerprint of the embedder (64 hexadecimal digits), in whose space the vector lies. */
  readonly embedder: string;
  /** The question as it was first asked. */
  readonly question: string;
  /** Unit-length embedding of the question; absent when the text was too long to be matched by meaning. */
  readonly vector?: Float32Array;
  /** The answer: anything that MessagePack can carry. */
  readonly value: unknown;
  /** Wall-clock milliseconds of the generation; promotion keeps it. */
  readonly createdAtMs: number;
  /** Wall-clock milliseconds after which the entry is gone; `Infinity` for never. */
  readonly expiresAtMs: number;
  /**
   * Wall-clock milliseconds after which it is stale: kept until it expires, and served only in the place of an answer that cannot be
   * had, or that is on its way. Default: never before it expires.
   */
  readonly staleAtMs?: number | undefined;
  /** Milliseconds that its generation took, for tiers that keep what is dear. Default unknown. */
  readonly costMs?: number | undefined;
  /** Tokens that its generation took. Default unknown. */
  readonly usage?: Usage | undefined;
  /** The latest removal that was known when the generation began: a later one of its key, scope, tags or sources makes it a miss. */
  readonly epoch: Epoch;
  /** Names by which `invalidate` removes many entries at once. Default none. */
  readonly tags?: readonly string[] | undefined;
  /** Ids of the documents the answer was drawn from, for `invalidate`. Default none. */
  readonly sources?: readonly string[] | undefined;
  /** How it came as a stream. Default: it did not. */
  readonly recording?: Recording | undefined;
}

/** Wall-clock milliseconds until which an entry is as good as new. */
export function freshUntil({ staleAtMs, expiresAtMs }: Pick<Entry, 'staleAtMs' | 'expiresAtMs'>): number {
  return staleAtMs ?? expiresAtMs;
}

/** True for an entry that must not be served as if it were new. */
export function isStale({ staleAtMs }: Pick<Entry, 'staleAtMs'>, wallMs: number): boolean {
  return staleAtMs !== undefined && staleAtMs <= wallMs;
}

/** An entry found by meaning; whether it is a hit, only `decide` says. */
export interface Candidate {
  readonly entry: Entry;
  /** Cosine of the two questions' embeddings, in [-1, 1]. */
  readonly similarity: number;
}
