// Brings the figures of README.md in line with bench/results/readme.json: `node --import tsx bench/readme.ts`. The entry; imported by nobody.
import { readFileSync, writeFileSync } from 'node:fs';
import { type Recorded, readmeParts, withParts } from './harness/readme.js';

const readme = new URL('../README.md', import.meta.url);
const recorded = JSON.parse(
  readFileSync(new URL('./results/readme.json', import.meta.url), 'utf8'),
) as Recorded;
writeFileSync(readme, withParts(readFileSync(readme, 'utf8'), readmeParts(recorded)));
