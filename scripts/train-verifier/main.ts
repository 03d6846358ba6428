// Fits the shipped verifier and its calibration: `npx tsx scripts/train-verifier/main.ts DATA CACHE OUT`. Seeded: the same data gives the same files.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCalibration } from '#dist/decide/calibration.js';
import { readVerifier, writeVerifier } from '#dist/decide/verifier-file.js';
import { calibrationOf, fit } from './fit.ts';
import { load } from './load.ts';

const [data, cache, out] = process.argv.slice(2);
if (data === undefined || cache === undefined || out === undefined) {
  console.error('usage: npx tsx scripts/train-verifier/main.ts DATA CACHE OUT');
  process.exit(2);
}
const { rows, signals } = await load(data, cache, 'fit');
const fitted = fit(rows, signals.embedder);
const text = writeVerifier(fitted.model);
const { fingerprint } = readVerifier(text);
mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'weights.jsonl'), text);
const calibration = calibrationOf(fitted, signals.embedder, fingerprint, signals.pairModel);
writeFileSync(join(out, 'calibration.json'), writeCalibration(calibration));
