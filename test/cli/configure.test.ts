// `llm-cache config --init`, `--schema`, `--origin` and the global `--set`.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ConfigRow } from '#dist/index.js';
import { configJsonSchema, configTemplate } from '#dist/index.js';
import { assertFailure, filesBelow, jsonLines, run, scratch, write } from './support.js';

const test = suite('command line: configure');

test('--init writes a file of its owner, and overwrites one only with --force', async () => {
  const cwd = scratch();
  const first = await run(['config', '--init'], { cwd });
  assert.is(first.code, 0, first.stderr);
  const file = join(cwd, 'llm-cache.yaml');
  assert.is(readFileSync(file, 'utf8'), configTemplate());
  assert.is(statSync(file).mode & 0o777, 0o600);
  write(cwd, { 'llm-cache.yaml': 'hnsw: { m: 20 }\n' });
  const refused = await run(['config', '--init'], { cwd });
  assertFailure(refused, 2, 'ERR_LLM_CACHE_ARGUMENT');
  assert.match(refused.stderr, /there already; --force overwrites it/);
  assert.is(readFileSync(file, 'utf8'), 'hnsw: { m: 20 }\n');
  assert.is((await run(['config', '--init', '--force'], { cwd })).code, 0);
  assert.is(readFileSync(file, 'utf8'), configTemplate());
  const named = await run(['config', '--init', 'other.yaml', '--json'], { cwd });
  assert.equal(jsonLines(named.stdout), [{ file: 'other.yaml' }]);
  assert.equal(filesBelow(cwd), ['llm-cache.yaml', 'other.yaml']);
  assertFailure(await run(['config', '--init', 'no/such/x.yaml'], { cwd }), 2, 'ERR_LLM_CACHE_ARGUMENT');
  assertFailure(await run(['config', '--force'], { cwd }), 2, 'ERR_LLM_CACHE_ARGUMENT');
  assertFailure(await run(['config', '--schema', '--init', 'x'], { cwd }), 2, 'ERR_LLM_CACHE_ARGUMENT');
});

test('--schema prints the schema and nothing else', async () => {
  const { code, stdout, stderr } = await run(['config', '--schema']);
  assert.is(code, 0);
  assert.equal(JSON.parse(stdout), configJsonSchema());
  assert.is(stderr, '');
});

test('--set wins over everything, and --origin tells over what', async () => {
  const cwd = write(scratch(), { 'llm-cache.yaml': 'hnsw:\n  m: 20\n' });
  const args = ['config', '--origin', '--set', 'hnsw.m=23', '--set', 'redis.password=swordfish'];
  const { code, stdout, stderr } = await run(args, { cwd, env: { HNSW_M: '21' } });
  assert.is(code, 0, stderr);
  assert.match(stdout, /^ {2}hnsw\.m +23 links +--set hnsw\.m +HNSW_M, llm-cache\.yaml:2 +HNSW_M$/m);
  assert.not.match(stdout + stderr, /swordfish/);
  const json = await run([...args, '--json'], { cwd, env: { HNSW_M: '21' } });
  const [shown] = jsonLines<{ keys: readonly ConfigRow[] }>(json.stdout);
  const row = shown?.keys.find(({ key }) => key === 'hnsw.m');
  assert.equal(
    [row?.value, row?.source, row?.where, row?.over],
    [23, 'flag', '--set hnsw.m', ['HNSW_M', 'llm-cache.yaml:2']],
  );
});

test('--set reaches the command that runs, and a wrong one is refused in one line', async () => {
  const cwd = scratch();
  const stats = await run(['stats', '--set', 'cache.directory=elsewhere'], { cwd });
  assert.match(stats.stderr, /elsewhere/);
  const wrong = await run(['stats', '--set', 'cache.directry=x'], { cwd });
  assertFailure(wrong, 1, 'ERR_LLM_CACHE_CONFIG');
  assert.match(wrong.stderr, /did you mean directory\?/);
  assertFailure(await run(['stats', '--set', 'cache.directory'], { cwd }), 2, 'ERR_LLM_CACHE_ARGUMENT');
  const ingested = await run(
    [
      'ingest',
      write(scratch(), { 'a.txt': 'Tea is brewed.' }),
      '--set',
      'cache.directory=there',
      '--use-mock',
    ],
    { cwd },
  );
  assert.is(ingested.code, 0, ingested.stderr);
  assert.ok(filesBelow(cwd).includes('there'));
});

test.run();
