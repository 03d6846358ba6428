// The arithmetic of the verifier: a small network over two vectors, what they are about, and boosted trees. Only verifier-file.ts and the trainer import it.

/** A network with one hidden layer over |p - q| and p * q, where p and q are the projections of two vectors; and over their cosine. */
export interface Net {
  readonly dimension: number;
  /** Rows of `dimension` numbers, one a direction that the vectors are projected on. */
  readonly projection: Float32Array;
  /** Rows of 2 × directions weights, one a hidden unit: those of |p - q|, then those of p * q. */
  readonly weights: Float32Array;
  readonly biases: Float32Array;
  /** One a hidden unit, then that of the cosine, then the bias. */
  readonly out: Float32Array;
  /** Rows of `dimension` numbers, directions in which texts differ most: what a + b has of each tells what the pair is about. */
  readonly topics: Float32Array;
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

/**
 * Writes the products of two vectors with the rows of `projection` into `p` and `q`. Cost: 2 × rows × dimension multiplications; both
 * vectors in one pass and two sums each, because an addition waits for the one before it.
 */
export function project(
  projection: Float32Array,
  a: Float32Array,
  b: Float32Array,
  p: Float32Array,
  q: Float32Array,
): void {
  const { length } = a;
  const even = length - (length % 2);
  for (let row = 0, at = 0; row < p.length; row++, at += length) {
    let [a0, a1, b0, b1] = [0, 0, 0, 0];
    for (let i = 0; i < even; i += 2) {
      const first = projection[at + i] as number;
      const second = projection[at + i + 1] as number;
      a0 += first * (a[i] as number);
      b0 += first * (b[i] as number);
      a1 += second * (a[i + 1] as number);
      b1 += second * (b[i + 1] as number);
    }
    if (even < length) {
      a0 += (projection[at + even] as number) * (a[even] as number);
      b0 += (projection[at + even] as number) * (b[even] as number);
    }
    p[row] = a0 + a1;
    q[row] = b0 + b1;
  }
}

/** Writes |p - q| and p * q into `row`, which has twice the length of the projections. */
export function putSignals(p: Float32Array, q: Float32Array, row: Float32Array): void {
  const directions = p.length;
  for (let i = 0; i < directions; i++) {
    const x = p[i] as number;
    const y = q[i] as number;
    row[i] = Math.abs(x - y);
    row[directions + i] = x * y;
  }
}

/** The network's logit for a row of `putSignals` and the cosine. Cost: hidden units × 2 × directions multiplications. */
export function netLogit({ weights, biases, out }: Net, row: Float32Array, cosine: number): number {
  const width = row.length;
  const hidden = biases.length;
  let sum = (out[hidden + 1] as number) + (out[hidden] as number) * cosine;
  for (let unit = 0, at = 0; unit < hidden; unit++, at += width) {
    let x = biases[unit] as number;
    for (let i = 0; i < width; i++) x += (weights[at + i] as number) * (row[i] as number);
    if (x > 0) sum += x * (out[unit] as number);
  }
  return sum;
}

/** What the trees read of two vectors: the network's logit, then a number a topic. The list is written anew by the next call. */
export function readerOf(
  net: Net,
): (asked: Float32Array, stored: Float32Array, cosine: number) => Float64Array {
  const { dimension, projection, topics } = net;
  const directions = projection.length / dimension;
  const [p, q] = [new Float32Array(directions), new Float32Array(directions)];
  const row = new Float32Array(2 * directions);
  const count = topics.length / dimension;
  const [about, other] = [new Float32Array(count), new Float32Array(count)];
  const read = new Float64Array(1 + count);
  return (asked, stored, cosine) => {
    project(projection, asked, stored, p, q);
    putSignals(p, q, row);
    read[0] = netLogit(net, row, cosine);
    project(topics, asked, stored, about, other);
    for (let i = 0; i < count; i++) read[1 + i] = (about[i] as number) + (other[i] as number);
    return read;
  };
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
