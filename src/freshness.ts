// What may be served when an answer is old, and how long the origin may take. origin.ts and resolve.ts use it; cache-types.ts shows it.
import type { Clock } from './core/clock.js';
import { type Entry, freshUntil } from './core/entry.js';
import { InvalidArgumentError, OriginTimeoutError } from './core/errors.js';
import { checkOptions } from './core/options.js';

/** How old an answer may be, and how long a new one may take. Everything is off unless it is set. */
export interface FreshnessOptions {
  /** For so many milliseconds after its time to live an answer is served at once, while a new one is made in the background. Default 0. */
  readonly staleWhileRevalidateMs?: number | undefined;
  /** For so many milliseconds after its time to live an answer is served if a new one cannot be had, or not in time. Default 0. */
  readonly graceMs?: number | undefined;
  /** Share of its time to live after which a hit makes the answer anew in the background, above 0, below 1; 0: never. Default 0. */
  readonly earlyRefresh?: number | undefined;
  /** Milliseconds after which an old answer that may be served is, instead of waiting on. Of a stream: for its first part. Default: never. */
  readonly softTimeoutMs?: number | undefined;
  /** Milliseconds after which nobody waits on: an old answer is served, or the call rejects. Of a stream: for its first part. Default: never. */
  readonly hardTimeoutMs?: number | undefined;
  /** What takes too long is finished and stored all the same; otherwise it is aborted unless others wait. Default true. */
  readonly completeInBackground?: boolean | undefined;
  /** Milliseconds for which a failure of the origin is remembered, and thrown again instead of asking it. Default 0. */
  readonly negativeTtlMs?: number | undefined;
}

/** The same, complete. */
export type Freshness = {
  readonly [K in keyof FreshnessOptions]-?: Exclude<FreshnessOptions[K], undefined>;
};

const off: Freshness = {
  staleWhileRevalidateMs: 0,
  graceMs: 0,
  earlyRefresh: 0,
  softTimeoutMs: Number.POSITIVE_INFINITY,
  hardTimeoutMs: Number.POSITIVE_INFINITY,
  completeInBackground: true,
  negativeTtlMs: 0,
};
const known = new Set(Object.keys(off));

/** What a call says, over what the cache says, over nothing. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function freshnessOf(given: FreshnessOptions | undefined, ofCache: Freshness = off): Freshness {
  if (given === undefined) return ofCache;
  checkOptions(given, known);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const least = name.endsWith('TimeoutMs') ? Number.MIN_VALUE : 0;
    const fits =
      name === 'completeInBackground'
        ? typeof value === 'boolean'
        : typeof value === 'number' && value >= least && !(name === 'earlyRefresh' && value >= 1);
    if (!fits) throw new InvalidArgumentError(`freshness.${name}`, expected(name), value);
  }
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...ofCache, ...said };
}

function expected(name: string): string {
  if (name === 'completeInBackground') return 'true or false';
  if (name === 'earlyRefresh') return 'from 0 to below 1';
  return name.endsWith('TimeoutMs') ? 'a positive number of milliseconds' : 'milliseconds, from 0';
}

/** Milliseconds for which an entry is kept once it is stale. */
export function keptStaleMs({ staleWhileRevalidateMs, graceMs }: Freshness): number {
  return Math.max(staleWhileRevalidateMs, graceMs);
}

/** How an entry may be served that is no hit. */
export function useOf(
  entry: Entry,
  freshness: Freshness,
  wallMs: number,
): 'revalidate' | 'grace' | undefined {
  const ageMs = wallMs - freshUntil(entry);
  if (ageMs < freshness.staleWhileRevalidateMs) return 'revalidate';
  return ageMs < freshness.graceMs ? 'grace' : undefined;
}

/** True when a hit is so old that a new answer should be made before it is stale. */
export function isDue(entry: Entry, { earlyRefresh }: Freshness, wallMs: number): boolean {
  if (earlyRefresh === 0) return false;
  const lifeMs = freshUntil(entry) - entry.createdAtMs;
  return wallMs - entry.createdAtMs >= earlyRefresh * lifeMs;
}

/** What `work` gives within its time. Rejects with `OriginTimeoutError` when that is over, and tells `onLate`. */
export function inTime<T>(work: Promise<T>, limitMs: number, clock: Clock, onLate: () => void): Promise<T> {
  if (limitMs === Number.POSITIVE_INFINITY) return work;
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () => {
      reject(new OriginTimeoutError(limitMs));
      onLate();
    });
    work.then(resolve, reject).finally(cancel);
  });
}
