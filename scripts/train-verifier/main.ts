// Fits the weights of the shipped verifier: `npx tsx scripts/train-verifier/main.ts DATA CACHE FOLDER`. Seeded: the same data gives the same file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeVerifier } from '#dist/decide/verifier-file.js';
import { fit } from './fit.ts';
import { argumentsOf, load } from './load.ts';

const [data, cache, folder] = argumentsOf('main');
const { rows, signals } = await load(data, cache, ['fit']);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'weights.jsonl'), writeVerifier(fit(rows, signals.embedder)));
