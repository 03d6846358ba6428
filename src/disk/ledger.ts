// The order of removals that the processes of one cache directory share: a log in LMDB. open.ts and tests import it.
import { type Clock, systemClock } from '../core/clock.js';
import type { Epoch } from '../core/entry.js';
import { epochsPerMs, type Ledger, type LedgerHealth, type Mark, marks, mostMarks } from '../core/ledger.js';
import { SharedLedger } from '../core/shared-ledger.js';
import { decodeRecord, encodeRecord } from './codec.js';
import type { Environment, Reader } from './environment.js';

/** How a ledger on disk reads its log. */
export interface DiskLedgerOptions {
  readonly clock?: Clock | undefined;
  /** Milliseconds for which removals of others may be unknown, when the log cannot be read, until `isCurrent` is false. Default `Infinity`. */
  readonly maxStaleMs?: number | undefined;
}

const database = 'removals';
const orderDatabase = 'order';
const orderKey = new TextEncoder().encode('order');
// Reading when nothing is new takes about 10 microseconds; a person who looks from one process to another waits longer than this.
const readEveryMs = 25;
const wholeLog = new Uint8Array();

/**
 * A ledger in the cache directory; the environment stays open until after its `close`. Reads all marks, at most 65,536: about
 * 4 microseconds each. Removals of other processes are known 25 ms after they were acknowledged, at the next lookup.
 * @throws {DirectoryError} ERR_LLM_CACHE_DIRECTORY when the log cannot be read.
 */
export function diskLedger(environment: Environment, options: DiskLedgerOptions = {}): Ledger {
  return new DiskLedger(environment, options);
}

/**
 * Ties the directory to an order of removals. One that was tied to another may hold what was removed there: all answers from before
 * are given up, in whatever the new order is shared by. A full disk leaves the tie as it was, and the next opening does it again.
 */
export async function bindOrder(environment: Environment, order: string, ledger: Ledger): Promise<void> {
  const held = environment.reader(orderDatabase).get(orderKey)?.toString('utf8');
  if (held === order) return;
  if (held !== undefined) await ledger.remove([marks.everything]);
  const value = new TextEncoder().encode(order);
  await environment.write([{ kind: 'put', database: orderDatabase, key: orderKey, value }]).catch(() => {});
}

class DiskLedger extends SharedLedger {
  readonly #environment: Environment;
  readonly #log: Reader;
  readonly #everyMs: number;
  /** The number of the last mark read; 0 before the first. */
  #cursor = 0;
  #dueAt = 0;
  #closed = false;

  constructor(
    environment: Environment,
    { clock = systemClock, maxStaleMs = Number.POSITIVE_INFINITY }: DiskLedgerOptions,
  ) {
    super(clock, maxStaleMs);
    this.#environment = environment;
    this.#log = environment.reader(database);
    this.#everyMs = Math.min(readEveryMs, maxStaleMs / 4);
    this.#read();
  }

  refresh(): void {
    if (this.clock.mono() < this.#dueAt || this.#closed) return;
    try {
      this.#read();
    } catch {
      this.#dueAt = this.clock.mono() + this.#everyMs;
    }
    if (this.queued > 0) void this.flush();
  }

  override health(): LedgerHealth {
    const health = super.health();
    // Read at each lookup that comes later than this.
    return health.staleMs <= this.#everyMs ? { ...health, staleMs: 0 } : health;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.flush();
  }

  protected async send(removed: readonly Mark[], above: Epoch): Promise<void> {
    const least = Math.max(Math.floor(this.clock.wall()) * epochsPerMs, above + 1);
    await this.#environment.write(
      removed.map((mark) => ({
        kind: 'append',
        database,
        value: encodeRecord([mark]),
        least,
        most: mostMarks,
      })),
    );
    this.#read();
  }

  /** Brings in what was appended since. */
  #read(): void {
    const now = this.clock.mono();
    let first = true;
    for (const [key, value] of this.#log.entries(wholeLog, keyOf(Math.max(0, this.#cursor - 1)))) {
      const number = Number(key.readBigUInt64BE());
      if (first) this.#checkBeginning(number);
      first = false;
      if (number === this.#cursor) continue;
      this.known.note(markIn(value), number);
      this.#cursor = number;
    }
    if (first && this.#cursor > 0) {
      this.gaps++;
      this.known.raise(this.epoch + 1);
      this.#cursor = 0;
    }
    this.confirmedAt = now;
    this.#dueAt = now + this.#everyMs;
  }

  /** The mark read last must still be there, for the log drops the oldest: where it is gone, so may be others that nobody here has read. */
  #checkBeginning(number: Epoch): void {
    if (number === this.#cursor) return;
    if (this.#cursor > 0) this.gaps++;
    else if (this.#log.count() < mostMarks) return;
    this.known.raise(number - 1);
  }
}

function keyOf(number: number): Uint8Array {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(number));
  return key;
}

/** What a record says was removed; a damaged one may have meant anything. */
function markIn(record: Buffer): Mark {
  try {
    const [mark] = decodeRecord<unknown[]>(record);
    return typeof mark === 'string' ? mark : marks.everything;
  } catch {
    return marks.everything;
  }
}
