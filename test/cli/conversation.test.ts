// `llm-cache query` and `stats --watch` on a pseudo terminal: prompt, commands, history, keys; and `--watch` in a pipe.
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { entry, jsonLines, run, scratch, write } from './support.js';

const pty = fileURLToPath(new URL('./terminal.py', import.meta.url));
const noTerminal =
  process.platform === 'win32' ||
  spawnSync('python3', ['-c', 'import pty, os; os.waitstatus_to_exitcode']).status !== 0
    ? 'there is no python3 (3.9 or newer) to open a pseudo terminal'
    : undefined;

const test = suite('command line: conversation');
const cwd = write(scratch(), {
  'docs/tea.txt': 'Green tea is brewed at 70 degrees, black tea at 95 degrees.',
});

/** Types on a terminal; what was shown, and the exit code. */
function type(args: readonly string[], script: readonly (readonly [wait: string, send: string])[]) {
  const { status, stdout, stderr } = spawnSync(
    'python3',
    [pty, JSON.stringify(script), process.execPath, entry, ...args],
    { cwd, encoding: 'utf8', env: { PATH: process.env.PATH ?? '', HOME: cwd, TERM: 'xterm' } },
  );
  assert.is(stderr, '', stdout);
  return { code: status, shown: stdout };
}

const ends = 'Ctrl-D ends.';
const history = join(cwd, '.llm-cache/query-history');
const ask = (...script: (readonly [string, string])[]) => type(['query', '--use-mock'], script);

test.before(async () => {
  const { code, stderr } = await run(['ingest', 'docs', '--use-mock'], { cwd });
  assert.is(code, 0, stderr);
});

function onTerminal(name: string, check: () => void): void {
  test(name, () => {
    if (noTerminal === undefined) check();
    else console.log(`skipped: ${noTerminal}`);
  });
}

onTerminal('questions are answered and explained, commands do what :help says, :quit ends with 0', () => {
  const { code, shown } = ask(
    [ends, ':explain\r'],
    ['Nothing has been asked', 'at how many degrees is green tea brewed\r'],
    ['Green tea is brewed', ':explain\r'],
    ['is like no past question', 'at how many degrees is green tea brewed\r'],
    ['exact hit', ':explain\r'],
    ['without an embedding', ':stats\r'],
    ['in this session', ':help\r'],
    [':quit', ':nonsense\r'],
    ['no command :nonsense', ':quit\r'],
  );
  assert.is(code, 0, shown);
  assert.match(shown, /question> /);
  assert.match(shown, /2 questions in this session: 1 from the cache, 1 from the corpus/);
});

onTerminal('the history is kept for its owner alone, and the next session has it', () => {
  assert.is(statSync(history).mode & 0o777, 0o600);
  const lines = readFileSync(history, 'utf8').trimEnd().split('\n');
  assert.ok(lines.includes('at how many degrees is green tea brewed'));
  assert.is(lines.at(-1), ':quit');
  const { code, shown } = ask(
    [ends, '\u001b[A\u001b[A\u001b[A\u001b[A\u001b[A\u001b[A'],
    ['at how many degrees', '\r'],
    ['hit', '\u0004'],
  );
  assert.is(code, 0, shown);
});

onTerminal(
  'Ctrl-D and an empty line end with 0; Ctrl-C drops a line, and on an empty one ends with 130',
  () => {
    assert.is(ask([ends, '\u0004']).code, 0);
    assert.is(ask([ends, '\r']).code, 0);
    const dropped = ask([ends, 'half a ques'], ['half a ques', '\u0003'], ['question> ', ':quit\r']);
    assert.is(dropped.code, 0, dropped.shown);
    assert.not.match(dropped.shown, /no hit/);
    const ended = ask([ends, '\u0003']);
    assert.is(ended.code, 130, ended.shown);
    assert.match(ended.shown, /stopped by Ctrl-C/);
  },
);

onTerminal('stats --watch draws anew on a terminal until Ctrl-C', () => {
  const { code, shown } = type(
    ['stats', '--watch', '1'],
    [
      ['\u001b[H\u001b[J', ''],
      ['\u001b[H\u001b[J', '\u0003'],
    ],
  );
  assert.is(code, 130, shown);
  assert.is(shown.split('\u001b[H\u001b[J').length - 1 >= 2, true);
  assert.match(shown, /again every 1 second; Ctrl-C ends/);
});

test('in a pipe there is no history, and each line is a question', async () => {
  const before = noTerminal === undefined ? readFileSync(history, 'utf8') : '';
  const { code, stdout } = await run(['query', '--use-mock', '--json'], { cwd, input: 'is tea brewed\n' });
  assert.is(code, 0);
  assert.is(jsonLines(stdout).length, 1);
  if (noTerminal === undefined) assert.is(readFileSync(history, 'utf8'), before);
});

test('stats --watch --json appends a line a round until it is stopped', async () => {
  const { code, stdout } = await run(['stats', '--watch', '1', '--json'], {
    cwd,
    during(child) {
      let lines = 0;
      child.stdout?.on('data', (text: string) => {
        lines += text.split('\n').length - 1;
        if (lines >= 2) child.kill('SIGINT');
      });
    },
  });
  assert.is(code, 130);
  const reports = jsonLines<{ at: string; corpus: { documents: number } }>(stdout);
  assert.ok(reports.length >= 2);
  assert.is(reports[0]?.corpus.documents, 1);
  assert.ok((reports[0]?.at ?? '') < (reports[1]?.at ?? ''));
});

test.run();
