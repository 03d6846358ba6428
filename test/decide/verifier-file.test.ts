// The file of a verifier: what is written is read back, the shipped one is sound, and a damaged one is refused.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CacheError } from '#dist/core/errors.js';
import { readCalibration } from '#dist/decide/calibration.js';
import { featuresOf } from '#dist/decide/features.js';
import { pairFeatures } from '#dist/decide/pair-features.js';
import {
  firstRow,
  readVerifier,
  type VerifierModel,
  verifierOf,
  writeVerifier,
} from '#dist/decide/verifier-file.js';
import { netLogit, project, readerOf, type Trees, treesLogit } from '#dist/decide/verifier-model.js';
import { seededRandom } from '#dist/testing/index.js';

const test = suite('verifier file');
const shipped = (name: string) =>
  readFileSync(new URL(`../../models/verifier/${name}`, import.meta.url), 'utf8');

const dimension = 3;
const width = firstRow(pairOf([1, 0, 0], [1, 0, 0]).features, [0, 0]).length;

/** One tree that gives `low` up to the threshold and `high` above. */
function stump(column: number, threshold: number, low: number, high: number): Trees {
  return {
    depth: 1,
    base: 0.25,
    columns: Uint16Array.of(column),
    thresholds: Float32Array.of(threshold),
    leaves: Float32Array.of(low, high),
  };
}

// Every number is a power of two, so that sums are exact.
const model: VerifierModel = {
  embedder: 'e'.repeat(64),
  net: {
    dimension,
    projection: Float32Array.of(8, 0, 0, 0, 8, 0),
    weights: Float32Array.of(1, 0, 0, 0, 0, 0, 1, 0),
    biases: Float32Array.of(-4, 0),
    out: Float32Array.of(2, -1, 4, 0.5),
    topics: Float32Array.of(0, 1, 2),
  },
  // The network's logit stands last but one, the topic last.
  alone: { trees: stump(width - 2, 0, -1, 1), platt: { slope: 2, offset: 1 } },
  paired: { trees: stump(width + 1, 1, -2, 2), platt: { slope: 1, offset: 0 } },
};

function pairOf(a: readonly number[], b: readonly number[]) {
  const [asked, stored] = [Float32Array.from(a), Float32Array.from(b)];
  const features = pairFeatures(featuresOf('how long?'), featuresOf('how long is it?'), {
    cosine: 0.5,
    margin: 0.5,
    agreement: 1,
    rank: 0,
  });
  return { asked, stored, features, cosine: 0.5 };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const refused = (text: string, what: RegExp) =>
  assert.throws(
    () => readVerifier(text),
    (error: unknown) => error instanceof CacheError && what.test(error.message),
  );

test('works out by hand, and the same after it was written and read', () => {
  const read = readVerifier(writeVerifier(model));
  for (const verifier of [verifierOf(model, 'f'), read]) {
    // The projections are (8, 0) and (0, 0): the first unit gives 8 - 4 = 4, the logit is 2 × 4 + 4 × 0.5 + 0.5, above 0.
    const far = pairOf([1, 0, 0], [0, 0, 0]);
    assert.is(verifier.probability(far), sigmoid(2 * 1.25 + 1));
    // Both are (8, 0): the second unit gives 64, the logit is 4 × 0.5 + 0.5 - 64, below 0.
    const near = pairOf([1, 0, 0], [1, 0, 0]);
    assert.is(verifier.probability(near), sigmoid(2 * -0.75 + 1));
    assert.is(verifier.withLogit(near, 1), sigmoid(-1.75));
    assert.is(verifier.withLogit(near, 1.5), sigmoid(2.25));
  }
  assert.is(read.embedder, model.embedder);
  assert.match(read.fingerprint, /^[0-9a-f]{64}$/);
});

test('the cosine counts in the network, and what both texts are about in the trees', () => {
  const { net } = model;
  const read = readerOf(net);
  const [asked, stored] = [Float32Array.of(1, 0.5, 0), Float32Array.of(1, 0, 2)];
  // Projections (8, 4) and (8, 0): both units are idle or 64.
  assert.equal([...read(asked, stored, 0.5)], [4 * 0.5 + 0.5 - 64, 0.5 + 4]);
  assert.equal([...read(asked, stored, 0)], [0.5 - 64, 0.5 + 4]);
  const trees = stump(width - 1, 4, -1, 1);
  const about = verifierOf({ ...model, alone: { ...model.alone, trees } }, 'f');
  const of = (a: number[], b: number[]) => about.probability(pairOf(a, b));
  assert.is(of([0, 2, 1], [0, 0, 0]), sigmoid(2 * -0.75 + 1));
  assert.is(of([0, 2, 1], [0, 0.5, 0]), sigmoid(2 * 1.25 + 1));
});

test('a vector that its owner writes into is read anew', () => {
  const read = readerOf(model.net);
  const [asked, stored] = [Float32Array.of(1, 0, 0), Float32Array.of(1, 0, 0)];
  const before = [...read(asked, stored, 0.5)];
  assert.equal([...read(asked, stored, 0.5)], before);
  asked.set([0, 3, 1]);
  assert.equal([...read(asked, stored, 0.5)], [...readerOf(model.net)(asked.slice(), stored, 0.5)]);
  assert.is.not(read(asked, stored, 0.5)[1], before[1]);
});

test('any count of hidden units and of trees gives what one after the other gives', () => {
  const random = seededRandom(7);
  const numbers = (length: number) => Float32Array.from({ length }, () => random() * 2 - 1);
  for (const count of [1, 2, 3, 4, 5, 7, 8, 9]) {
    const row = numbers(6);
    const net = {
      ...model.net, weights: numbers(6 * count), biases: numbers(count), out: numbers(count + 2),
    }; // biome-ignore format: one line
    let sum = (net.out[count + 1] as number) + (net.out[count] as number) * 0.5;
    for (let unit = 0; unit < count; unit++) {
      let x = net.biases[unit] as number;
      for (let i = 0; i < 6; i++) x += (net.weights[unit * 6 + i] as number) * (row[i] as number);
      sum += Math.max(x, 0) * (net.out[unit] as number);
    }
    assert.is(netLogit(net, row, 0.5), sum);
    const [depth, inner] = [3, 7];
    const trees = {
      depth,
      base: 0.5,
      columns: Uint16Array.from({ length: count * inner }, () => Math.floor(random() * 6)),
      thresholds: numbers(count * inner),
      leaves: numbers(count * (inner + 1)),
    };
    row[count % 6] = Number.NaN;
    let expected = trees.base;
    for (let tree = 0; tree < count; tree++) {
      let node = 0;
      while (node < inner) {
        const at = tree * inner + node;
        const isLeft = (row[trees.columns[at] as number] as number) <= (trees.thresholds[at] as number);
        node = 2 * node + (isLeft ? 1 : 2);
      }
      expected += trees.leaves[tree * (inner + 1) + node - inner] as number;
    }
    assert.is(treesLogit(trees, row), expected);
  }
});

test('a projection is the product with each row, for even and odd dimensions and any count of rows', () => {
  for (const dimension of [1, 2, 5, 384])
    for (const count of [1, 3, 4, 5, 8, 10]) checkProjection(dimension, count);
});

function checkProjection(dimension: number, count: number): void {
  const rows = Float32Array.from({ length: count * dimension }, (_, i) => ((i * 7) % 11) - 5);
  const vector = Float32Array.from({ length: dimension }, (_, i) => ((i * 5) % 7) - 3);
  const other = vector.map((x) => x + 2);
  const [p, q] = [new Float32Array(count), new Float32Array(count)];
  project(rows, vector, other, p, q);
  for (const [from, to] of [
    [vector, p],
    [other, q],
  ] as const) {
    const by = Array.from(p, (_, row) =>
      from.reduce((sum, x, i) => sum + x * (rows[row * dimension + i] as number), 0),
    );
    assert.equal([...to], by);
  }
}

test('other weights have another fingerprint', () => {
  const other = { ...model, alone: { ...model.alone, platt: { slope: 2, offset: 1.5 } } };
  assert.is.not(
    readVerifier(writeVerifier(other)).fingerprint,
    readVerifier(writeVerifier(model)).fingerprint,
  );
});

test('any damage is refused', () => {
  const text = writeVerifier(model);
  for (let at = 0; at < text.length - 1; at += 7) {
    const other = text[at] === 'x' ? 'y' : 'x';
    refused(text.slice(0, at) + other + text.slice(at + 1), /verifier/);
  }
  for (const length of [0, 1, 50, text.indexOf('\n'), text.length - 2]) refused(text.slice(0, length), /./);
});

test('weights of another length, or columns that do not exist, are refused', () => {
  const { net, alone } = model;
  refused(
    writeVerifier({ ...model, net: { ...net, weights: net.weights.slice(1) } }),
    /verifier\.net\.weights/,
  );
  refused(writeVerifier({ ...model, net: { ...net, out: net.out.slice(1) } }), /verifier\.net\.out/);
  for (const name of ['projection', 'topics'] as const)
    refused(
      writeVerifier({ ...model, net: { ...net, [name]: net[name].slice(1) } }),
      new RegExp(`verifier\\.net\\.${name}`),
    );
  const short = { ...alone.trees, leaves: Float32Array.of(1) };
  refused(writeVerifier({ ...model, alone: { ...alone, trees: short } }), /verifier\.alone\.leaves/);
  const beyond = { ...alone.trees, columns: Uint16Array.of(width) };
  refused(writeVerifier({ ...model, alone: { ...alone, trees: beyond } }), /verifier\.alone\.columns/);
});

test('the shipped verifier can be read, and its calibration is about it', () => {
  const verifier = readVerifier(shipped('weights.jsonl'));
  const calibration = readCalibration(shipped('calibration.json'));
  assert.is(calibration.embedder, verifier.embedder);
  assert.is(calibration.verifier, verifier.fingerprint);
});

test.run();
