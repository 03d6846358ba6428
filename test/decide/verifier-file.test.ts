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
import type { Trees } from '#dist/decide/verifier-model.js';

const test = suite('verifier file');
const shipped = (name: string) =>
  readFileSync(new URL(`../../models/verifier/${name}`, import.meta.url), 'utf8');

const dimension = 3;
const width = firstRow(pairOf([1, 0, 0], [1, 0, 0]).features, 0).length;

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
    weights: Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0, 0),
    biases: Float32Array.of(-4, 0),
    out: Float32Array.of(2, -1, 0.5),
  },
  alone: { trees: stump(width - 1, 0, -1, 1), platt: { slope: 2, offset: 1 } },
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
    // |a - b| = (1, 0, 0), scaled 8: the first unit gives 8 - 4 = 4, the logit is 2 × 4 + 0.5, above 0.
    const far = pairOf([1, 0, 0], [0, 0, 0]);
    assert.is(verifier.probability(far), sigmoid(2 * 1.25 + 1));
    // a * b = (1, 0, 0), scaled 128: the second unit gives 64, the logit is 0.5 - 64, below 0.
    const near = pairOf([1, 0, 0], [1, 0, 0]);
    assert.is(verifier.probability(near), sigmoid(2 * -0.75 + 1));
    assert.is(verifier.withLogit(near, 1), sigmoid(-1.75));
    assert.is(verifier.withLogit(near, 1.5), sigmoid(2.25));
  }
  assert.is(read.embedder, model.embedder);
  assert.match(read.fingerprint, /^[0-9a-f]{64}$/);
});

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
