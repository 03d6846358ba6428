// Where one engine overtakes another. Written by `npm run bench -- crossover`, which measures it; not by hand. Imported by auto.ts.

/**
 * Rows at which a search of `ivfpq` costs what one of `flat` does, on a straight line between the sizes measured, or from which its
 * recall is 0.95, whichever is more.
 * clustered vectors, d = 384, k = 10, defaults of the engine, 2 cores, avx512
 * n = 10,000: flat p50 34 µs; ivfpq p50 46 µs, recall 0.991
 * n = 20,000: flat p50 72 µs; ivfpq p50 61 µs, recall 0.991
 */
export const listsCrossover = 15_000;
