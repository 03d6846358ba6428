// The demo's directory, which each run begins anew without ever deleting anybody else's cache. For demo.ts alone.
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DirectoryError } from '../index.js';

const marker = 'made-by-llm-cache-demo.txt';
const text = 'llm-cache demo made this directory. It deletes cache.mdb in it at each run.\n';

/**
 * Removes what an earlier demo stored.
 * @throws {DirectoryError} ERR_LLM_CACHE_DIRECTORY when somebody else's files are in it.
 */
export function prepareDirectory(directory: string): void {
  try {
    if (!existsSync(directory)) return;
    const names = readdirSync(directory);
    if (names.length > 0 && !names.includes(marker)) {
      throw new DirectoryError(
        directory,
        'the demo did not make it and would delete the cache in it; name a new or empty one',
      );
    }
    for (const name of ['cache.mdb', 'cache.mdb-lock']) rmSync(join(directory, name), { force: true });
  } catch (error) {
    throw error instanceof DirectoryError
      ? error
      : new DirectoryError(directory, (error as Error).message, { cause: error });
  }
}

/** Marks a directory as the demo's. */
export function markDirectory(directory: string): void {
  writeFileSync(join(directory, marker), text);
}
