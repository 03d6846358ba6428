// `llm-cache ingest`: standard input, chosen files, mapped fields, ways of cutting; the pace of a progress line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Pace } from '#dist/cli/progress.js';
import { assertFailure, entry, jsonLines, run, scratch, write } from './support.js';

const test = suite('command line: what is ingested');
const mock = ['--use-mock', '--json'];

interface Result {
  readonly results: readonly {
    readonly source: string;
    readonly text: string;
    readonly metadata: Readonly<Record<string, unknown>>;
  }[];
}

async function ingest(cwd: string, args: readonly string[], input?: string) {
  const outcome = await run(['ingest', ...args, ...mock], { cwd, ...(input === undefined ? {} : { input }) });
  assert.is(outcome.code, 0, outcome.stderr);
  return jsonLines(outcome.stdout)[0] as Record<string, unknown>;
}

async function ask(cwd: string, question: string) {
  const { stdout } = await run(['query', question, ...mock], { cwd });
  return (jsonLines<Result>(stdout)[0] as Result).results;
}

test('standard input is read as the type it is said to be, under a name of its own', async () => {
  const cwd = scratch();
  const report = await ingest(
    cwd,
    ['-', '--type', 'md', '--name', 'notes'],
    '# Harbour\n\nIt opens at seven.\n',
  );
  assert.equal([report.added, report.files], [1, 1]);
  const again = await ingest(
    cwd,
    ['-', '--type', 'md', '--name', 'notes'],
    '# Harbour\n\nIt opens at eight.\n',
  );
  assert.is(again.replaced, 1);
  const [first] = await ask(cwd, 'harbour opens');
  assert.equal([first?.source, first?.metadata.headings], ['notes', 'Harbour']);
  assert.match(first?.text ?? '', /eight/);
  const lines = await ingest(cwd, ['-', '--type', 'jsonl'], '{"id":1,"text":"a"}\n{"id":2,"text":"b"}\n');
  assert.is(lines.added, 2);
});

test('standard input without a type, an unknown type, and a type for a file are refused', async () => {
  const cwd = write(scratch(), { 'a.txt': 'text' });
  assert.match((await run(['ingest', '-', '--use-mock'], { cwd, input: 'x' })).stderr, /no type.*--type md/);
  const unknown = await run(['ingest', '-', '--type', 'exe', '--use-mock'], { cwd, input: 'x' });
  assertFailure(unknown, 1, 'ERR_LLM_CACHE_ARGUMENT');
  const file = await run(['ingest', 'a.txt', '--type', 'md', '--use-mock'], { cwd });
  assertFailure(file, 2, 'ERR_LLM_CACHE_ARGUMENT');
});

test('Ctrl-C ends the reading of an input that does not end', async () => {
  const cwd = scratch();
  const args = [entry, 'ingest', '-', '--type', 'jsonl', '--use-mock'];
  const child = spawn(process.execPath, args, { cwd, stdio: ['pipe', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (text.includes('100 documents')) child.kill('SIGINT');
  });
  for (let id = 0; id < 150; id++) child.stdin.write(`{"id":${id},"text":"text ${id}"}\n`);
  const [code] = (await once(child, 'close')) as [number];
  assert.is(code, 130, stderr);
  const stored = Number(/stopped by Ctrl-C after (\d+) documents/.exec(stderr)?.[1]);
  assert.ok(stored >= 100, stderr);
  const report = await ingest(cwd, ['-', '--type', 'jsonl'], '{"id":0,"text":"text 0"}\n');
  assert.is(report.unchanged, 1);
});

test('include, ignore, fields and sections reach the ingestion', async () => {
  const cwd = write(scratch(), {
    'docs/a.md': '# One\n\nfirst section\n\n# Two\n\nsecond section\n',
    'docs/b.md': 'other words',
    'docs/c.txt': 'plain words',
    'docs/.llmcacheignore': 'b.md\n',
    'goods.csv': 'sku,description,price\nk1,a copper kettle,40\n',
  });
  const report = await ingest(cwd, ['docs', '--include', '*.md', '--by-section']);
  assert.equal([report.files, report.ignored, report.chunks], [1, 2, 2]);
  assert.is((await ask(cwd, 'second section'))[0]?.metadata.headings, 'Two');
  const rows = await ingest(cwd, ['goods.csv', '--field', 'id=sku', '--field', 'text=description']);
  assert.is(rows.added, 1);
  const [kettle] = await ask(cwd, 'copper kettle');
  assert.equal([kettle?.text, kettle?.metadata.price], ['a copper kettle', 40]);
  assert.match(kettle?.source ?? '', /goods\.csv#k1$/);
  const text = 'word '.repeat(90);
  write(cwd, { 'long.txt': text });
  const cut = await ingest(cwd, [
    'long.txt',
    '--chunk-unit',
    'tokens',
    '--chunk-size',
    '30',
    '--chunk-overlap',
    '0',
  ]);
  assert.is(cut.chunks, 3);
});

test('the final report counts files and what patterns left out', async () => {
  const cwd = write(scratch(), { 'docs/a.md': 'words', 'docs/b.md': 'words too', 'docs/c.bin': 'x' });
  const { stdout } = await run(['ingest', 'docs', '--ignore', 'b.*', '--use-mock'], { cwd });
  assert.match(stdout, /1 document \(1 new\) · 2 files, 1 passage embedded/);
  assert.match(stdout, /ignored by patterns: 1/);
  assert.match(stdout, /left out: 1\n.*c\.bin: unknown file type/);
});

test('the pace is that of the last ten seconds, and says how long the rest takes', () => {
  const pace = new Pace();
  pace.note(1, 100);
  assert.is(pace.text(1, 100), '', 'too soon to tell');
  for (let s = 1; s <= 10; s++) pace.note(1000 * s, 1000 * s);
  assert.is(pace.text(10_000, 12_000), '1,000/s · 2.0 s left');
  for (let s = 11; s <= 40; s++) pace.note(10_000 + 5 * (s - 10), 1000 * s);
  assert.is(pace.text(10_150, 10_450), '5.0/s · 1 min 0 s left');
  assert.is(pace.text(10_150, undefined), '5.0/s');
  assert.is(pace.text(10_150, 10_150), '5.0/s');
});

test.run();
