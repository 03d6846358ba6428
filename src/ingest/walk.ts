// Finds the files of a directory in a fixed order, without leaving it. For readers.ts.
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type Choice, Selection } from './select.js';

/** A file to read, or something left out. `name` is relative to the root, with slashes. */
export type Walked =
  | { readonly kind: 'file'; readonly name: string; readonly path: string }
  /** A file, or a directory with all in it, that the selection does not want. */
  | { readonly kind: 'unselected'; readonly name: string; readonly choice: Exclude<Choice, 'wanted'> }
  | { readonly kind: 'skipped'; readonly name: string; readonly why: string; readonly partial?: boolean };

/** Error codes of the file system in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    EACCES: 'no permission to read it',
    EPERM: 'no permission to read it',
    ENOENT: 'it does not exist',
    ENOTDIR: 'it does not exist',
    ELOOP: 'a link that goes round in a circle',
    ENAMETOOLONG: 'its name is too long',
    EISDIR: 'it is a directory',
    EMFILE: 'too many open files',
  };
  return code === undefined ? message : `${words[code] ?? message} (${code})`;
}

/**
 * Everything under `root` (a real path), sorted by code unit within each directory. Links to directories are not followed,
 * links to files only when they stay inside; names that begin with a dot are left out.
 */
export async function* walk(
  root: string,
  selection = new Selection(root),
): AsyncGenerator<Walked, void, undefined> {
  // A stack of names still to visit, not recursion: depth is the attacker's.
  const open: string[] = [''];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name !== '' && !name.endsWith('/')) {
      yield { kind: 'file', name, path: join(root, name) };
      continue;
    }
    let entries: Dirent[];
    try {
      entries = await readdir(join(root, name), { withFileTypes: true });
    } catch (error) {
      yield { kind: 'skipped', name: name.slice(0, -1) || '.', why: reasonOf(error) };
      continue;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const why of await selection.enter(name)) {
      yield { kind: 'skipped', name: name + selection.ignoreFile, why, partial: true };
    }
    const next: string[] = [];
    for (const entry of entries) {
      if (entry.name === selection.ignoreFile) continue;
      const child = name + entry.name;
      const choice = selection.choose(entry.isDirectory() ? `${child}/` : child);
      if (choice !== 'wanted') {
        yield { kind: 'unselected', name: child, choice };
      } else if (entry.isDirectory() && !entry.name.startsWith('.')) next.push(`${child}/`);
      else {
        const why = await refusal(root, child, entry);
        if (why === undefined) next.push(child);
        else yield { kind: 'skipped', name: child, why };
      }
    }
    // Not spread: a directory may hold more names than a call may have arguments.
    for (const child of next.reverse()) open.push(child);
  }
}

async function refusal(root: string, name: string, entry: Dirent): Promise<string | undefined> {
  if (entry.name.startsWith('.')) return 'hidden: its name begins with a dot';
  if (entry.isFile()) return undefined;
  if (!entry.isSymbolicLink()) return 'neither a file nor a directory';
  try {
    const target = await realpath(join(root, name));
    if (!isInside(root, target)) return 'a link that leads out of the directory';
    const found = await stat(target);
    if (found.isDirectory()) return 'a link to a directory';
    return found.isFile() ? undefined : 'neither a file nor a directory';
  } catch (error) {
    return reasonOf(error);
  }
}

/** True when `path` is `root` or lies under it; both real paths. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return (
    way === '' ||
    !(way === '..' || way.startsWith(`..${sep}`) || way.startsWith(sep) || /^[A-Za-z]:/.test(way))
  );
}
