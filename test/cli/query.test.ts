// `llm-cache query` with the real model: ranked passages, hits of later processes, standard input, pipes.
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DirectoryReport } from '#dist/inspect.js';
import { assertFailure, filesBelow, hasEscape, jsonLines, run, scratch, write } from './support.js';

interface Answer {
  readonly question: string;
  readonly results: readonly {
    readonly id: string;
    readonly similarity: number;
    readonly text: string;
    readonly source: string;
  }[];
  readonly tier: string;
  readonly latencyMs: number;
  readonly embedMs: number;
  readonly decision: { readonly match: string; readonly similarity: number; readonly refused: unknown };
}

const cwd = write(scratch(), {
  'docs/egg.md': '# Eggs\n\nA soft egg boils for six minutes, a hard egg for eleven minutes.\n',
  'docs/road.txt': 'In Sweden cars drive on the right side of the road, in Japan on the left side.\n',
  'docs/faq.jsonl':
    '{"text":"Bonds lose value when interest rates rise.","metadata":{"lang":"en","year":2020}}\n' +
    '{"text":"Anleihen verlieren an Wert, wenn die Zinsen steigen.","metadata":{"lang":"de","year":2021}}\n',
});

const test = suite('command line: query');

test.before(async () => {
  const { code, stderr } = await run(['ingest', 'docs', '--json'], { cwd });
  assert.is(code, 0, stderr);
});

async function ask(...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await run(['query', ...args, '--json'], { cwd });
  assert.is(code, 0, stderr);
  const lines = jsonLines<Answer>(stdout);
  assert.is(lines.length, 1);
  return lines[0] as Answer;
}

test('passages come best first; a later process has the results at hand, also for other words', async () => {
  const first = await ask('How long do I boil a soft egg?', '--top-k', '2');
  assert.is(first.results.length, 2);
  assert.match(first.results[0]?.source ?? '', /egg\.md$/);
  assert.ok((first.results[0]?.similarity ?? 0) > (first.results[1]?.similarity ?? 1));
  assert.equal([first.tier, first.decision.match], ['corpus', 'none']);
  assert.ok(first.embedMs > 0 && first.embedMs <= first.latencyMs);
  const again = await ask('How long do I boil a soft egg?', '--top-k', '2');
  assert.equal([again.tier, again.decision.match, again.embedMs], ['disk', 'exact', 0]);
  assert.equal(again.results, first.results);
});

test('questions are read from standard input, one a line, and share one cache; one that fails does not end the rest', async () => {
  const input =
    'Which side do cars drive on in Sweden?\n\nOn which side do cars drive in Sweden?\n\udc00\nWhich side do cars drive on in Sweden?';
  const { code, stdout } = await run(['query', '--json', '-k', '1'], { cwd, input });
  const answers = jsonLines<Answer & { error?: { code: string } }>(stdout);
  assert.is(answers.length, 4);
  assert.match(answers[0]?.results[0]?.source ?? '', /road\.txt$/);
  assert.equal([answers[1]?.decision.match, answers[1]?.tier], ['semantic', 'memory']);
  assert.equal([answers[3]?.decision.match, answers[3]?.tier], ['exact', 'memory']);
  assert.is(code, 0);
});

test('a filter keeps passages to their metadata; several values of a key are alternatives', async () => {
  const question = 'What do bonds do when interest rates rise?';
  const german = await ask(question, '--filter', 'lang=de');
  assert.equal(
    german.results.map(({ text }) => text.startsWith('Anleihen')),
    [true],
  );
  const both = await ask(question, '--filter', 'lang=de', '--filter', 'lang=en', '--filter', 'year=2020');
  assert.equal(
    both.results.map(({ text }) => text.startsWith('Bonds')),
    [true],
  );
  const { code, stdout } = await run(['query', question, '--filter', 'lang=fr'], { cwd });
  assert.is(code, 0);
  assert.match(stdout, /--filter/);
});

test('the text for people shows similarity, source and tier, without colours in a pipe', async () => {
  const { stdout } = await run(['query', 'How long do I boil a hard egg?', '-k', '1'], { cwd });
  assert.match(stdout, /searched the corpus · [\d.]+ ms/);
  assert.match(stdout, /0\.\d{3} {2}docs\/egg\.md/);
  assert.match(stdout, /six minutes/);
  assert.not(hasEscape(stdout));
  const forced = await run(['query', 'How long do I boil a hard egg?', '-k', '1'], {
    cwd,
    env: { FORCE_COLOR: '1' },
  });
  assert.ok(hasEscape(forced.stdout));
  for (const [args, env] of [
    [['--no-color'], {}],
    [[], { NO_COLOR: '1' }],
  ] as const) {
    const plain = await run(['query', 'How long do I boil a hard egg?', ...args], {
      cwd,
      env: { FORCE_COLOR: '1', ...env },
    });
    assert.not(hasEscape(plain.stdout));
  }
});

test('without documents it says how to ingest, succeeds, and makes no directory', async () => {
  const empty = scratch();
  const { code, stdout } = await run(['query', 'anything'], { cwd: empty });
  assert.is(code, 0);
  assert.match(stdout, / ingest <folder>\n/);
  const json = await run(['query', 'anything', '--json', '--directory', 'typo'], { cwd: empty });
  assert.is(json.code, 0);
  assert.equal(jsonLines<Answer>(json.stdout)[0]?.results, []);
  assert.equal(filesBelow(empty), []);
});

test('blank text is refused', async () => {
  for (const text of ['', '  \t '])
    assertFailure(await run(['query', text], { cwd }), 1, 'ERR_LLM_CACHE_ARGUMENT');
});

test('a directory of another embedder is refused with both names', async () => {
  const outcome = await run(['query', 'x', '--use-mock', '--json'], { cwd });
  assertFailure(outcome, 1, 'ERR_LLM_CACHE_EMBEDDER_MISMATCH');
  assert.match(outcome.stderr, /all-MiniLM-L6-v2.*mock/);
  assert.match(outcome.stdout, /^\{"error":\{"code":"ERR_LLM_CACHE_EMBEDDER_MISMATCH"/);
});

test('a model that is not there, a directory that is a file and a damaged cache are refused', async () => {
  assertFailure(await run(['query', 'x', '--embedding-model', 'nope'], { cwd }), 1, 'ERR_LLM_CACHE_CONFIG');
  assertFailure(
    await run(['query', 'x', '--directory', 'docs/egg.md'], { cwd }),
    1,
    'ERR_LLM_CACHE_DIRECTORY',
  );
  write(cwd, { 'damaged/cache.mdb': 'this is no database' });
  assertFailure(await run(['query', 'x', '--directory', 'damaged'], { cwd }), 1, 'ERR_LLM_CACHE_DIRECTORY');
});

test('a reader that leaves early is no failure', async () => {
  for (const args of [
    ['query', 'How long do I boil a soft egg?'],
    ['config', '--show'],
  ]) {
    const { code, stderr } = await run(args, { cwd, during: (child) => child.stdout?.destroy() });
    assert.is(code, 0, stderr);
    assert.is(stderr, '');
  }
});

test('Redis that nobody runs costs nothing but its answers', async () => {
  const env = { REDIS_HOST: '127.0.0.1', REDIS_PORT: '1' };
  const { code, stdout, stderr } = await run(['query', 'Where do people drive on the left?', '--json'], {
    cwd,
    env,
  });
  assert.is(code, 0, stderr);
  assert.match(jsonLines<Answer>(stdout)[0]?.results[0]?.source ?? '', /road\.txt$/);
});

test('stats tells what the directory holds without changing it', async () => {
  const { code, stdout } = await run(['stats', '--json'], { cwd });
  assert.is(code, 0);
  const stats = jsonLines(stdout)[0] as unknown as DirectoryReport;
  assert.equal(Object.keys(stats), [
    'directory',
    'fileBytes',
    'embedder',
    'disk',
    'vector',
    'corpus',
    'lifetime',
  ]);
  assert.is(stats.corpus.documents, 4);
  assert.ok(stats.corpus.entries >= 4 && stats.corpus.bytes > 0);
  assert.is(stats.embedder?.name, 'all-MiniLM-L6-v2');
  assert.ok(stats.lifetime.queries > 3 && (stats.lifetime.hits.disk ?? 0) > 0);
  const text = (await run(['stats'], { cwd })).stdout;
  assert.match(text, /corpus +\d+ +[\d.]+ kB +passages of 4 documents/);
  assert.not(hasEscape(text));
});

test('stats of a directory that is not there fails with the cure and makes none', async () => {
  const empty = write(scratch(), { 'other/file.txt': 'x' });
  for (const directory of ['nowhere', 'other']) {
    const outcome = await run(['stats', '--directory', directory], { cwd: empty });
    assertFailure(outcome, 1, 'ERR_LLM_CACHE_DIRECTORY');
    assert.match(outcome.stderr, /run "llm-cache ingest" first/);
  }
  assert.equal(filesBelow(empty), ['other', join('other', 'file.txt')]);
});

test.run();
