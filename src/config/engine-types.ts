// The sections of the configuration for the exact engine and for inverted lists; types.ts joins them to the others.

/** How the exact engine keeps vectors. YAML section `flat`. */
export interface FlatConfig {
  /** `float32` is exact; `float16` and `int8` round the vectors, for three fifths and a fifth of the memory. Default `float32`. */
  readonly storage: 'float32' | 'float16' | 'int8';
}

/** How inverted lists of product codes are made and searched, in the papers' names. YAML section `ivfpq`. */
export interface IvfpqConfig {
  /** Rows of a scope from which on it is kept in lists, 32 to 2^31. Undefined (the default): 50,000; with `auto`, where lists pay. */
  readonly trainFrom: number | undefined;
  /** Lists, 1 to 1,048,576. Undefined (the default): twice the root of the rows, at most one for 400 rows. */
  readonly nlist: number | undefined;
  /** Lists that a search looks at. Undefined (the default): a third of them, at least 64. */
  readonly nprobe: number | undefined;
  /** Parts of a code; divides the dimension. Undefined (the default): a quarter of the dimension. */
  readonly m: number | undefined;
  /** Bits of a part's code. Default 4. */
  readonly nbits: '4' | '8';
  /** Rounds of optimised rotation (OPQ), 0 to 100. Default 0. */
  readonly rotations: number;
  /** What is kept beside the codes. Default `int8`. */
  readonly rescore: 'int8' | 'float16' | 'none';
  /** Rows rescored for each neighbour asked for, 1 to 10,000; 100 in all at least. Default 20. */
  readonly rescoreFactor: number;
}
