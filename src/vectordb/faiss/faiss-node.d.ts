// The part of faiss-node that worker.ts uses: the package is optional, so its own types may be absent. Read by the compiler alone.
declare module 'faiss-node' {
  /** An index; rows count from 0 in the order they were added. What faiss itself refuses ends the process: check before. */
  class Index {
    constructor(dimension: number);
    static fromFactory(dimension: number, description: string, metric: number): Index;
    /** Leaks as many bytes as it is given (0.5.1). */
    static fromBuffer(bytes: Buffer): Index;
    /** Leaks as many bytes as it returns (0.5.1). */
    toBuffer(): Buffer;
    ntotal(): number;
    /** n x dimension numbers. */
    add(rows: number[]): void;
    /** `k` is at most `ntotal()`; a label of -1 stands for none. */
    search(vector: number[], k: number): { labels: number[]; distances: number[] };
  }
  const faiss: { Index: typeof Index; IndexFlatL2: typeof Index; IndexFlatIP: typeof Index };
  export = faiss;
}
