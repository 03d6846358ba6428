// What onnx.ts and its worker say to each other; imported by these two only.

/** How the values of the tokens become one vector: their mean, or the value of the first token. */
export type Pooling = 'mean' | 'cls';

/** Most characters (UTF-16 units) of a text that are read; a longer one counts as truncated. */
export const MAX_CHARACTERS = 32_768;

/** The files of a model, by path or by SHA-256 in hexadecimal. */
export interface ModelFiles {
  readonly model: string;
  readonly tokenizer: string;
  readonly tokenizerConfig: string;
}

/** How the workers of one embedder come to one copy of the weights. */
export interface SharedWeights {
  /** Does not exist yet; the first worker makes it, the last to load removes it. */
  readonly directory: string;
  /** Two cells of 32 bits. */
  readonly memory: SharedArrayBuffer;
  readonly workers: number;
}

/** What the worker is started with. */
export interface OnnxWorkerData {
  readonly paths: ModelFiles;
  /** A worker that starts later must not run other files than the fingerprint covers. */
  readonly digests: ModelFiles;
  readonly pooling: Pooling;
  readonly maxTokens: number;
  /** Undefined for a single worker. */
  readonly shared: SharedWeights | undefined;
}

/** What the worker is given: a text to embed, or texts whose tokens are to be counted. */
export type OnnxInput = string | readonly string[];

/** What the worker answers to a text. */
export interface OnnxResult {
  /** Unit length. */
  readonly vector: Float32Array;
  readonly tokens: number;
  readonly truncated: boolean;
  readonly matchable: boolean;
}
