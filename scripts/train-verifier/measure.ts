// Prints what a fitted verifier is worth on the part that nothing was fitted or calibrated on: `npx tsx scripts/train-verifier/measure.ts DATA CACHE FOLDER`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCalibration } from '#dist/decide/calibration.js';
import { readVerifier } from '#dist/decide/verifier-file.js';
import { argumentsOf, load } from './load.ts';
import { judge, report } from './report.ts';
import { reportBudgets } from './report-budgets.ts';
import { reportStream } from './report-stream.ts';

const [data, cache, folder] = argumentsOf('train-verifier/measure');
const verifier = readVerifier(readFileSync(join(folder, 'weights.jsonl'), 'utf8'));
const calibration = readCalibration(readFileSync(join(folder, 'calibration.json'), 'utf8'));
const { rows, stream, signals } = await load(data, cache, ['report']);
const judged = judge(rows, verifier);
reportBudgets(judged, calibration);
report(judged);
await reportStream(stream, signals, verifier);
