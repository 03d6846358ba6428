// `llm-cache warm`.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { assertFailure, filesBelow, jsonLines, run, scratch, write } from './support.js';

const test = suite('command line: warm');

test('what was asked often is searched anew after an ingestion, so that the next question is a hit', async () => {
  const cwd = write(scratch(), { 'docs/a.txt': 'Apples are red.' });
  const mock = ['--use-mock', '--json'];
  await run(['ingest', 'docs', ...mock], { cwd });
  const questions = 'Are apples red?\n'.repeat(3);
  await run(['query', ...mock], { cwd, input: questions });
  write(cwd, { 'docs/a.txt': 'Apples are green.' });
  await run(['ingest', 'docs', ...mock], { cwd });
  const { code, stdout, stderr } = await run(['warm', '--top-n', '5', '--once', '--interval', '9', ...mock], {
    cwd,
  });
  assert.is(code, 0, stderr);
  const reports = jsonLines<{ questions: number; regenerated: number }>(stdout);
  assert.equal(
    reports.map(({ questions, regenerated }) => [questions, regenerated]),
    [[1, 1]],
  );
  const asked = await run(['query', 'Are apples red?', ...mock], { cwd });
  const [answer] = jsonLines<{ decision: { match: string }; results: { text: string }[] }>(asked.stdout);
  assert.is(answer?.decision.match, 'exact');
  assert.match(answer?.results[0]?.text ?? '', /green/);
  const text = await run(['warm', '--use-mock'], { cwd });
  assert.match(text.stdout, /^1 popular question in /);
  assert.match(text.stdout, /1 (were warm already|live longer now)/);
});

test('with --interval it goes on until it is stopped', async () => {
  const cwd = write(scratch(), { 'docs/a.txt': 'Apples are red.' });
  await run(['ingest', 'docs', '--use-mock'], { cwd });
  const { code, stdout } = await run(['warm', '--interval', '1', '--use-mock', '--json'], {
    cwd,
    during(child) {
      let lines = 0;
      child.stdout?.on('data', () => {
        if (++lines === 2) child.kill('SIGINT');
      });
    },
  });
  assert.is(code, 130);
  assert.is(jsonLines(stdout).length, 2);
});

test('a directory that is not there is not made, and bad numbers are refused', async () => {
  const cwd = scratch();
  assertFailure(
    await run(['warm', '--use-mock', '--directory', 'mistyped'], { cwd }),
    2,
    'ERR_LLM_CACHE_ARGUMENT',
  );
  assert.equal(filesBelow(cwd), []);
  assertFailure(await run(['warm', '--top-n', '0'], { cwd }), 2, 'ERR_LLM_CACHE_ARGUMENT');
});

test.run();
