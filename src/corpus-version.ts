// The version of the corpus under which results are cached, known also while its database cannot be reached. open.ts makes it for query-service.ts.
import { randomUUID } from 'node:crypto';
import { type CacheError, ConfigError, TierError } from './core/errors.js';
import type { Remembered } from './disk/remembered.js';
import { type TierHealth, Watch, type WatchOptions } from './tiers/watch.js';
import type { VectorDatabase } from './vectordb/database.js';

/** Whose version, and what asking for it may cost. */
export interface CorpusVersionParts extends Pick<WatchOptions, 'onChange' | 'clock'> {
  readonly database: Pick<VectorDatabase, 'version'>;
  /** Partition of the corpus: 64 hexadecimal digits. */
  readonly scope: string;
  /** Milliseconds that a question waits for it. */
  readonly timeoutMs: number;
  /** Where the next process finds it, so that in an outage it still serves what was cached; undefined for a database that has none. */
  readonly remembered?: Remembered | undefined;
}

/**
 * Asks the database for each question, until it fails once; from then on by single probes. A database that cannot be reached cannot have
 * been searched since, so what was found before still stands.
 */
export class CorpusVersion {
  readonly #parts: CorpusVersionParts;
  readonly #watch: Watch;
  #known: string | undefined;
  // Names no state of a corpus: nothing is found under it that another process, or this one earlier, has put there.
  #unknown = newName();

  constructor(parts: CorpusVersionParts) {
    this.#parts = parts;
    this.#known = parts.remembered?.get();
    this.#watch = new Watch('corpus', { onChange: parts.onChange, clock: parts.clock, failures: 1 });
  }

  /** The version now, or the last one known. @throws {ClosedError} ERR_LLM_CACHE_CLOSED */
  async read(): Promise<string> {
    const { database, scope, timeoutMs } = this.#parts;
    const run = () => database.version(scope);
    const era = this.#unknown;
    try {
      const version = await this.#watch.ask({
        operation: 'version',
        limitMs: timeoutMs,
        isWrite: false,
        run,
      });
      // One that was asked for before `forget` is not the one of after it.
      if (era === this.#unknown) this.#keep(version);
      return version;
    } catch (error) {
      if (!(error instanceof TierError || error instanceof ConfigError)) throw error;
      this.#watch.count(error as CacheError);
      return this.#known ?? this.#unknown;
    }
  }

  /** To be called once the corpus has been changed: results of before must not be served, even if it is lost right now. */
  async forget(): Promise<void> {
    this.#known = undefined;
    this.#unknown = newName();
    await this.#parts.remembered?.set(undefined);
  }

  /** How its database is doing. */
  health(): TierHealth {
    return this.#watch.health();
  }

  #keep(version: string): void {
    if (version === this.#known) return;
    this.#known = version;
    // Only an outage that outlasts this process would miss it.
    this.#parts.remembered?.set(version).catch(() => {});
  }
}

function newName(): string {
  return `unknown ${randomUUID()}`;
}
