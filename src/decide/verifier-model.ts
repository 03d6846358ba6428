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

/** Writes the products of two vectors with the rows of `projection` into `p` and `q`. Cost: twice that of `products`. */
export function project(
  projection: Float32Array,
  a: Float32Array,
  b: Float32Array,
  p: Float32Array,
  q: Float32Array,
): void {
  products(projection, a, p);
  products(projection, b, q);
}

/**
 * Writes the products of a vector with the rows of `projection` into `into`. Cost: rows × dimension multiplications. An addition waits
 * for the one before it, so every row has two sums, and four rows are gone through at once.
 */
function products(projection: Float32Array, vector: Float32Array, into: Float32Array): void {
  const { length } = vector;
  const rows = into.length;
  const even = length - (length % 2);
  for (let row = 0; row < rows; row += 4) {
    // Where fewer than four are left the last one is worked out again.
    const second = Math.min(row + 1, rows - 1);
    const third = Math.min(row + 2, rows - 1);
    const fourth = Math.min(row + 3, rows - 1);
    const [a, b, c, d] = [row * length, second * length, third * length, fourth * length];
    let [a0, a1, b0, b1, c0, c1, d0, d1] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < even; i += 2) {
      const x = vector[i] as number;
      const y = vector[i + 1] as number;
      a0 += (projection[a + i] as number) * x;
      a1 += (projection[a + i + 1] as number) * y;
      b0 += (projection[b + i] as number) * x;
      b1 += (projection[b + i + 1] as number) * y;
      c0 += (projection[c + i] as number) * x;
      c1 += (projection[c + i + 1] as number) * y;
      d0 += (projection[d + i] as number) * x;
      d1 += (projection[d + i + 1] as number) * y;
    }
    if (even < length) {
      const x = vector[even] as number;
      a0 += (projection[a + even] as number) * x;
      b0 += (projection[b + even] as number) * x;
      c0 += (projection[c + even] as number) * x;
      d0 += (projection[d + even] as number) * x;
    }
    into[row] = a0 + a1;
    into[second] = b0 + b1;
    into[third] = c0 + c1;
    into[fourth] = d0 + d1;
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

/** The network's logit for a row of `putSignals` and the cosine. Cost: hidden units × 2 × directions multiplications, four units at once. */
export function netLogit({ weights, biases, out }: Net, row: Float32Array, cosine: number): number {
  const width = row.length;
  const hidden = biases.length;
  let sum = (out[hidden + 1] as number) + (out[hidden] as number) * cosine;
  const add = (unit: number, x: number) => {
    if (x > 0) sum += x * (out[unit] as number);
  };
  let unit = 0;
  for (; unit + 4 <= hidden; unit += 4) {
    const first = unit * width;
    const [second, third, fourth] = [first + width, first + 2 * width, first + 3 * width];
    let a = biases[unit] as number;
    let b = biases[unit + 1] as number;
    let c = biases[unit + 2] as number;
    let d = biases[unit + 3] as number;
    for (let i = 0; i < width; i++) {
      const x = row[i] as number;
      a += (weights[first + i] as number) * x;
      b += (weights[second + i] as number) * x;
      c += (weights[third + i] as number) * x;
      d += (weights[fourth + i] as number) * x;
    }
    add(unit, a);
    add(unit + 1, b);
    add(unit + 2, c);
    add(unit + 3, d);
  }
  for (; unit < hidden; unit++) {
    let x = biases[unit] as number;
    for (let i = 0; i < width; i++) x += (weights[unit * width + i] as number) * (row[i] as number);
    add(unit, x);
  }
  return sum;
}

/** What the trees read of two vectors: the network's logit, then a number a topic. The list is written anew by the next call. */
export function readerOf(
  net: Net,
): (asked: Float32Array, stored: Float32Array, cosine: number) => Float64Array {
  const { dimension, projection, topics } = net;
  const directions = projection.length / dimension;
  const count = topics.length / dimension;
  const sideOf = () => ({ projected: new Float32Array(directions), about: new Float32Array(count) });
  const put = (side: ReturnType<typeof sideOf>, vector: Float32Array) => {
    products(projection, vector, side.projected);
    products(topics, vector, side.about);
  };
  const [left, right] = [sideOf(), sideOf()];
  // All candidates of a question are read beside the same vector. A copy, because whoever owns the vector may write into it.
  let last = new Float32Array(0);
  const row = new Float32Array(2 * directions);
  const read = new Float64Array(1 + count);
  return (asked, stored, cosine) => {
    if (!areEqual(asked, last)) {
      put(left, asked);
      last = asked.slice();
    }
    put(right, stored);
    putSignals(left.projected, right.projected, row);
    read[0] = netLogit(net, row, cosine);
    for (let i = 0; i < count; i++) read[1 + i] = (left.about[i] as number) + (right.about[i] as number);
    return read;
  };
}

function areEqual(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * The sum of the leaves that a row reaches. Cost: trees × depth comparisons. Which way a row goes cannot be foretold, so the way down has
 * no branch, and four trees are gone down at once.
 */
export function treesLogit(
  { depth, base, columns, thresholds, leaves }: Trees,
  row: ArrayLike<number>,
): number {
  const inner = 2 ** depth - 1;
  const count = columns.length / inner;
  /** The node below `node` of the tree whose first is `tree`; what is no number goes right. */
  const below = (tree: number, node: number): number =>
    2 * node +
    2 -
    Number((row[columns[tree + node] as number] as number) <= (thresholds[tree + node] as number));
  const leafOf = (tree: number, node: number): number => leaves[tree * (inner + 1) + node - inner] as number;
  let sum = base;
  let tree = 0;
  for (; tree + 4 <= count; tree += 4) {
    const first = tree * inner;
    const [second, third, fourth] = [first + inner, first + 2 * inner, first + 3 * inner];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let level = 0; level < depth; level++) {
      a = below(first, a);
      b = below(second, b);
      c = below(third, c);
      d = below(fourth, d);
    }
    sum += leafOf(tree, a);
    sum += leafOf(tree + 1, b);
    sum += leafOf(tree + 2, c);
    sum += leafOf(tree + 3, d);
  }
  for (; tree < count; tree++) {
    let node = 0;
    while (node < inner) node = below(tree * inner, node);
    sum += leafOf(tree, node);
  }
  return sum;
}
