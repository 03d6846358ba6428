// Where one engine overtakes another. Written by `npm run bench -- crossover`, which measures it; not by hand. Imported by auto.ts.

/**
 * Rows at which a search of `hnsw` costs what one of `flat` does, on a straight line between the sizes measured.
 * clustered vectors, d = 384, k = 10, M 16, efConstruction 200, efSearch 50, 2 cores, avx512
 * n = 50,000: flat p50 167 µs; hnsw p50 267 µs, recall 0.989
 * n = 100,000: flat p50 595 µs; hnsw p50 282 µs, recall 0.957
 */
export const hnswCrossover = 62_000;
