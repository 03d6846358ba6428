// `llm-cache demo`: the story it tells, and whose files it deletes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DemoRecord } from '#dist/cli/demo-caches.js';
import { Report } from '#dist/cli/demo-report.js';
import { Output } from '#dist/cli/output.js';
import { assertFailure, filesBelow, hasEscape, jsonLines, run, scratch, write } from './support.js';

const test = suite('command line: demo');
const questions = JSON.parse(
  readFileSync(new URL('../../docs/demo/questions.json', import.meta.url), 'utf8'),
) as {
  question: string;
  rewordings: string[];
  nearMisses: { question: string; kind: string }[];
}[];
const fields = ['question', 'match', 'tier', 'similarity', 'refused', 'latencyMs', 'embedMs', 'afterRestart'];

test('it shows exact and semantic hits, refused near misses, and hits after a restart; twice the same', async () => {
  const cwd = scratch();
  const stories: string[] = [];
  for (let round = 0; round < 2; round++) {
    const { code, stdout, stderr } = await run(['demo', '--json'], { cwd });
    assert.is(code, 0, stderr);
    const records = jsonLines<DemoRecord>(stdout);
    for (const record of records) assert.equal(Object.keys(record), fields);
    const of = (question: string) =>
      records.filter((record) => record.question === question && !record.afterRestart);
    for (const { question, rewordings, nearMisses } of questions) {
      assert.equal(
        of(question).map(({ match, tier }) => [match, tier]),
        [
          ['none', 'origin'],
          ['exact', 'memory'],
        ],
        question,
      );
      for (const reworded of rewordings)
        assert.equal(
          of(reworded).map(({ match }) => match),
          ['semantic'],
          reworded,
        );
      for (const { question: miss } of nearMisses)
        assert.equal(
          of(miss).map(({ match, tier }) => [match, tier]),
          [['none', 'origin']],
          miss,
        );
    }
    const refused = records.filter((record) => record.refused !== null);
    assert.ok(refused.length >= 4);
    for (const record of refused) {
      assert.equal(Object.keys(record.refused ?? {}), ['rule', 'why']);
      assert.is(record.match, 'none');
      assert.ok(record.similarity > 0.8);
    }
    const later = records
      .filter((record) => record.afterRestart)
      .map(({ match, tier }) => `${match} ${tier}`);
    assert.ok(later.includes('exact disk') && later.includes('semantic vector'), later.join());
    assert.ok(
      records.every(({ latencyMs, embedMs }) => latencyMs > 0 && embedMs >= 0 && embedMs <= latencyMs),
    );
    stories.push(
      JSON.stringify(records.map(({ question, match, tier, refused }) => [question, match, tier, refused])),
    );
  }
  assert.is(stories[0], stories[1]);
  const outside = filesBelow(cwd).filter((name) => !name.startsWith('.llm-cache'));
  assert.equal(outside, []);
});

test('the text has every question whole, the statistics and commands to try, and no colours in a pipe', async () => {
  const cwd = scratch();
  const { code, stdout, stderr } = await run(['demo'], { cwd });
  assert.is(code, 0, stderr);
  for (const { question, rewordings, nearMisses } of questions) {
    for (const text of [question, ...rewordings, ...nearMisses.map((miss) => miss.question)])
      assert.ok(stdout.includes(text), text);
  }
  assert.match(stdout, /refused by rule numbers: "4000" against "2000"/);
  assert.match(stdout, /vector +semantic +\d+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+/);
  assert.match(stdout, /corpus +\d+ +[\d.]+ kB/);
  assert.not(hasEscape(stdout + stderr));

  const commands = [...stdout.matchAll(/^ {2}node \S+main\.js (.*)$/gm)].map(([, rest]) => rest ?? '');
  assert.ok(commands.length >= 3);
  for (const command of commands.filter((each) => !each.includes('<'))) {
    const args = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    const tried = await run(args, { cwd });
    assert.is(tried.code, 0, `${command}: ${tried.stderr}`);
  }
});

test('a directory that the demo did not make is left alone', async () => {
  const cwd = write(scratch(), { 'mine/cache.mdb': 'precious' });
  assertFailure(
    await run(['demo', '--directory', 'mine', '--use-mock'], { cwd }),
    1,
    'ERR_LLM_CACHE_DIRECTORY',
  );
  assert.is(readFileSync(join(cwd, 'mine/cache.mdb'), 'utf8'), 'precious');
});

test('of its own directory it deletes nothing but the cache', async () => {
  const cwd = scratch();
  const args = ['demo', '--use-mock', '--json', '--directory', 'mine'];
  await run(args, { cwd });
  writeFileSync(join(cwd, 'mine/notes.txt'), 'keep me');
  await run(args, { cwd });
  assert.equal(filesBelow(join(cwd, 'mine')), [
    'cache.mdb',
    'cache.mdb-lock',
    'made-by-llm-cache-demo.txt',
    'notes.txt',
  ]);
});

test('the modes do their part alone', async () => {
  const cwd = write(scratch(), { 'docs/a.txt': 'Apples are red.', 'docs/b.txt': 'Bananas are yellow.' });
  assertFailure(await run(['demo', '--mode', 'stats'], { cwd }), 1, 'ERR_LLM_CACHE_DIRECTORY');
  assertFailure(await run(['demo', '--mode', 'query', '--use-mock'], { cwd }), 1, 'ERR_LLM_CACHE_CONFIG');
  const warm = await run(['demo', '--mode', 'warm'], { cwd });
  assertFailure(warm, 1, 'ERR_LLM_CACHE_CONFIG');
  assert.match(warm.stderr, /run "llm-cache warm"/);
  const ingested = await run(['demo', '--mode', 'ingest', '--input-dir', 'docs', '--use-mock', '--json'], {
    cwd,
  });
  assert.is(jsonLines<{ documents: number }>(ingested.stdout)[0]?.documents, 2, ingested.stderr);
  const query = ['demo', '--mode', 'query', '--query', 'Are apples red?', '--use-mock', '--json'];
  const matches = [await run(query, { cwd }), await run(query, { cwd })].map(
    ({ stdout }) => jsonLines<DemoRecord>(stdout)[0],
  );
  assert.equal(
    matches.map((record) => [record?.match, record?.tier]),
    [
      ['none', 'origin'],
      ['exact', 'disk'],
    ],
  );
  const stats = await run(['demo', '--mode', 'stats', '--json'], { cwd });
  assert.is(jsonLines<{ corpus: { documents: number } }>(stats.stdout)[0]?.corpus.documents, 2);
});

test('what the demo failed to show is known', () => {
  const report = new Report(new Output({ json: true, colour: false, env: {} }), 'nowhere');
  assert.is(report.unseen().length, 5);
});

test('rules and thresholds of the user do not change the story', async () => {
  const cwd = write(scratch(), {
    'llm-cache.yaml': 'cache:\n  rules: none\n  min_similarity: 0.5\nredis:\n  host: nowhere.invalid\n',
  });
  const { code, stdout, stderr } = await run(['demo', '--use-mock', '--json'], { cwd });
  assert.is(code, 0, stderr);
  assert.ok(jsonLines<DemoRecord>(stdout).some(({ refused }) => refused !== null));
});

test.run();
