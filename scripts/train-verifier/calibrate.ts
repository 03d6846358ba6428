// Counts how often which score of a fitted verifier is right: `npx tsx scripts/train-verifier/calibrate.ts DATA CACHE FOLDER`, after main.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stacked } from '#dist/decide/acceptance.js';
import { type ScoreKind, tableOf, writeCalibration } from '#dist/decide/calibration.js';
import { readVerifier } from '#dist/decide/verifier-file.js';
import { argumentsOf, load } from './load.ts';
import { type Judged, judge, looked } from './report.ts';
import type { Row } from './rows.ts';

/**
 * Whose pairs promises are made on. About one label in twelve of the question pairs is mistaken, so no lower rate can be read off
 * them; what doctors labelled, or an edit made, is harder than what is asked and stands for the strict rates.
 */
const counted: readonly { readonly least: number; readonly sets: readonly Row['set'][] }[] = [
  { least: 0.1, sets: ['questions', 'medical'] },
  { least: 0, sets: ['edits', 'medical'] },
];
const scores: Record<ScoreKind, (one: Judged) => number> = {
  cosine: ({ row }) => row.cosine,
  verifier: ({ alone }) => alone,
  'pair model': ({ alone, paired }) => stacked(alone, paired),
};

const [data, cache, folder] = argumentsOf('calibrate');
const verifier = readVerifier(readFileSync(join(folder, 'weights.jsonl'), 'utf8'));
const { rows, signals } = await load(data, cache, ['calibrate']);
const shown = judge(rows, verifier).filter(looked);
const tables = counted.flatMap(({ least, sets }) =>
  Object.entries(scores).map(([by, score]) => {
    const some = shown.filter(({ row }) => sets.includes(row.set));
    const pairs = some.map((one) => ({ score: score(one), same: one.row.same }));
    return { ...tableOf(by as ScoreKind, pairs), least };
  }),
);
const calibration = {
  embedder: signals.embedder,
  verifier: verifier.fingerprint,
  pairModel: signals.pairModel,
  tables,
};
writeFileSync(join(folder, 'calibration.json'), writeCalibration(calibration));
