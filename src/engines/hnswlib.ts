// hnswlib-node's graph, behind the few calls that are safe here; its only importer, on first use. engines/ alone imports this file.
import { MissingPackageError } from '../core/errors.js';

/** How a graph measures nearness; on vectors of unit length all three put neighbours in the same order. */
export type Space = 'cosine' | 'l2' | 'ip';

/** One graph. Every call blocks its thread but for `readIndex`, during which the graph belongs to the call. */
export interface HnswlibIndex {
  initIndex(maxElements: number, m: number, efConstruction: number, seed: number): void;
  addPoint(point: number[], label: number): void;
  /** Up to `k` labels and distances, nearest first; `k` is at most the number of rows. */
  searchKnn(query: number[], k: number): { neighbors: number[]; distances: number[] };
  /** The row of a label. About 20 microseconds at dimension 384. */
  getPoint(label: number): number[];
  setEf(ef: number): void;
  writeIndexSync(path: string): void;
  readIndex(path: string): Promise<unknown>;
}

/** Makes an empty graph. */
export type Hnswlib = new (space: Space, dimension: number) => HnswlibIndex;

/** @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when hnswlib-node is not installed. */
export async function loadHnswlib(): Promise<Hnswlib> {
  try {
    return (await import('hnswlib-node')).default.HierarchicalNSW;
  } catch (error) {
    throw new MissingPackageError('hnswlib-node', 'the HNSW engine', { cause: error });
  }
}
