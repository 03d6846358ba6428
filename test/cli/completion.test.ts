// Completion scripts: what bash, zsh and fish make of them, and that no command or option is missing.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${name} is how shells write variables.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { completionScript, shells } from '#dist/cli/completion.js';
import { closingHelp, exitCodes } from '#dist/cli/help.js';
import { buildProgram } from '#dist/cli/program.js';
import { assertFailure, run } from './support.js';

const test = suite('command line: completion and help');
const program = buildProgram(new AbortController().signal);
const has = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).error === undefined;

/** What bash offers after these words, the last of them unfinished. */
function offered(...words: string[]): string[] {
  const script = [
    completionScript(program, 'bash'),
    `COMP_WORDS=(llm-cache ${words.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${words.length}`,
    '_llm_cache',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n');
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  assert.is(status, 0, stderr);
  assert.is(stderr, '');
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

test('bash completes commands, options of the command, and values with a choice', () => {
  if (!has('bash')) {
    console.log('skipped: there is no bash');
    return;
  }
  const names = program.commands.map((command) => command.name());
  assert.equal(
    offered('').filter((word) => !word.startsWith('-')),
    [...names].sort(),
  );
  assert.equal(offered('st'), ['stats']);
  assert.equal(offered('query', '--fil'), ['--filter']);
  assert.equal(offered('--json', 'query', '--top'), ['--top-k']);
  assert.equal(offered('plan', '--engine', ''), ['flat', 'hnsw', 'ivfpq']);
  assert.equal(offered('completion', 'z'), ['zsh']);
  assert.ok(offered('stats', '--').includes('--watch'));
  assert.not.ok(offered('stats', '--').includes('--top-k'));
  assert.ok(
    offered('demo', '--').every((word) => word !== '--after-restart'),
    'hidden ones stay hidden',
  );
});

test('the scripts hold every command and option, and shells can read them', () => {
  for (const shell of shells) {
    const script = completionScript(program, shell);
    for (const command of program.commands) {
      assert.ok(script.includes(command.name()), `${shell}: ${command.name()}`);
      for (const { long, hidden } of command.options) {
        const name = (long ?? '').replace(/^--/, '');
        if (!hidden) assert.ok(script.includes(name), `${shell}: ${command.name()} --${name}`);
      }
    }
    if (!has(shell)) {
      console.log(`not parsed: there is no ${shell}`);
      continue;
    }
    const { status, stderr } = spawnSync(shell, ['-n'], { input: script, encoding: 'utf8' });
    assert.is(status, 0, `${shell}: ${stderr}`);
  }
});

test('the command prints the script; an unknown shell is refused', async () => {
  const { code, stdout } = await run(['completion', 'bash']);
  assert.is(code, 0);
  assert.is(stdout, completionScript(program, 'bash'));
  assertFailure(await run(['completion', 'tcsh']), 2, 'ERR_LLM_CACHE_ARGUMENT');
});

test("every command's help has examples, environment and exit codes, as the documentation has", async () => {
  const docs = readFileSync(new URL('../../docs/command-line.md', import.meta.url), 'utf8');
  for (const command of program.commands) {
    const name = command.name();
    const { code, stdout } = await run([name, '--help']);
    assert.is(code, 0);
    assert.match(stdout, /\nExamples:\n {2}\$ llm-cache /, name);
    assert.ok(stdout.includes(closingHelp(name)), name);
    assert.match(stdout, /\nEnvironment:\n[\s\S]*\nExit codes:\n {2}0 /, name);
    assert.ok(docs.includes(`## llm-cache ${name}`), `docs/command-line.md: ${name}`);
    for (const { long, hidden } of command.options)
      if (long && !hidden) assert.ok(docs.includes(long), `docs/command-line.md: ${name} ${long}`);
  }
  for (const [code, meaning] of exitCodes) assert.ok(docs.includes(`| ${code} | ${meaning}`), String(code));
});

test.run();
