// Fits and calibrates the shipped verifier: `npx tsx scripts/train-verifier/main.ts DATA CACHE FOLDER`. Seeded: the same data gives the same files.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sigmoid, writeCalibration } from '#dist/decide/calibration.js';
import { readVerifier, writeVerifier } from '#dist/decide/verifier-file.js';
import { calibrationOf } from './calibrate.ts';
import { fit } from './fit.ts';
import { argumentsOf, load } from './load.ts';
import { judge } from './report.ts';

const [data, cache, folder] = argumentsOf('train-verifier/main');
const { rows, signals } = await load(data, cache, ['pair', 'fit', 'calibrate']);
const fitted = rows.filter(({ part }) => part !== 'calibrate');
const { model, alone, paired } = fit(fitted, signals.embedder);
const text = writeVerifier(model);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'weights.jsonl'), text);

const verifier = readVerifier(text);
const unseen = judge(
  rows.filter(({ part }) => part === 'calibrate'),
  verifier,
);
const crossed = fitted.map((row, i) => ({
  row,
  alone: sigmoid(alone[i] as number),
  // Of a pair that it was trained on the pair model is surer than it will be of others.
  paired: row.part === 'pair' ? Number.NaN : sigmoid(paired[i] as number),
}));
const calibration = {
  embedder: signals.embedder,
  verifier: verifier.fingerprint,
  pairModel: signals.pairModel,
  tables: calibrationOf([...unseen, ...crossed]),
};
writeFileSync(join(folder, 'calibration.json'), writeCalibration(calibration));
