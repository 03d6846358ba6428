// `llm-cache ingest`: the report, what is left out and why, resuming.
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  assertFailure,
  filesBelow,
  hasEscape,
  jsonLines,
  open,
  run,
  scratch,
  unprivileged,
  write,
} from './support.js';

const test = suite('command line: ingest');

interface Report {
  readonly documents: number;
  readonly chunks: number;
  readonly unchanged: number;
  readonly replaced: number;
  readonly added: number;
  readonly removed: readonly string[];
  readonly skipped: readonly { readonly source: string; readonly why: string; readonly line?: number }[];
  readonly durationMs: number;
  readonly bytes: number;
}

const mock = ['--use-mock', '--json'];

async function report(args: readonly string[], cwd: string): Promise<Report> {
  const { code, stdout, stderr } = await run(['ingest', ...args, ...mock], { cwd });
  assert.is(code, 0, stderr);
  const values = jsonLines<Report>(stdout);
  assert.is(values.length, 1);
  return values[0] as Report;
}

test('what cannot be taken in is left out with its reason, and the rest is taken in', async () => {
  const cwd = write(scratch(), {
    'docs/a.md': '# Sky\n\nThe sky is blue because air scatters short waves more.\n',
    'docs/b.jsonl': '{"text":"first line"}\n{"text": broken\n{"text":"third line"}\n',
    'docs/c.txt': Uint8Array.from([0x50, 0, 1, 2, 0xff, 0xfe]),
    'docs/d.exe': 'MZ',
    'docs/empty.txt': ' \n ',
  });
  const { documents, added, skipped } = await report(['docs'], cwd);
  assert.is(documents, 3);
  assert.is(added, 3);
  const why = (name: string) => skipped.find(({ source }) => source.endsWith(name))?.why ?? 'not listed';
  assert.match(skipped.find(({ line }) => line === 2)?.why ?? '', /line 2/);
  assert.match(why('c.txt'), /binary|NUL|UTF-8/i);
  assert.match(why('d.exe'), /type/);
  assert.match(why('empty.txt'), /no text/);

  const { code, stdout } = await run(['ingest', 'docs', '--use-mock'], { cwd });
  assert.is(code, 0);
  assert.match(stdout, /3 documents \(3 unchanged\)/);
  assert.match(stdout, /left out: 4/);
  assert.match(stdout, /b\.jsonl.*line 2/);
  assert.not(hasEscape(stdout));
});

test('the second run changes nothing, a changed document is replaced, and --prune forgets what is gone', async () => {
  const cwd = write(scratch(), {
    'docs/a.txt': 'about apples',
    'docs/b.txt': 'about bears',
    'docs/c.txt': 'about cars',
  });
  assert.is((await report(['docs'], cwd)).added, 3);
  assert.is((await report(['--input-dir', 'docs'], cwd)).unchanged, 3);
  write(cwd, { 'docs/a.txt': 'about avocados' });
  rmSync(join(cwd, 'docs/b.txt'));
  const { replaced, unchanged, removed } = await report(['docs', '--prune'], cwd);
  assert.equal([replaced, unchanged, removed.length], [1, 1, 1]);
});

test('a single file can be named in three ways, and the chunk size reaches the cutter', async () => {
  const text = 'One sentence of a long story about the sea. '.repeat(40);
  for (const args of [['long.txt'], ['--file', 'long.txt'], ['--input-file', 'long.txt']]) {
    const cwd = write(scratch(), { 'long.txt': text });
    const wide = await report(args, cwd);
    const narrow = await report(
      [...args, '--chunk-size', '200', '--chunk-overlap', '20', '--batch-size', '4'],
      cwd,
    );
    assert.is(narrow.replaced, 1);
    assert.ok(narrow.chunks > 2 * wide.chunks, `${narrow.chunks} against ${wide.chunks}`);
  }
});

test('progress is told in lines on standard error, never with --json', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 8 }, (_, index) => [`docs/${index}.txt`, `text ${index}`]),
  );
  const cwd = write(scratch(), files);
  const { stdout, stderr } = await run(['ingest', 'docs', '--use-mock'], { cwd });
  assert.match(stderr, /^2 of 8 documents/);
  assert.match(stderr, /8 of 8 documents/);
  assert.not(hasEscape(stdout + stderr));
  assert.is((await run(['ingest', 'docs', ...mock], { cwd })).stderr, '');
});

test('a path that is not there fails, and so does one file of unknown type', async () => {
  const cwd = write(scratch(), { 'a.exe': 'x' });
  const missing = await run(['ingest', 'nowhere', '--use-mock'], { cwd });
  assertFailure(missing, 1, 'ERR_LLM_CACHE_INGEST');
  assert.match(missing.stderr, /nowhere: it does not exist/);
  assertFailure(await run(['ingest', 'a.exe', '--use-mock'], { cwd }), 1, 'ERR_LLM_CACHE_ARGUMENT');
});

test('nothing is written but the cache directory', async () => {
  const cwd = write(scratch(), { 'docs/a.txt': 'about apples' });
  await report(['docs', '--directory', 'there'], cwd);
  const outside = filesBelow(cwd).filter((name) => !name.startsWith('there'));
  assert.equal(outside, ['docs', 'docs/a.txt']);
  assert.ok(filesBelow(join(cwd, 'there')).includes('cache.mdb'));
});

test('Ctrl-C stops cleanly with 130 and says how to go on; the next run goes on', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 1500 }, (_, index) => [
      `docs/${index}.txt`,
      `story ${index} of the sea. `.repeat(60),
    ]),
  );
  const cwd = write(scratch(), files);
  const { code, signal, stderr } = await run(['ingest', 'docs', '--use-mock'], {
    cwd,
    // The first progress line says that the ingestion is under way.
    during: (child) => child.stderr?.once('data', () => child.kill('SIGINT')),
  });
  assert.equal([code, signal], [130, null], stderr);
  const stored = Number(/stopped by Ctrl-C after ([\d,]+) documents/.exec(stderr)?.[1]?.replace(',', ''));
  assert.ok(stored > 0 && stored < 1500, stderr);
  assert.match(stderr, /run the same command again to go on/);
  assert.not.match(stderr, /\n\s+at /);
  const { unchanged, added } = await report(['docs'], cwd);
  assert.is(unchanged + added, 1500);
  assert.ok(unchanged >= stored, `${unchanged} of ${stored} are still there`);
});

const other = unprivileged();
if ('uid' in other) {
  test('what this user may not read is left out; a cache directory that it may not write fails', async () => {
    const cwd = open(write(scratch(), { 'docs/a.txt': 'about apples', 'docs/secret.txt': 'hidden' }), 0o777);
    chmodSync(join(cwd, 'docs/secret.txt'), 0o600);
    const { code, stdout, stderr } = await run(['ingest', 'docs', ...mock], { cwd, uid: other.uid });
    assert.is(code, 0, stderr);
    const [{ documents, skipped } = {} as Report] = jsonLines<Report>(stdout);
    assert.is(documents, 1);
    assert.match(skipped[0]?.why ?? '', /permission/);

    const closed = open(write(scratch(), { 'docs/a.txt': 'about apples', 'locked/x': '' }));
    const outcome = await run(['ingest', 'docs', '--use-mock', '--directory', 'locked'], {
      cwd: closed,
      uid: other.uid,
    });
    assertFailure(outcome, 1, 'ERR_LLM_CACHE_DIRECTORY');
    assert.match(outcome.stderr, /permission/);
  });
} else test(`as another user: skipped, ${other.why}`, () => {});

test.run();
