// Reads the environment variables that this package knows. config/ imports it.
import { keyAt, PATHS, yamlName } from './schema.js';
import { suggest } from './suggest.js';
import type { Layer, Problems } from './tree.js';
import { printable, Reader } from './tree.js';

/** The variable that names the configuration file. */
export const FILE_VARIABLE = 'LLM_CACHE_CONFIG';

/** Variables of this package that are no configuration keys: the addon and its loader read them. */
const OTHER_VARIABLES = [FILE_VARIABLE, 'LLM_CACHE_KERNEL', 'LLM_CACHE_SHA256', 'LLM_CACHE_NATIVE'];

/** Prefixes that tests and benches of this package use for their own variables. */
const OTHER_PREFIXES = /^LLM_CACHE_(TEST|BENCH)_/;

const KNOWN = [...PATHS.map((path) => keyAt(path).env ?? ''), ...OTHER_VARIABLES].filter((name) =>
  name.startsWith('LLM_CACHE_'),
);

/**
 * What the environment sets. An empty variable counts as not set. Unknown variables are a problem when their name begins with
 * `LLM_CACHE_`: all others belong to other programs.
 */
export function readEnvironment(env: NodeJS.ProcessEnv, problems: Problems, notes: string[]): Layer {
  const reader = new Reader('yaml', problems, env);
  for (const path of PATHS) {
    const name = keyAt(path).env;
    const text = name === undefined ? undefined : env[name];
    if (name === undefined || text === undefined || text === '') continue;
    if (name === 'DEBUG' && !/^(true|false|1|0|yes|no)$/i.test(text)) {
      // Half of all Node programs are started with DEBUG=some:pattern, which is meant for another package.
      notes.push(
        'the environment variable DEBUG is not true or false: taken to be meant for another program',
      );
      continue;
    }
    if (/^(REDIS|QDRANT)_PORT$/.test(name) && text.startsWith('tcp://')) {
      notes.push(`the port was taken out of ${name}, an address as container platforms set it`);
    }
    reader.put(path, text, { name: yamlName(path), where: name, fromText: true });
  }
  for (const name of Object.keys(env)) {
    if (!name.startsWith('LLM_CACHE_') || KNOWN.includes(name) || OTHER_PREFIXES.test(name)) continue;
    const near = suggest(name, KNOWN);
    problems.add(
      '',
      `unknown environment variable ${printable(name)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }
  return reader.layer;
}
