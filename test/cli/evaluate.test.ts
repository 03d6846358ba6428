// The verbs `eval` and `calibrate`: what they print and write, and that a cache uses what was calibrated.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openCache } from '#dist/index.js';
import { assertFailure, jsonLines, run, scratch, write } from './support.js';

const test = suite('cli: eval and calibrate');
const subjects = Array.from({ length: 60 }, (_, i) => `lamp${i} wire${i} shelf${i}`);
// Of the mock's cosines: rewordings share nearly all words, the others half of them.
const pairs = subjects.flatMap((subject, i) => [
  { a: `how do I clean the ${subject}`, b: `how do I clean my ${subject}`, same: true },
  { a: `how do I clean the ${subject}`, b: `${subject} price of ${subjects[(i + 1) % 60]}`, same: false },
]);
const jsonl = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const cwd = write(scratch(), {
  'pairs.jsonl': jsonl(pairs),
  'stream.jsonl': jsonl(
    pairs.map(({ a, b }, i) => ({ query: i % 2 === 0 ? a : b, class: `class ${i % 2}` })),
  ),
  'bad.jsonl': `${jsonl(pairs.slice(0, 3))}\n{"a": 1}`,
});

interface Report {
  readonly auc: number;
  readonly recallAtPrecision: Record<string, number>;
  readonly rows: readonly { readonly same: boolean; readonly score: number | null }[];
  readonly ways: readonly { readonly by: string; readonly rules: boolean }[];
  readonly stream: { readonly questions: number };
}

test('eval prints figures, one row a pair, and writes a page that loads nothing', async () => {
  const args = ['eval', '--pairs', 'pairs.jsonl', '--stream', 'stream.jsonl', '--html', 'report.html'];
  const outcome = await run([...args, '--use-mock', '--json'], { cwd });
  assert.is(outcome.code, 0, outcome.stderr);
  const [report, ...more] = jsonLines<Report & Record<string, unknown>>(outcome.stdout);
  assert.equal(more, []);
  assert.equal(Object.keys(report?.recallAtPrecision ?? {}), ['0.80', '0.85', '0.90', '0.95', '0.98']);
  assert.is(report?.rows.length, pairs.length);
  assert.ok((report?.auc ?? 0) > 0.95 && (report?.recallAtPrecision['0.95'] ?? 0) > 0.9);
  assert.equal(
    report?.ways.map(({ by, rules }) => `${by} ${rules}`),
    ['cosine false', 'cosine true'],
  );
  assert.is(report?.stream.questions, pairs.length);
  const page = readFileSync(join(cwd, 'report.html'), 'utf8');
  assert.match(page, /<svg[\s\S]*<\/svg>/);
  assert.not.match(page, /(?:src|href)=|<script|@import|url\(/);
  const told = await run(['eval', '--pairs', 'pairs.jsonl', '--use-mock', '--no-rules'], { cwd });
  assert.is(told.code, 0, told.stderr);
  assert.match(told.stdout, /120 pairs, 60 ask the same/);
  assert.not.match(told.stdout, /cosine, rules/);
});

test('a bad line and a missing file fail in one line', async () => {
  const bad = await run(['eval', '--pairs', 'bad.jsonl', '--use-mock'], { cwd });
  assertFailure(bad, 1, 'ERR_LLM_CACHE_ARGUMENT');
  assert.match(bad.stderr, /line 4 of bad\.jsonl/);
  assertFailure(
    await run(['eval', '--pairs', 'none.jsonl', '--use-mock'], { cwd }),
    1,
    'ERR_LLM_CACHE_ARGUMENT',
  );
  assertFailure(await run(['eval'], { cwd }), 2, 'ERR_LLM_CACHE_ARGUMENT');
  const odd = ['eval', '--stream', 'stream.jsonl', '--store', 'hits', '--use-mock'];
  assertFailure(await run(odd, { cwd }), 2, 'ERR_LLM_CACHE_ARGUMENT');
});

test('a cache opened with what was calibrated keeps the promise by its threshold', async () => {
  const outcome = await run(
    [
      'calibrate',
      '--pairs',
      'pairs.jsonl',
      '--max-error-rate',
      '0.1',
      '--out',
      'mine.json',
      '--use-mock',
      '--json',
    ],
    { cwd },
  );
  assert.is(outcome.code, 0, outcome.stderr);
  const [made] = jsonLines<{ by: string; recommended: { point: { score: number; wrong: number } } }>(
    outcome.stdout,
  );
  assert.is(made?.by, 'cosine');
  const least = made?.recommended.point.score ?? Number.NaN;
  const opened = async (calibration: string | undefined) => {
    const cache = await openCache({
      file: null,
      env: {},
      cache: { directory: scratch() },
      embedding: { useMock: true },
      decide: { maxErrorRate: 0.1, calibration },
    });
    try {
      return (await cache.get('anything')).decision.policy;
    } finally {
      await cache.close();
    }
  };
  const used = await opened(join(cwd, 'mine.json'));
  assert.equal([used.promise, used.minSimilarity], ['calibrated', least]);
  assert.is((await opened(undefined)).promise, 'uncalibrated');
});

test.run();
