// A real restart: the demo starts a second process over the same directory and reads what it answers. For demo.ts alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { SemanticCache } from '../index.js';
import type { CommonFlags } from './context.js';
import { type Asked, type Passage, recordOf } from './demo-caches.js';
import { DemoError } from './failure.js';

const entry = fileURLToPath(new URL('./main.js', import.meta.url));

/** Asks the questions in a new process; resolves when that has ended. @throws {DemoError} when it failed. */
export async function askAfterRestart(
  flags: CommonFlags,
  directory: string,
  questions: readonly string[],
  signal: AbortSignal,
): Promise<Asked[]> {
  const args = ['demo', '--after-restart', '--directory', directory];
  if (flags.config !== undefined) args.push('--config', flags.config);
  if (flags.embeddingModel !== undefined) args.push('--embedding-model', flags.embeddingModel);
  if (flags.useMock) args.push('--use-mock');
  if (flags.debug) args.push('--debug');
  for (const setting of flags.set ?? []) args.push('--set', setting);
  const child = spawn(process.execPath, [...process.execArgv, entry, ...args], {
    signal,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close') as Promise<[number | null, string | null]>;
  // A child that dies before it has read everything is told by its exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(questions));
  const [said, [code, killedBy]] = await Promise.all([text(child.stdout), ended]);
  if (code !== 0)
    throw new DemoError(
      `the restarted process ended with ${killedBy ?? `exit code ${code}`}; run again with --debug`,
    );
  return said
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Asked);
}

/** The second process: reads the questions, looks each one up, and never asks the origin. */
export async function serveRestarted(open: () => Promise<SemanticCache>, signal: AbortSignal): Promise<void> {
  const questions = JSON.parse(await text(process.stdin)) as string[];
  const cache = await open();
  try {
    for (const question of questions) {
      const lookup = await cache.get<Passage>(question, { signal });
      const asked: Asked = { record: recordOf(question, lookup, true), source: lookup.value?.source ?? '' };
      process.stdout.write(`${JSON.stringify(asked)}\n`);
      await cache.idle();
    }
  } finally {
    await cache.close();
  }
}
