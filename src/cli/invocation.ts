// How the user called this program, so that the commands it suggests work as printed. For the command line alone.
import { basename, dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shellWord } from './text.js';

const entry = fileURLToPath(new URL('./main.js', import.meta.url));

/** Folder of the package. */
export const packageFolder = resolve(dirname(entry), '../..');

/** The command to type in the working directory: `llm-cache`, `npx llm-cache`, or `node dist/cli/main.js` from a checkout. */
export function invocation(called = process.argv[1] ?? entry, cwd = process.cwd()): string {
  if (basename(called) !== basename(entry))
    return /node_modules[\\/]/.test(called) ? 'npx llm-cache' : 'llm-cache';
  const way = relative(cwd, entry);
  return `node ${shellWord(way.startsWith('..') ? entry : way)}`;
}

/** The option that names a cache directory, with a space in front; empty where it is the default. */
export function directoryOption(directory: string): string {
  return directory === '.llm-cache' ? '' : ` --directory ${shellWord(directory)}`;
}
