// What graph.ts and its worker say to each other; engines/ alone imports it.
import type { Space } from './hnswlib.js';

/** What a graph is built with, in the paper's names. Source: Malkov & Yashunin (2018), algorithms 1, 4 and 5. */
export interface GraphParameters {
  readonly dimension: number;
  readonly M: number;
  readonly efConstruction: number;
  readonly efSearch: number;
  readonly space: Space;
  readonly seed: number;
}

/** The rows of a graph, in memory that threads share; ids are distinct. */
export interface GraphRows {
  readonly ids: Uint32Array;
  /** n x dimension, row-major. */
  readonly vectors: Float32Array;
}

/** What the worker is told. */
export interface GraphJob extends GraphParameters, GraphRows {
  /** The file to write; it does not exist yet. */
  readonly path: string;
  /** One shared cell, a value of `halts`. */
  readonly halt: Int32Array;
}

/** What the worker answers. */
export interface GraphReport {
  readonly sha256: string;
  /** Row numbers, ascending, of those that a search for their own vectors does not find. */
  readonly orphans: readonly number[];
}

/**
 * How a build is ended: the thread that builds is asked, and leaves between two calls of hnswlib. A thread that is terminated within
 * one ends the whole process (hnswlib-node 3.0.0 throws where nothing can be thrown any more).
 */
export const halts = { running: 0, asked: 1, left: 2 } as const;
