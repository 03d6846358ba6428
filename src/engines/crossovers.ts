// Where one engine overtakes another. Written by `npm run bench -- crossover`, which measures it; not by hand. Imported by auto.ts.

/**
 * Rows at which a search of `ivfpq` costs what one of `flat` does, on a straight line between the sizes measured, or from which its
 * recall is 0.95, whichever is more.
 * clustered vectors, d = 384, k = 10, defaults of the engine, 2 cores, avx512
 * n = 20,000: flat p50 82 µs; ivfpq p50 83 µs, recall 0.932
 * n = 50,000: flat p50 170 µs; ivfpq p50 127 µs, recall 0.954
 */
export const listsCrossover = 50_000;
