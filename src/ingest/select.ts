// Which files of a directory are wanted: globs, ignore patterns and ignore files; the only importer of picomatch and ignore. For walk.ts.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import picomatch from 'picomatch';
import { InvalidArgumentError } from '../core/errors.js';

/** Which files of a directory are read. Paths are relative to it, with slashes. */
export interface SelectOptions {
  /** Only files that one of these globs matches, such as `guides/**\/*.md`; without a slash the name alone counts. Default all. */
  readonly include?: readonly string[] | undefined;
  /** Patterns as in a `.gitignore`; stronger than any ignore file. Default none. */
  readonly ignore?: readonly string[] | undefined;
  /** Name of the files that hold such patterns for the directory they lie in and below; null for none. Default `.llmcacheignore`. */
  readonly ignoreFile?: string | null | undefined;
}

/** What a file is in a selection: `other` is not asked for this time, `ignored` does not belong at all. */
export type Choice = 'wanted' | 'other' | 'ignored';

const maxPatterns = 1000;
const maxPatternLength = 1024;
const maxIgnoreFileBytes = 2 ** 18;
// Each further wildcard multiplies the steps of a mismatch by the length of the name.
const maxWildcards = 2;

/** Decides name by name. A directory's ignore file is read before the names in it are asked about. */
export class Selection {
  /** Name of the ignore files; null for none. */
  readonly ignoreFile: string | null;
  readonly #root: string;
  readonly #isIncluded: (name: string) => boolean;
  readonly #given: Ignore;
  /** By directory, each ending in a slash but the root's, which is empty. */
  readonly #ignores = new Map<string, Ignore>();

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for patterns that are none. */
  constructor(root: string, options: SelectOptions = {}) {
    this.#root = root;
    const globs = patterns('include', options.include).map((glob) => glob.replace(/^\.\//, ''));
    const matchers = globs.map((glob) => picomatch(glob, { basename: !glob.includes('/') }));
    this.#isIncluded =
      matchers.length === 0 ? () => true : (name) => matchers.some((matches) => matches(name));
    this.#given = ignore().add([...patterns('ignore', options.ignore)]);
    const { ignoreFile = '.llmcacheignore' } = options;
    if (ignoreFile !== null && !/^[^/\\\0]{1,255}$/.test(ignoreFile)) {
      throw new InvalidArgumentError('ignoreFile', 'the name of a file, or null', ignoreFile);
    }
    this.ignoreFile = ignoreFile;
  }

  /** Reads the ignore file of a directory; what of it cannot be used, in words. */
  async enter(directory: string): Promise<string[]> {
    if (this.ignoreFile === null) return [];
    let text: string;
    try {
      text = await readBounded(join(this.#root, directory, this.ignoreFile));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      return [`it cannot be used: ${(error as Error).message}`];
    }
    const faults: string[] = [];
    const usable: string[] = [];
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      const why = index < maxPatterns ? hostility(line) : `more than ${maxPatterns} lines`;
      if (why === undefined) usable.push(line);
      else if (index <= maxPatterns) faults.push(`line ${index + 1} and what it would leave out: ${why}`);
    }
    this.#ignores.set(directory, ignore().add(usable));
    return faults;
  }

  /** A file by its name, or a directory by its name with a slash behind. */
  choose(name: string): Choice {
    const given = this.#given.test(name);
    if (given.ignored || (!given.unignored && this.#isIgnored(name))) return 'ignored';
    return name.endsWith('/') || this.#isIncluded(name) ? 'wanted' : 'other';
  }

  // The ignore file nearest to a name has the last word, as in git.
  #isIgnored(name: string): boolean {
    if (this.#ignores.size === 0) return false;
    for (let at = name.lastIndexOf('/', name.length - 2); ; at = name.lastIndexOf('/', at - 1)) {
      const directory = name.slice(0, at + 1);
      const { ignored, unignored } = this.#ignores.get(directory)?.test(name.slice(at + 1)) ?? {};
      if (ignored || unignored) return ignored === true;
      if (at <= 0) return false;
    }
  }
}

function patterns(argument: string, given: readonly string[] | undefined): readonly string[] {
  if (given === undefined) return [];
  const fits = (pattern: unknown) =>
    typeof pattern === 'string' && pattern !== '' && pattern.length <= maxPatternLength;
  if (!Array.isArray(given) || given.length > maxPatterns || !given.every(fits)) {
    const expected = `a list of at most ${maxPatterns} patterns of 1 to ${maxPatternLength} characters`;
    throw new InvalidArgumentError(argument, expected, given);
  }
  return given;
}

/** Why a pattern from a file, which anybody may have written, could take long to compare; undefined for one that does not. */
function hostility(line: string): string | undefined {
  if (line.length > maxPatternLength) return `longer than ${maxPatternLength} characters`;
  const segments = line.split('/');
  const deep = segments.filter((segment) => segment.includes('**')).length;
  const wide = segments.some((segment) => (segment.match(/\*+/g)?.length ?? 0) > maxWildcards);
  return deep > maxWildcards || wide ? `more than ${maxWildcards} wildcards in a row` : undefined;
}

async function readBounded(path: string): Promise<string> {
  const file = await open(
    path,
    constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
  );
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error('it is no file');
    if (found.size > maxIgnoreFileBytes) throw new Error(`longer than ${maxIgnoreFileBytes} bytes`);
    return (await file.readFile('utf8')).replace(/^\ufeff/, '');
  } finally {
    await file.close();
  }
}
