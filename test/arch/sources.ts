// Reads the repository's own files for the tests of its structure.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Paths below a directory, from the root, that match; never an empty list. */
export function filesIn(directory: string, pattern: RegExp): string[] {
  const files = readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      relative(root, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join('/'),
    )
    .filter((path) => pattern.test(path));
  if (files.length === 0) throw new Error(`no file in ${directory} matches ${pattern}`);
  return files.sort();
}

/** What a TypeScript file imports: paths from the root for our own files, package names, `node:` names. */
export function importsOf(path: string): string[] {
  const text = read(path).replace(/^\s*(\/\/|\*).*$/gm, '');
  const found = [...text.matchAll(/(?:from\s+|import\s*\(\s*|^import\s+)'([^']+)'/gm)].map(
    (match) => match[1] as string,
  );
  return found.map((name) => (name.startsWith('.') ? posix.join(posix.dirname(path), name) : name));
}
