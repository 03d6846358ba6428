// The record of lookups: JSON lines that `replay` reads. The root imports it.
import { createWriteStream, existsSync, statSync, type WriteStream } from 'node:fs';
import type { Key } from '../core/entry.js';
import { ConfigError } from '../core/errors.js';

/** A lookup as it is recorded. */
export interface LookupLine {
  readonly kind: 'lookup';
  /** Wall-clock milliseconds. */
  readonly atMs: number;
  readonly question: string;
  readonly key: Key;
  /** Digest of the scope. */
  readonly scope: string;
  readonly match: 'exact' | 'semantic' | 'none';
  /** The nearest stored question, whatever was decided; absent when none was found, for an exact match, and without an embedding. */
  readonly nearest?:
    | { readonly question: string; readonly key: Key; readonly similarity: number }
    | undefined;
  /** What was decided on, or came nearest to being accepted. */
  readonly candidate?:
    | { readonly question: string; readonly key: Key; readonly similarity: number }
    | undefined;
  /** P(same) of that candidate; absent when it was not worked out. */
  readonly pSame?: number | undefined;
  /** Would have been served; in shadow mode it was not. */
  readonly accepted: boolean;
  /** Names of the rules that refused candidates. */
  readonly rules: readonly string[];
  /** Milliseconds that the origin took for the answer that was served, then or now. */
  readonly costMs?: number | undefined;
}

/** A verdict on an earlier lookup. */
export interface VerdictLine {
  readonly kind: 'verdict';
  readonly atMs: number;
  readonly key: Key;
  /** Key of the stored question. */
  readonly candidate: Key;
  readonly wrong: boolean;
  /** Who says so: a person (`feedback`), or the comparison of a hit (`sample`) or of what shadow mode would have served (`shadow`). */
  readonly by: 'feedback' | 'sample' | 'shadow';
}

export type RecordLine = LookupLine | VerdictLine;

/** Appends lines to a file, up to a size; never holds anybody up, and never fails who asks. */
export class LookupRecord {
  readonly #stream: WriteStream;
  readonly #maxBytes: number;
  #bytes: number;
  #failed: Error | undefined;
  /** Lines that were not written: the file was full, or could not be written. */
  dropped = 0;

  /** @throws {ConfigError} ERR_LLM_CACHE_CONFIG when the path is a directory */
  constructor(path: string, maxBytes: number) {
    const held = existsSync(path) ? statSync(path) : undefined;
    if (held?.isDirectory()) throw new ConfigError(`decide.record: ${path} is a directory`);
    this.#bytes = held?.size ?? 0;
    this.#maxBytes = maxBytes;
    // What was asked may be private.
    this.#stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
    this.#stream.on('error', (error) => {
      this.#failed = error;
    });
  }

  add(line: RecordLine): void {
    const text = `${JSON.stringify(line)}\n`;
    const bytes = Buffer.byteLength(text);
    const isBehind = this.#stream.writableLength > 16 * 2 ** 20;
    if (this.#failed !== undefined || isBehind || this.#bytes + bytes > this.#maxBytes) {
      this.dropped++;
      return;
    }
    this.#bytes += bytes;
    this.#stream.write(text);
  }

  /** Resolves when all is written, or cannot be. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stream.closed || this.#failed !== undefined) return resolve();
      this.#stream.once('close', resolve);
      this.#stream.end();
    });
  }
}
