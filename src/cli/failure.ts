// What a failure becomes: one line with its cause and its cure, and an exit code. For the command line alone.
import { CacheError, type ErrorCode } from '../index.js';
import { oneLine } from './text.js';

/** The command line was called wrongly: exit code 2. */
export class UsageError extends Error {}

/** A signal asked the process to end. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(signal === 'SIGINT' ? 'stopped by Ctrl-C' : 'stopped by SIGTERM');
    // 128 and the signal's number, as shells have it.
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

/** Whoever read standard output has gone: nothing is left to say. */
export class OutputClosed extends Error {}

/** The demo ran and did not show what it is there to show. */
export class DemoError extends Error {}

/** A failure as it is told. */
export interface Failure {
  readonly code: string;
  /** What went wrong; what to do. One line. */
  readonly message: string;
  readonly exitCode: number;
}

const cures: Readonly<Partial<Record<ErrorCode, string>>> = {
  ERR_LLM_CACHE_ARGUMENT: 'run "llm-cache --help" for what each command takes',
  ERR_LLM_CACHE_BUSY: 'try again in a moment',
  ERR_LLM_CACHE_CONFIG: 'docs/configuration.md lists every key',
  ERR_LLM_CACHE_DIRECTORY: 'name another one with --directory',
  ERR_LLM_CACHE_INGEST: 'name a folder, or a file of a known type, that you may read',
  ERR_LLM_CACHE_EMBED: 'run again with --debug for the cause',
  ERR_LLM_CACHE_CAPACITY: 'free some space and run the same command again',
  ERR_LLM_CACHE_TIER: 'run again with --debug for the cause',
  ERR_LLM_CACHE_TIER_TIMEOUT: 'see that the server of this tier runs',
  ERR_LLM_CACHE_TIER_OPEN: 'see that the server of this tier runs',
  ERR_LLM_CACHE_NATIVE: 'run again with --debug for the cause',
};

/** Puts an error into one line and gives it an exit code. */
export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError)
    return { code: 'ERR_LLM_CACHE_ARGUMENT', message: flat(error.message), exitCode: 2 };
  if (error instanceof DemoError)
    return { code: 'ERR_LLM_CACHE_DEMO', message: flat(error.message), exitCode: 1 };
  if (error instanceof CacheError) {
    const message = flat(error.message);
    const cure = message.includes('; ') ? undefined : cures[error.code];
    return { code: error.code, message: cure === undefined ? message : `${message}; ${cure}`, exitCode: 1 };
  }
  const { message, code } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error), code: undefined };
  return {
    code: typeof code === 'string' ? code : 'ERR_LLM_CACHE_UNEXPECTED',
    message: `${flat(message)}; this was not foreseen, run again with --debug and report what it prints`,
    exitCode: 1,
  };
}

/** Lists that some messages hold, one item a line, as one line. */
function flat(message: string): string {
  const line = message.replace(/:\s*\n\s*/g, ': ').replace(/\s*\n\s*/g, '; ');
  // What configuration calls code is what the user typed here.
  return oneLine(line).replace(/(: |; )code: /g, '$1command line: ');
}
