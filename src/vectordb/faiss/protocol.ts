// What the faiss database and its worker thread say to each other; imported by the files of this folder alone.

/** How rows are compared: squared Euclidean distance or inner product. Of vectors of unit length both give the same order. */
export type FaissMetric = 'L2' | 'IP';

/** What kind of index to make, with every number decided. */
export type FaissSpec = { readonly dimension: number; readonly metric: FaissMetric } & (
  | { readonly type: 'Flat' }
  | { readonly type: 'HNSW'; readonly m: number; readonly efConstruction: number; readonly efSearch: number }
  | { readonly type: 'IVF'; readonly nlist: number; readonly nprobe: number }
  | {
      readonly type: 'IVFPQ';
      readonly nlist: number;
      readonly nprobe: number;
      readonly pqM: number;
      readonly pqNbits: number;
    }
);

/** A request; `index` names an index of the worker's. None does harm when it runs twice. */
export type FaissRequest =
  /** Loads faiss-node. */
  | { readonly kind: 'load' }
  | { readonly kind: 'create'; readonly index: string; readonly spec: FaissSpec }
  /** A part of the sample to train on: n x dimension, row-major; `at` rows came before. */
  | { readonly kind: 'sample'; readonly index: string; readonly at: number; readonly rows: Float32Array }
  /** Trains for a few milliseconds. */
  | { readonly kind: 'train'; readonly index: string }
  /** Appends n x dimension numbers after `at` rows. */
  | { readonly kind: 'add'; readonly index: string; readonly at: number; readonly rows: Float32Array }
  | { readonly kind: 'search'; readonly index: string; readonly vector: Float32Array; readonly k: number }
  | { readonly kind: 'drop'; readonly index: string };

/** An answer. */
export type FaissReply =
  | { readonly kind: 'done' }
  /** Training has not ended. */
  | { readonly kind: 'more' }
  /** Rows found, nearest first. */
  | { readonly kind: 'rows'; readonly rows: Uint32Array }
  /** The worker has no such index, or not at this point: it was replaced, or a request did not reach it. */
  | { readonly kind: 'lost' }
  /** faiss-node cannot be loaded. */
  | { readonly kind: 'missing'; readonly reason: string };
