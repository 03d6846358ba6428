// Counts that outlive a process, in the cache directory: open.ts adds to them, the command line shows them.
import { decodeRecord, encodeRecord } from './codec.js';
import type { Environment } from './environment.js';

/** Totals over all processes that closed their cache properly. */
export interface Lifetime {
  readonly queries: number;
  readonly misses: number;
  readonly refused: number;
  /** Hits by tier. */
  readonly hits: Readonly<Record<string, number>>;
}

const database = 'meta';
const key = new TextEncoder().encode('lifetime');
const none: Lifetime = { queries: 0, misses: 0, refused: 0, hits: {} };

/** What has been counted so far. */
export function readLifetime(environment: Environment): Lifetime {
  const bytes = environment.reader(database).get(key);
  return bytes === undefined ? none : decodeRecord<Lifetime>(bytes);
}

/** Adds a process's counts. Two processes that close in the same instant may lose one's: the counts are for people to read. */
export async function addLifetime(environment: Environment, added: Lifetime): Promise<void> {
  if (added.queries === 0) return;
  const before = readLifetime(environment);
  const hits: Record<string, number> = { ...before.hits };
  for (const [tier, count] of Object.entries(added.hits)) hits[tier] = (hits[tier] ?? 0) + count;
  const value = encodeRecord({
    queries: before.queries + added.queries,
    misses: before.misses + added.misses,
    refused: before.refused + added.refused,
    hits,
  } satisfies Lifetime);
  await environment.write([{ kind: 'put', database, key, value }]).catch(() => {});
}
