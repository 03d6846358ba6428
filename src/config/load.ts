// Loads the configuration: defaults < YAML file < environment < code < flags. The composition root and the command line import it.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../core/errors.js';
import { FILE_VARIABLE, readEnvironment } from './environment.js';
import { finish, mergeLayers, toConfig, toSources } from './resolve.js';
import { stripUserinfo } from './secret.js';
import type { Layer } from './tree.js';
import { codeNode, flagNode, Problems, printable, Reader } from './tree.js';
import type { Config, ConfigInput, LoadedConfig } from './types.js';
import { MAX_YAML_BYTES, yamlTree } from './yaml.js';

/** The file that is read when none is named and it exists in the working directory. */
export const DEFAULT_FILE = 'llm-cache.yaml';

/** Where `loadConfig` looks. */
export interface LoadOptions {
  /**
   * YAML file, relative to `cwd`. Default: the one that `LLM_CACHE_CONFIG` names, otherwise `llm-cache.yaml` if it exists.
   * null reads no file at all.
   */
  readonly file?: string | null | undefined;
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** What code sets; stronger than all but flags. */
  readonly overrides?: ConfigInput | undefined;
  /** What a command line sets, each `section.key=value` in YAML's names with the value as text; stronger than everything else. At most 1,000. */
  readonly flags?: readonly string[] | undefined;
  /** Directory to start from. Default the working directory. */
  readonly cwd?: string | undefined;
}

function readBounded(path: string): Buffer | undefined {
  // Without O_NONBLOCK the opening of a named pipe waits for its writer.
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error('it is not a file');
    const buffer = Buffer.alloc(MAX_YAML_BYTES + 1);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      length += read;
      if (length === buffer.length) return undefined;
      if (read === 0) return buffer.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
  EISDIR: 'it is a directory',
};

/** The text of a file, or undefined when it does not exist and need not. */
function readText(name: string, path: string, mayBeAbsent: boolean, problems: Problems): string | undefined {
  try {
    const bytes = readBounded(path);
    if (bytes !== undefined) return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    problems.add('', `cannot use the file ${stripUserinfo(name)}: it has more than ${MAX_YAML_BYTES} bytes`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && mayBeAbsent) return undefined;
    const reason =
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? 'it is not UTF-8 text'
        : (REASONS[code ?? ''] ?? code ?? message);
    problems.add('', `cannot use the file ${stripUserinfo(name)}: ${reason}`);
  }
  return undefined;
}

function readYaml(text: string, name: string, env: NodeJS.ProcessEnv, problems: Problems): Layer {
  const reader = new Reader('yaml', problems, env);
  const tree = yamlTree(text, name, problems);
  if (tree !== undefined) reader.read(tree);
  return reader.layer;
}

const MAX_FLAGS = 1000;

function readFlags(flags: readonly string[], env: NodeJS.ProcessEnv, problems: Problems): Layer {
  const reader = new Reader('flag', problems, env);
  if (flags.length > MAX_FLAGS) problems.add('', `more than ${MAX_FLAGS} settings by --set`);
  else {
    for (const flag of flags) {
      const node = flagNode(flag, `--set ${printable(flag.split('=', 1)[0] ?? '')}`);
      if (node === undefined) problems.add('--set', 'expected section.key=value');
      else reader.read(node);
    }
  }
  return reader.layer;
}

interface Layers {
  readonly yaml?: Layer;
  readonly environment?: Layer;
  readonly code?: Layer;
  readonly flags?: Layer;
}

function assemble(
  layers: Layers,
  problems: Problems,
  notes: string[],
  file: string | undefined,
): LoadedConfig {
  const keys = mergeLayers([
    { from: 'yaml', layer: layers.yaml ?? new Map() },
    { from: 'environment', layer: layers.environment ?? new Map() },
    { from: 'code', layer: layers.code ?? new Map() },
    { from: 'flag', layer: layers.flags ?? new Map() },
  ]);
  finish(keys, problems, notes);
  const message = problems.message();
  if (message !== undefined) throw new ConfigError(message);
  return Object.freeze({
    config: toConfig(keys),
    sources: toSources(keys),
    file,
    notes: Object.freeze(notes),
  });
}

/**
 * Loads the configuration from all sources, each stronger than the one before: defaults, YAML file, environment, code, flags. Reads
 * one file, synchronously, of 1 MiB at most.
 *
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG with everything that is wrong in all sources: unknown keys (with a guess), wrong types
 * and bounds, contradictions, a named file that cannot be read. No message holds a secret.
 * @example const { config } = loadConfig({ overrides: { cache: { directory: '/var/cache/answers' } } });
 */
export function loadConfig(options: LoadOptions = {}): LoadedConfig {
  const env = options.env ?? process.env;
  const problems = new Problems();
  const notes: string[] = [];
  const fromEnv = env[FILE_VARIABLE] === '' ? undefined : env[FILE_VARIABLE];
  const named = options.file === undefined ? fromEnv : options.file;
  const name = named === undefined ? DEFAULT_FILE : named;
  const text =
    name === null
      ? undefined
      : readText(name, resolve(options.cwd ?? process.cwd(), name), named === undefined, problems);
  const code = new Reader('code', problems, env);
  const layers: Layers = {
    yaml: name === null || text === undefined ? new Map() : readYaml(text, name, env, problems),
    environment: readEnvironment(env, problems, notes),
    code: code.layer,
    flags: readFlags(options.flags ?? [], env, problems),
  };
  code.read(codeNode(options.overrides));
  return assemble(layers, problems, notes, text === undefined ? undefined : (name ?? undefined));
}

/**
 * The configuration of a YAML text over the defaults; environment variables count only where the text names them (`${NAME}`).
 *
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG as `loadConfig`
 */
export function configFromYaml(
  text: string,
  options: { name?: string; env?: NodeJS.ProcessEnv } = {},
): Config {
  const problems = new Problems();
  const yaml = readYaml(text, options.name ?? 'yaml', options.env ?? process.env, problems);
  return assemble({ yaml }, problems, [], undefined).config;
}

/**
 * The configuration of environment variables over the defaults; reads no file.
 *
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG as `loadConfig`
 */
export function configFromEnv(env: NodeJS.ProcessEnv = process.env): Config {
  const problems = new Problems();
  const notes: string[] = [];
  return assemble({ environment: readEnvironment(env, problems, notes) }, problems, notes, undefined).config;
}
