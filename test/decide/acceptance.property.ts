// A promised error rate is kept on pairs that the calibration has not seen, and costs few of the hits that could be had.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { doubtBand, policyFor, stacked, tightened } from '#dist/decide/acceptance.js';
import {
  binOf,
  bins,
  edgeOf,
  operatingPoint,
  readCalibration,
  type ScoreKind,
  sigmoid,
  tableOf,
  writeCalibration,
} from '#dist/decide/calibration.js';
import { clopperPearson, exceeds, staysUnder } from '#dist/decide/interval.js';
import { ruleNames } from '#dist/decide/policy.js';
import { seededRandom } from '#dist/testing/random.js';

const test = suite('decide: a promised error rate');
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);
const random = seededRandom(seed);

/** Pairs whose score is their probability of asking the same, most of them near the ends as real ones are. */
const draw = (count: number) =>
  Array.from({ length: count }, () => {
    const score = sigmoid(14 * (random() - 0.5));
    return { score, same: random() < score };
  });

test('the realised rate stays within its interval of the promise, and four fifths of the best threshold are served', () => {
  for (const rate of [0.25, 0.15, 0.1, 0.05, 0.02]) {
    const point = operatingPoint(tableOf('verifier', draw(20_000)), rate);
    assert.ok(point !== undefined && point.upper <= rate, `${rate}`);
    const unseen = draw(20_000).sort((a, b) => b.score - a.score);
    const served = unseen.filter(({ score }) => score >= point.score);
    const wrong = served.filter(({ same }) => !same).length;
    const [low] = clopperPearson(wrong, served.length, 0.999);
    assert.ok(low <= rate, `${rate}: ${wrong} of ${served.length}`);
    assert.ok(wrong / served.length <= 1.25 * rate, `${rate}: ${wrong} of ${served.length}`);
    let best = 0;
    let errors = 0;
    for (const [at, { same }] of unseen.entries()) {
      errors += Number(!same);
      if (errors / (at + 1) <= rate) best = at + 1;
    }
    assert.ok(served.length >= 0.8 * best, `${rate}: ${served.length} of ${best}`);
  }
});

test('no threshold is given that the pairs cannot show to keep the promise', () => {
  const few = Array.from({ length: 30 }, () => ({ score: 0.99, same: true }));
  assert.is(operatingPoint(tableOf('verifier', few), 0.02), undefined);
  assert.is(operatingPoint(tableOf('verifier', []), 0.5), undefined);
  const wrong = Array.from({ length: 1_000 }, () => ({ score: 0.99, same: false }));
  assert.is(operatingPoint(tableOf('verifier', wrong), 0.9), undefined);
});

test('the short way to the bound agrees with the interval', () => {
  for (const trials of [1, 7, 50, 400]) {
    for (const hits of [0, 1, 3, 20].filter((count) => count <= trials)) {
      const upper = clopperPearson(hits, trials)[1];
      if (upper < 1) assert.ok(staysUnder(hits, trials, Math.min(1, upper + 1e-6)), `${hits} of ${trials}`);
      assert.not.ok(staysUnder(hits, trials, upper - 1e-6), `${hits} of ${trials}`);
      const [lower] = clopperPearson(hits, trials);
      if (hits > 0) assert.ok(exceeds(hits, trials, lower - 1e-6), `${hits} of ${trials}`);
      assert.not.ok(exceeds(hits, trials, lower + 1e-6), `${hits} of ${trials}`);
    }
  }
});

test('a score lies at or above the edge of its bin and below the next', () => {
  for (const by of ['cosine', 'verifier', 'pair model'] satisfies ScoreKind[]) {
    for (let i = 0; i < 2_000; i++) {
      const score = random();
      const bin = binOf(by, score);
      assert.ok(score >= edgeOf(by, bin) - 1e-9, `${by} ${score}`);
      if (bin < bins - 1) assert.ok(score < edgeOf(by, bin + 1) + 1e-9, `${by} ${score}`);
    }
  }
});

test('a calibration file reads back, and damage to it is refused', () => {
  const embedder = 'e'.repeat(64);
  const tables = [tableOf('cosine', draw(100))];
  const text = writeCalibration({ embedder, verifier: null, pairModel: null, tables });
  assert.equal(readCalibration(text), { embedder, verifier: null, pairModel: null, tables });
  for (const bad of [
    '',
    '[]',
    'null',
    '{}',
    text.replace('cosine', 'sine'),
    text.replace('[0,', '[-1,'),
    text.replace('[0,', '['),
  ])
    assert.throws(() => readCalibration(bad), /calibration/);
});

test('asking only in the band of doubt decides as asking about everything would', () => {
  for (let i = 0; i < 5_000; i++) {
    const [alone, paired, least] = [random(), random(), random()];
    const [low, high] = doubtBand(least);
    assert.ok(low < least && least < high);
    const isServed = alone > high || (alone >= low && paired >= least);
    const score = stacked(alone, paired);
    // On an edge itself rounding decides.
    if (Math.abs(score - least) > 1e-9) assert.is(score >= least, isServed, `${alone} ${paired} ${least}`);
  }
  const [low] = doubtBand(Number.POSITIVE_INFINITY);
  assert.not.ok(1 >= low);
});

test('each table is asked for no lower rate than its labels can tell, and the strictest holds', () => {
  const embedder = 'e'.repeat(64);
  const [careful, careless] = [tableOf('verifier', draw(20_000)), tableOf('verifier', draw(20_000))];
  const base = { embedder, verifier: null, pairModel: null };
  const text = writeCalibration({ ...base, tables: [{ ...careless, least: 0.1 }, careful] });
  const calibration = readCalibration(text);
  const verifier = { embedder, fingerprint: embedder, probability: () => 0, withLogit: () => 0 };
  const least = (maxErrorRate: number) =>
    policyFor({ maxErrorRate }, { rules: ruleNames, verifier, calibration }).minProbability?.alone as number;
  const point = (table: typeof careful, rate: number) => operatingPoint(table, rate)?.score as number;
  for (const rate of [0.2, 0.1])
    assert.is(least(rate), Math.max(point(careless, rate), point(careful, rate)));
  assert.is(least(0.02), Math.max(point(careless, 0.1), point(careful, 0.02)));
  const rates = [0.01, 0.02, 0.05, 0.099, 0.1, 0.101, 0.15, 0.3].map(least);
  assert.equal(
    rates,
    [...rates].sort((a, b) => b - a),
  );
  assert.throws(() => readCalibration(text.replace('"least":0.1', '"least":1')), /least/);
});

test('a stricter policy moves the band of doubt with its threshold', () => {
  const embedder = 'e'.repeat(64);
  const tables = [tableOf('verifier', draw(20_000)), tableOf('pair model', draw(20_000))];
  const verifier = { embedder, fingerprint: embedder, probability: () => 0, withLogit: () => 0 };
  const pairs = { model: {}, minSimilarity: 0.6, most: 1, timeoutMs: 1, clock: {} } as never;
  const means = {
    rules: ruleNames,
    verifier,
    pairs,
    calibration: { embedder, verifier: null, pairModel: null, tables },
  };
  const loose = policyFor({ maxErrorRate: 0.25 }, means);
  const strict = tightened(loose, { maxErrorRate: 0.05 }, means);
  assert.equal(loose.pairs?.band, doubtBand(loose.minProbability?.paired as number));
  assert.equal(strict.pairs?.band, doubtBand(strict.minProbability?.paired as number));
  assert.ok((strict.pairs?.band[0] as number) > (loose.pairs?.band[0] as number));
});

test('without verifier or calibration the policy says that nothing is promised, or that it cannot be kept', () => {
  const rules = ruleNames;
  assert.is(policyFor({ maxErrorRate: 0.05 }, { rules }).promise, 'uncalibrated');
  const base = { embedder: 'e'.repeat(64), verifier: null, pairModel: null };
  const pairs = draw(20_000);
  const known = policyFor(
    { maxErrorRate: 0.05 },
    { rules, calibration: { ...base, tables: [tableOf('cosine', pairs)] } },
  );
  assert.is(known.promise, 'calibrated');
  assert.is(known.minSimilarity, operatingPoint(tableOf('cosine', pairs), 0.05)?.score);
  const hopeless = {
    ...base,
    tables: [
      tableOf(
        'cosine',
        pairs.map((pair) => ({ ...pair, same: false })),
      ),
    ],
  };
  const none = policyFor({ maxErrorRate: 0.05 }, { rules, calibration: hopeless });
  assert.is(none.promise, 'out of reach');
  assert.is(none.minSimilarity, Number.POSITIVE_INFINITY);
});

test.run();
