// Runs the compiled command line in directories of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

export const entry = fileURLToPath(import.meta.resolve('#dist/cli/main.js'));

/** What a run left behind. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; default none. */
  readonly input?: string;
  readonly uid?: number;
  /** Called with the child once it runs. */
  readonly during?: (child: ChildProcess) => void;
}

const mostMs = 60_000;
const opened: string[] = [];

/** A new directory that is removed when the process ends. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'llm-cache-cli-'));
  opened.push(directory);
  return directory;
}

process.on('exit', () => {
  for (const directory of opened) rmSync(directory, { recursive: true, force: true });
});

/** Writes files below a directory; names may have slashes. */
export function write(directory: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

/** Runs `llm-cache` with nothing of the developer's environment. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { cwd = scratch(), env = {}, input, uid, during } = options;
  const child = spawn(process.execPath, [entry, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    timeout: mostMs,
    killSignal: 'SIGKILL',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  during?.(child);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** The lines of a JSON output, parsed. */
export function jsonLines<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/** Checks that the run failed in one line with this code, and without a stack. */
export function assertFailure({ code, stderr }: Outcome, exitCode: number, errorCode: string): void {
  assert.is(code, exitCode, stderr);
  const lines = stderr.trimEnd().split('\n');
  assert.is(lines.length, 1, stderr);
  assert.match(stderr, /^llm-cache: /);
  assert.ok(stderr.includes(`[${errorCode}]`), stderr);
  assert.match(stderr, /; \S/, 'says what to do');
  assert.not.match(stderr, /\n\s+at /);
}

export const hasEscape = (text: string): boolean => text.includes('\u001b');

/** Every file below a directory, sorted. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true }).map(String).sort();
}

/** An unprivileged user to run as; undefined, with the reason, where that is not possible. */
export function unprivileged(): { readonly uid: number } | { readonly why: string } {
  if (process.getuid?.() !== 0) return { why: 'only root can run as another user' };
  return { uid: 65_534 };
}

/** Lets everybody into a directory. */
export function open(directory: string, mode = 0o755): string {
  chmodSync(directory, mode);
  return directory;
}
