// Directories and child processes of the tests that write to disk; imported by the tests of disk, tiers, vectordb, cache and service.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const directories: string[] = [];
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A new empty directory, removed when the process ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'llm-cache-test-'));
  directories.push(directory);
  return directory;
}

/** Makes a temporary directory reachable for processes of other users. */
export function openToAll(directory: string): void {
  chmodSync(directory, 0o755);
}

export interface Child {
  readonly process: ChildProcess;
  /** Resolves with the next line that the child prints; undefined at the end of its output. */
  line(): Promise<string | undefined>;
  /** Lines printed and not yet taken by `line`. */
  rest(): Promise<string[]>;
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** What it wrote to standard error so far. */
  stderr(): string;
  send(line: string): void;
}

/** Starts a fixture of this package's tests: `file` is relative to `test/`. */
export function startChild(
  file: string,
  args: readonly string[] = [],
  options: { uid?: number } = {},
): Child {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  children.add(child);
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value as string | undefined;
  return {
    process: child,
    line,
    async rest() {
      const all: string[] = [];
      for (let next = await line(); next !== undefined; next = await line()) all.push(next);
      return all;
    },
    ended: once(child, 'exit').then(([code, signal]) => {
      children.delete(child);
      return signal ?? code;
    }),
    stderr: () => stderr,
    send: (text) => void child.stdin.write(`${text}\n`),
  };
}

/** Asks again and again, until the condition holds; throws when it does not within `limitMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The code of the error that a call throws or rejects with; undefined when it succeeds. */
export async function codeOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
