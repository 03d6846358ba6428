// The rules on labelled question pairs of the reader's own: LLM_CACHE_LABELLED_PAIRS names a JSONL file of { a, b, same }.
import { existsSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { extract } from '#dist/decide/features.js';
import { rules } from '#dist/decide/rules.js';

const test = suite('decide: labelled pairs');
const path = process.env.LLM_CACHE_LABELLED_PAIRS;
const run = path !== undefined && existsSync(path) ? test : test.skip;
if (run === test.skip) console.log('skipped: LLM_CACHE_LABELLED_PAIRS names no file of labelled pairs');

run('pairs that differ are refused far more often than pairs that are the same', () => {
  const rows = readFileSync(path as string, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { a: string; b: string; same: boolean });
  const refused = { same: 0, different: 0 };
  const all = { same: 0, different: 0 };
  for (const { a, b, same } of rows) {
    const kind = same ? 'same' : 'different';
    const [left, right] = [extract(a), extract(b)];
    all[kind]++;
    if (Object.values(rules).some((rule) => rule(left, right) !== undefined)) refused[kind]++;
  }
  const share = { same: refused.same / all.same, different: refused.different / all.different };
  console.log(
    `refused: ${(100 * share.same).toFixed(1)} % of the same, ${(100 * share.different).toFixed(1)} % of the different`,
  );
  assert.ok(share.different >= 2 * share.same);
  assert.ok(share.same < 0.2);
});

test.run();
