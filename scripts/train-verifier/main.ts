// Fits the shipped verifier and its calibration: `npx tsx scripts/train-verifier/main.ts DATA CACHE [OUT]`. Seeded: the same data gives the same file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCalibration } from '#dist/decide/calibration.js';
import { readVerifier, writeVerifier } from '#dist/decide/verifier-file.js';
import { paraphrasePairs, paraphraseTexts, readPairs, readStream, streamPairs } from './data.ts';
import { calibrationOf, fit } from './fit.ts';
import { report } from './report.ts';
import { rowsOf } from './rows.ts';
import { Signals } from './signals.ts';

const [data, cache, out] = process.argv.slice(2);
if (data === undefined || cache === undefined) {
  console.error('usage: npx tsx scripts/train-verifier/main.ts DATA CACHE [OUT]');
  process.exit(2);
}
const signals = new Signals(cache);
const labelled = readPairs(data);
const stream = readStream(data);
await signals.embed([
  ...labelled.flatMap(({ a, b }) => [a, b]),
  ...stream.map(({ query }) => query),
  ...paraphraseTexts(data),
]);
const pairs = [...labelled, ...streamPairs(stream, signals, 4), ...paraphrasePairs(data, signals)];
await signals.score(pairs);
const rows = rowsOf(pairs, signals);
const fitted = fit(
  rows.filter(({ part }) => part === 'fit'),
  signals.embedder,
);
const text = writeVerifier(fitted.model);
const verifier = readVerifier(text);
report(
  rows.filter((row) => row.part === 'report'),
  verifier,
);
if (out !== undefined) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'weights.jsonl'), text);
  const calibration = calibrationOf(fitted, signals.embedder, verifier.fingerprint, signals.pairModel);
  writeFileSync(join(out, 'calibration.json'), writeCalibration(calibration));
}
