// What onnx.ts and its worker say to each other; imported by these two only.
import type { ModelWorkerData } from './model-files.js';

/** How the values of the tokens become one vector: their mean, or the value of the first token. */
export type Pooling = 'mean' | 'cls';

/** Most characters (UTF-16 units) of a text that are read; a longer one counts as truncated. */
export const MAX_CHARACTERS = 32_768;

/** What the worker is started with. */
export interface OnnxWorkerData extends ModelWorkerData {
  readonly pooling: Pooling;
  readonly maxTokens: number;
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
