// What pair-onnx.ts and its worker say to each other; imported by these two only.
import type { ModelWorkerData } from './model-files.js';

/** What the worker is started with. */
export interface PairWorkerData extends ModelWorkerData {
  readonly maxTokens: number;
}

/** Two texts; the worker answers with the logit of this order. */
export type PairInput = readonly [string, string];
