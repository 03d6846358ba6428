// `llm-cache plan`: tables for people, numbers for programs, refusals.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { EnginePlan, Plan, ReferenceCell } from '#dist/index.js';
import { assertFailure, filesBelow, jsonLines, run, scratch } from './support.js';

interface Shown extends Plan {
  readonly graphs: readonly { readonly model: string; readonly bytes: number }[];
  readonly reference: readonly ReferenceCell[];
}

const test = suite('command line: plan');
const traffic = [
  '--requests-per-second',
  '200',
  '--hit-rate',
  '0.6',
  '--llm-ms',
  '1200',
  '--llm-cost',
  '0.002',
];

test('it names both units for each engine, the errors of the reference, and what traffic saves', async () => {
  const cwd = scratch();
  const { code, stdout, stderr } = await run(['plan', '--vectors', '10000000', '--dim', '1536', ...traffic], {
    cwd,
  });
  assert.is(code, 0, stderr);
  assert.match(stdout, /bare float32: 61\.4 GB = 57\.2 GiB/);
  assert.match(stdout, /^ {2}flat +77\.2 GB +71\.9 GiB/m);
  assert.match(stdout, /^ {2}ivfpq \(planned\) /m);
  assert.match(stdout, /raw float32, 10 million +57\.2 GB +61\.4 GB +57\.2 GiB +GiB called GB/);
  assert.match(stdout, /codes, m = 64, 100 million +6\.1 GB +6\.4 GB +6\.0 GiB +neither/);
  assert.match(stdout, /saved a day +20,736/);
  assert.equal(filesBelow(cwd), [], 'nothing is written');
});

test('JSON has every number, in one line', async () => {
  const args = [
    'plan',
    '--vectors',
    '10000000',
    '--dim',
    '1536',
    '--engine',
    'ivfpq',
    '--pq-m',
    '64',
    '--hnsw-m',
    '32',
  ];
  const { code, stdout } = await run([...args, '--machine-memory', '1GiB', '--machine-share', '1', '--json']);
  assert.is(code, 0);
  const lines = jsonLines<Shown>(stdout);
  assert.is(lines.length, 1);
  const [{ engines, graphs, reference, traffic: none, rawBytes } = {} as Shown] = lines;
  assert.is(rawBytes, 61_440_000_000);
  assert.is(none, null);
  assert.is(engines.length, 1);
  const codes = 640_000_000 + 80_000_000 + 1_572_864 + 1024 * 1536 * 4;
  assert.is((engines[0] as EnginePlan).bytes, codes);
  assert.is((engines[0] as EnginePlan).machines, Math.ceil((2 * codes) / 2 ** 30));
  assert.is(graphs.find(({ model }) => model === 'faiss')?.bytes, 10_000_000 * 8 * 32);
  assert.is(reference.length, 12);
});

test('a plan without sizes, or with impossible ones, fails with 2 or 1 and says what to do', async () => {
  assertFailure(await run(['plan']), 2, 'ERR_LLM_CACHE_ARGUMENT');
  assertFailure(await run(['plan', '--vectors', '5', '--dim', '0']), 2, 'ERR_LLM_CACHE_ARGUMENT');
  assertFailure(
    await run(['plan', '--vectors', '5', '--dim', '8', '--machine-memory', 'big']),
    2,
    'ERR_LLM_CACHE_ARGUMENT',
  );
  assertFailure(
    await run(['plan', '--vectors', '5', '--dim', '8', '--hit-rate', '1.5']),
    2,
    'ERR_LLM_CACHE_ARGUMENT',
  );
  assertFailure(
    await run(['plan', '--vectors', '5', '--dim', '8', '--engine', 'annoy']),
    2,
    'ERR_LLM_CACHE_ARGUMENT',
  );
  assertFailure(
    await run(['plan', '--vectors', '5', '--dim', '8', '--pq-m', '3']),
    1,
    'ERR_LLM_CACHE_ARGUMENT',
  );
});

test.run();
