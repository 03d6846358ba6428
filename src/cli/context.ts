// What every verb is given: its output, the configuration its options make, and the signal to stop. For the command line alone.
import {
  type Config,
  type ConfigInput,
  type LoadedConfig,
  type Logger,
  loadConfig,
  type OpenOptions,
} from '../index.js';
import { Output } from './output.js';

/** Options that every verb takes. */
export interface CommonFlags {
  readonly json?: boolean;
  readonly config?: string;
  readonly directory?: string;
  readonly debug?: boolean;
  readonly color: boolean;
  readonly useMock?: boolean;
  readonly embeddingModel?: string;
  /** `section.key=value` each. */
  readonly set?: readonly string[];
}

/** What a verb works with. */
export interface Context {
  readonly flags: CommonFlags;
  readonly output: Output;
  /** Aborts on Ctrl-C, on SIGTERM, and when nobody reads standard output any more. */
  readonly signal: AbortSignal;
}

/** The context of a verb. */
export function contextOf(flags: CommonFlags, signal: AbortSignal): Context {
  const output = new Output({ json: flags.json === true, colour: flags.color, env: process.env });
  return { flags, output, signal };
}

/** The options of the command line as configuration in code, which is stronger than all else; `more` is the verb's own part. */
export function openOptions(flags: CommonFlags, more: ConfigInput = {}): OpenOptions & ConfigInput {
  return {
    ...more,
    cache: { directory: flags.directory, ...more.cache },
    embedding: { useMock: flags.useMock, model: flags.embeddingModel, ...more.embedding },
    file: flags.config,
    flags: flags.set,
  };
}

/**
 * Loads the configuration that `openOptions` opens with, and says on standard error what the user should know of it.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG
 */
export function load(
  { output }: Context,
  { file, flags, ...overrides }: OpenOptions & ConfigInput,
): LoadedConfig {
  const loaded = loadConfig({ file, flags, overrides });
  if (loaded.config.logLevel !== 'silent' && loaded.config.logLevel !== 'error') {
    for (const note of loaded.notes) output.aside(`llm-cache: note: ${note}`);
  }
  return loaded;
}

/** Tells of lost and regained tiers on standard error, as much as the configuration wants to hear. */
export function loggerOf({ output }: Context, { logLevel }: Config): Logger {
  const say = (levels: readonly Config['logLevel'][]) => (message: string) => {
    if (levels.includes(logLevel)) output.aside(message);
  };
  return { warn: say(['warn', 'info', 'debug']), info: say(['info', 'debug']) };
}
