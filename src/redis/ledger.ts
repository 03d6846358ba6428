// The order of removals that the processes of one cache share through Redis: a stream. open.ts and tests import it.
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.js';
import type { Epoch } from '../core/entry.js';
import { CodecError, TierError } from '../core/errors.js';
import { epochsPerMs, type Ledger, type Mark, marks, mostMarks } from '../core/ledger.js';
import { type Journal, SharedLedger } from '../core/shared-ledger.js';
import type { RedisConnection, RedisNode } from './connection.js';

/** Where the stream is and how closely it is followed. */
export interface RedisLedgerOptions {
  /** Begins the stream's name: `<keyPrefix>:{removals}`. Default `llm-cache`. */
  readonly keyPrefix?: string | undefined;
  readonly clock?: Clock | undefined;
  /**
   * Milliseconds for which removals of others may be unknown until `isCurrent` is false. Default `Infinity`: while Redis cannot be
   * reached, what this process holds is served.
   */
  readonly maxStaleMs?: number | undefined;
  /** Keeps removals that could not be sent across restarts of this process. Default: they are kept in memory. */
  readonly journal?: Journal | undefined;
  /** Milliseconds between two readings. Default 250, or a quarter of `maxStaleMs` where that is less. */
  readonly pollMs?: number | undefined;
}

const longestPollMs = 250;
// A cache opens within this, whatever Redis does.
const longestWelcomeMs = 250;
// About 200 KB a reply, read within any sensible time-out.
const pageSize = 1000;
const markField = 'm';
const rangeScript = `return {ARGV[1], redis.call('XRANGE', KEYS[1], ARGV[2], '+', 'COUNT', ARGV[3])}`;

/**
 * A ledger in Redis; the connection stays open until after its `close`. Needs the commands XADD and XRANGE, and where it may uses EVAL. Removals of other
 * processes are known one poll later. Each reading begins with the entry read last, which proves that nothing was trimmed, flushed
 * or lost in a failover in between; otherwise all older answers are given up, here, and where others cannot know it, everywhere.
 * Resolves when the stream was read, could not be, or after 250 ms; until it was read the epoch is 0, and what is generated dies of
 * the stream's beginning.
 */
export async function redisLedger(
  connection: RedisConnection,
  options: RedisLedgerOptions = {},
): Promise<Ledger> {
  const ledger = new RedisLedger(connection, options);
  await ledger.open();
  return ledger;
}

/** The id of an entry in the stream: a time of the server and a count within it. */
interface Id {
  readonly text: string;
  readonly ms: number;
  readonly count: number;
}

class RedisLedger extends SharedLedger {
  readonly #connection: RedisConnection;
  readonly #redis: RedisNode;
  readonly #stream: string;
  readonly #pollMs: number;
  readonly #name = randomUUID();
  #readings = 0;
  /** The entry read last, and the epoch it was given here. */
  #cursor: { readonly id: Id; readonly epoch: Epoch } | undefined;
  /** The latest entry of our own; one that a later reading does not reach was lost. */
  #added: Id | undefined;
  /** The latest removal of everything in the stream as it is now. */
  #everythingAt: Epoch = 0;
  /** Where the stream began when it was read from its beginning. */
  #beginsAt: Epoch = 0;
  /** The latest epoch before a loss that is not made good; 0 for none. */
  #lost: Epoch = 0;
  #polling: Promise<void> | undefined;
  #cancel = () => {};
  #closed = false;

  constructor(connection: RedisConnection, options: RedisLedgerOptions) {
    const { maxStaleMs = Number.POSITIVE_INFINITY } = options;
    super(options.clock ?? systemClock, maxStaleMs, options.journal);
    this.#connection = connection;
    this.#redis = connection.client as RedisNode;
    this.#stream = `${options.keyPrefix ?? 'llm-cache'}:{removals}`;
    this.#pollMs = options.pollMs ?? Math.min(longestPollMs, maxStaleMs / 4);
  }

  open(): Promise<void> {
    this.#redis.on('ready', this.#poll);
    return new Promise((resolve) => {
      const cancel = this.clock.after(longestWelcomeMs, resolve);
      this.#poll().finally(() => {
        cancel();
        resolve();
      });
    });
  }

  refresh(): void {}

  /** What others removed before it is known here when this resolves true: nothing that carries its epoch has missed any of it. */
  override async remove(removed: readonly Mark[]): Promise<boolean> {
    return (await super.remove(removed)) && this.#catchUp();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#redis.off('ready', this.#poll);
    this.#cancel();
    await this.#polling;
    await this.flush();
  }

  protected async send(removed: readonly Mark[], above: Epoch): Promise<void> {
    let ids = await this.#add(removed, () => '*');
    // The server's clock is behind the one that counted here while it could not be reached.
    if (epochOf(ids[0] as Id) <= above) {
      const ms = Math.floor(above / epochsPerMs) + 1;
      ids = await this.#add(removed, (index) => `${ms}-${index}`);
    }
    for (const [index, id] of ids.entries()) this.known.note(removed[index] as Mark, epochOf(id));
    this.#added = ids.at(-1);
  }

  /** Reads what is new, one reading at a time, and sets the time of the next one. */
  readonly #poll = (): Promise<void> => {
    this.#polling ??= this.#confirm().finally(() => {
      this.#polling = undefined;
      this.#cancel();
      // Whoever watches is told in an outage too in which nobody asks.
      this.isCurrent();
      if (!this.#closed) this.#cancel = this.clock.after(this.#pollMs, this.#poll, { background: true });
    });
    return this.#polling;
  };

  /** Reads what is in the stream by now; false when that failed. */
  async #catchUp(): Promise<boolean> {
    const from = this.clock.mono();
    // One under way may have read before now.
    await this.#polling;
    await this.#poll();
    return this.confirmedAt >= from;
  }

  /** What waits here goes first: an answer that was removed must not come back with the server. */
  async #confirm(): Promise<void> {
    const startedAt = this.clock.mono();
    try {
      const sent = await this.flush();
      if ((await this.#read()) && sent) this.confirmedAt = startedAt;
    } catch {
      // The next poll tries again; `health` tells how long it has been.
    }
  }

  /** Reads to the end of the stream; true when nothing can be missing. */
  async #read(): Promise<boolean> {
    const added = this.#added;
    if (!(await this.#readOn()) || isBefore(this.#cursor?.id, added)) {
      if (this.#cursor !== undefined) this.#lose();
      if (!(await this.#readOn())) return this.#begin();
    }
    const lost = this.#lost;
    this.#lost = 0;
    // Where the stream still holds what came before the loss, its tail is gone, and others may never have read that.
    const cut = lost > 0 && this.#beginsAt <= lost && this.#everythingAt <= lost;
    return cut ? this.#begin() : true;
  }

  /** Reads to the end of the stream; false where it does not go on from where this process was. */
  async #readOn(): Promise<boolean> {
    for (;;) {
      const page = await this.#range(this.#cursor?.id.text ?? '-');
      if (this.#cursor === undefined) {
        const first = page[0];
        if (first === undefined) return false;
        // What came before was trimmed, or never was: nobody knows.
        this.#beginsAt = epochOf(first.id);
        this.known.raise(this.#beginsAt);
      } else if (page.shift()?.id.text !== this.#cursor.id.text) return false;
      for (const { id, removed } of page) this.#note(id, removed);
      if (page.length < pageSize - 1) return true;
    }
  }

  #note(id: Id, removed: readonly Mark[]): void {
    // More removals in a millisecond than it has epochs, as after the server's clock went back.
    const epoch = Math.max((this.#cursor?.epoch ?? 0) + 1, epochOf(id));
    for (const mark of removed) this.known.note(mark, epoch);
    if (removed.includes(marks.everything)) this.#everythingAt = epoch;
    this.#cursor = { id, epoch };
  }

  /** Gives up everything older than now. */
  #lose(): void {
    this.gaps++;
    this.#lost = this.known.epoch;
    this.known.raise(this.#lost + 1);
    this.#cursor = undefined;
    this.#added = undefined;
    this.#everythingAt = 0;
  }

  /** Tells all to give up everything. */
  async #begin(): Promise<boolean> {
    await this.send([marks.everything], this.epoch);
    return this.#readOn();
  }

  async #range(from: string): Promise<{ id: Id; removed: Mark[] }[]> {
    const items =
      (await this.#namedRange(from)) ??
      (await this.#connection.call('read removals', () =>
        this.#redis.xrange(this.#stream, from, '+', 'COUNT', pageSize),
      ));
    return items.map(([id, fields]) => ({ id: parseId(id), removed: marksIn(fields) }));
  }

  /**
   * A page that says which reading it answers: one of an earlier reading would hide what was removed since. Undefined where scripts
   * are not permitted.
   */
  async #namedRange(from: string): Promise<[string, string[]][] | undefined> {
    const reading = `${this.#name} ${++this.#readings}`;
    const reply = await this.#connection.script(
      'read removals',
      rangeScript,
      [this.#stream],
      [reading, from, pageSize],
    );
    if (reply === undefined) return undefined;
    const [answered, items] = Array.isArray(reply) ? reply : [];
    if (answered === reading) return items;
    this.#connection.replace();
    throw new TierError('redis', 'read removals', 'the reply is that of another command', {
      kind: 'connection',
    });
  }

  async #add(removed: readonly Mark[], idOf: (index: number) => string): Promise<Id[]> {
    const ids = await Promise.all(
      removed.map((mark, index) =>
        this.#connection.call('add removals', () =>
          this.#redis.xadd(this.#stream, 'MAXLEN', '~', mostMarks, idOf(index), markField, mark),
        ),
      ),
    );
    return ids.map(parseId);
  }
}

/** @throws {CodecError} ERR_LLM_CACHE_CODEC for what no server of this time would give: epochs must stay exact. */
function parseId(text: string | null): Id {
  const [, ms, count] = /^(\d{1,13})-(\d{1,12})$/.exec(text ?? '') ?? [];
  if (text === null || ms === undefined) throw new CodecError(`a removal has the id ${text}`);
  return { text, ms: Number(ms), count: Number(count) };
}

function epochOf({ ms, count }: Id): Epoch {
  return ms * epochsPerMs + count;
}

function isBefore(one: Id | undefined, other: Id | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.ms < other.ms || (one.ms === other.ms && one.count < other.count);
}

/** A field of another name is a removal that this version cannot tell: it may name anything. */
function marksIn(fields: readonly string[]): Mark[] {
  const removed: Mark[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    removed.push(fields[i] === markField ? (fields[i + 1] as Mark) : marks.everything);
  }
  return removed;
}
