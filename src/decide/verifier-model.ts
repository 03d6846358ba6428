// The arithmetic of the verifier: a small network over two vectors, and boosted trees. Only verifier-file.ts and the trainer import it.

/** A network with one hidden layer over |a - b| and a * b of two vectors. */
export interface Net {
  readonly dimension: number;
  /** Rows of 2 × dimension weights, one a hidden unit: those of |a - b|, then those of a * b. */
  readonly weights: Float32Array;
  readonly biases: Float32Array;
  /** One a hidden unit, then the bias. */
  readonly out: Float32Array;
}

/** Complete trees of one depth, whose values add up. */
export interface Trees {
  readonly depth: number;
  readonly base: number;
  /** Column that each inner node looks at; 2^depth - 1 a tree, level by level. */
  readonly columns: Uint16Array;
  /** A value up to this one, inclusive, goes left. */
  readonly thresholds: Float32Array;
  /** 2^depth a tree. */
  readonly leaves: Float32Array;
}

// Unit vectors of some hundred dimensions have numbers of about 0.05, and their products of 0.003.
const differenceScale = 8;
const productScale = 128;

/** Writes |a - b| and a * b, scaled, into `row`, which has twice the length of the vectors. */
export function putSignals(a: Float32Array, b: Float32Array, row: Float32Array): void {
  const dimension = a.length;
  for (let i = 0; i < dimension; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    row[i] = Math.abs(x - y) * differenceScale;
    row[dimension + i] = x * y * productScale;
  }
}

/** The network's logit for a row of `putSignals`. Cost: hidden units × 2 × dimension multiplications. */
export function netLogit({ weights, biases, out }: Net, row: Float32Array): number {
  const width = row.length;
  let sum = out[biases.length] as number;
  for (let unit = 0, at = 0; unit < biases.length; unit++, at += width) {
    let x = biases[unit] as number;
    for (let i = 0; i < width; i++) x += (weights[at + i] as number) * (row[i] as number);
    if (x > 0) sum += x * (out[unit] as number);
  }
  return sum;
}

/** The sum of the leaves that a row reaches. Cost: trees × depth comparisons. */
export function treesLogit(
  { depth, base, columns, thresholds, leaves }: Trees,
  row: ArrayLike<number>,
): number {
  const inner = 2 ** depth - 1;
  let sum = base;
  for (let tree = 0, leaf = 0; tree < columns.length; tree += inner, leaf += inner + 1) {
    let node = 0;
    while (node < inner) {
      const at = tree + node;
      node = 2 * node + ((row[columns[at] as number] as number) <= (thresholds[at] as number) ? 1 : 2);
    }
    sum += leaves[leaf + node - inner] as number;
  }
  return sum;
}
