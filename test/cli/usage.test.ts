// Wrong calls, help, and the form of failures.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { assertFailure, jsonLines, run, scratch, write } from './support.js';

const test = suite('command line: usage');

test('without a command it shows the help and fails with 2', async () => {
  const { code, stdout, stderr } = await run([]);
  assert.is(code, 2);
  assert.is(stdout, '');
  assert.match(stderr, /Usage: llm-cache/);
  assert.match(stderr, /no command was given/);
});

test('help and version go to standard output with 0, also for each command', async () => {
  for (const args of [
    ['--help'],
    ['query', '--help'],
    ['ingest', '-h'],
    ['demo', '-h'],
    ['config', '-h'],
    ['stats', '-h'],
    ['help', 'query'],
  ]) {
    const { code, stdout, stderr } = await run(args);
    assert.is(code, 0, args.join(' '));
    assert.match(stdout, /Usage: llm-cache/);
    assert.match(stdout, /--json/);
    assert.is(stderr, '');
  }
  assert.match((await run(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
});

test('an unknown command or option fails with 2 and names the nearest one', async () => {
  const command = await run(['qurey']);
  assertFailure(command, 2, 'ERR_LLM_CACHE_ARGUMENT');
  assert.match(command.stderr, /did you mean query\?/);
  const option = await run(['query', '--tpo-k', '3', 'x']);
  assertFailure(option, 2, 'ERR_LLM_CACHE_ARGUMENT');
  assert.match(option.stderr, /did you mean --top-k\?/);
});

test('values that an option cannot take fail with 2', async () => {
  const calls = [
    ['query', '--top-k', '0', 'x'],
    ['query', '--top-k', '1.5', 'x'],
    ['query', '--top-k'],
    ['query', '--filter', 'novalue', 'x'],
    ['query', 'two', 'words'],
    ['query'],
    ['ingest'],
    ['ingest', 'a', '--file', 'b'],
    ['ingest', 'a', '--chunk-size', '-5'],
    ['ingest', 'a', '--batch-size', '2000'],
    ['demo', '--mode', 'fast'],
    ['stats', 'extra'],
  ];
  for (const args of calls) assertFailure(await run(args), 2, 'ERR_LLM_CACHE_ARGUMENT');
});

test('with --json a failure is an object on standard output as well', async () => {
  for (const args of [
    ['query', '--json', '--nope'],
    ['--json', 'query', '--nope'],
  ]) {
    const outcome = await run(args);
    assertFailure(outcome, 2, 'ERR_LLM_CACHE_ARGUMENT');
    const [value] = jsonLines<{ error: { code: string; message: string } }>(outcome.stdout);
    assert.equal(Object.keys(value ?? {}), ['error']);
    assert.equal(Object.keys(value?.error ?? {}), ['code', 'message']);
    assert.is(value?.error.code, 'ERR_LLM_CACHE_ARGUMENT');
    assert.match(value?.error.message ?? '', /--nope/);
  }
});

test('a stack is printed with --debug and only then', async () => {
  const cwd = scratch();
  const plain = await run(['stats'], { cwd });
  assertFailure(plain, 1, 'ERR_LLM_CACHE_DIRECTORY');
  const debug = await run(['stats', '--debug'], { cwd });
  assert.is(debug.code, 1);
  assert.match(debug.stderr, /\n\s+at .*inspect/);
});

test('all mistakes of a configuration file stand in the one line, with their places', async () => {
  const cwd = write(scratch(), { 'llm-cache.yaml': 'hnsw:\n  ef_serach: 5\nredis:\n  port: 70000\n' });
  const outcome = await run(['query', 'x'], { cwd });
  assertFailure(outcome, 1, 'ERR_LLM_CACHE_CONFIG');
  assert.match(outcome.stderr, /llm-cache\.yaml:2: unknown key hnsw\.ef_serach; did you mean ef_search\?/);
  assert.match(outcome.stderr, /llm-cache\.yaml:4: redis\.port/);
});

test('a configuration file that was named must be there', async () => {
  const outcome = await run(['stats', '--config', 'nowhere.yaml']);
  assertFailure(outcome, 1, 'ERR_LLM_CACHE_CONFIG');
  assert.match(outcome.stderr, /nowhere\.yaml: there is no such file/);
});

test("options that contradict each other are named as the command line's", async () => {
  const outcome = await run(['ingest', '.', '--chunk-size', '100', '--chunk-overlap', '200']);
  assertFailure(outcome, 1, 'ERR_LLM_CACHE_CONFIG');
  assert.match(outcome.stderr, /command line: chunking\.overlap/);
});

test.run();
