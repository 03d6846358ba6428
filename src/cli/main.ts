#!/usr/bin/env node
// The entry of `llm-cache`: signals, failures and exit codes. Nothing imports it.
import { setMaxListeners } from 'node:events';
import { contextOf } from './context.js';
import { failureOf, Interrupted, OutputClosed } from './failure.js';
import { buildProgram, flagsWithin, runProgram } from './program.js';

const stop = new AbortController();
// One listener for each text under way is no leak.
setMaxListeners(0, stop.signal);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    const reason = new Interrupted(signal);
    // The second time, whoever asks does not want to wait for what is being finished.
    if (stop.signal.aborted) process.exit(reason.exitCode);
    stop.abort(reason);
  });
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads has seen enough, as `head` has: no failure of ours. Each later write fails as well and is left to fail.
    if (error.code === 'EPIPE') stop.abort(new OutputClosed());
    else process.exitCode = 1;
  });
}

function fail(error: unknown): void {
  // What a verb throws after the signal came is its way of stopping.
  const cause = stop.signal.aborted && !(error instanceof Interrupted) ? stop.signal.reason : error;
  if (cause instanceof OutputClosed) return;
  const flags = flagsWithin(process.argv.slice(2));
  const { output } = contextOf(flags, stop.signal);
  if (cause instanceof Interrupted) {
    process.exitCode = cause.exitCode;
    output.aside(`llm-cache: ${cause.message}`);
    return;
  }
  const { code, message, exitCode } = failureOf(cause);
  process.exitCode = exitCode;
  const { bold, dim, red } = output.errorStyle;
  if (code !== 'ERR_LLM_CACHE_DEMO') output.data({ error: { code, message } });
  output.aside(`${bold(red('llm-cache:'))} ${message} ${dim(`[${code}]`)}`);
  if (flags.debug && cause instanceof Error) output.aside(stackOf(cause));
}

/** The stack of an error and of what caused it. */
function stackOf(error: Error): string {
  const stack = error.stack ?? String(error);
  return error.cause instanceof Error ? `${stack}\ncaused by: ${stackOf(error.cause)}` : stack;
}

try {
  await runProgram(buildProgram(stop.signal), process.argv);
} catch (error) {
  fail(error);
}
