// Removals that other machines could not be told of yet, kept across restarts; stores.ts gives it to the ledger in Redis.
import type { Mark } from '../core/ledger.js';
import type { Journal } from '../core/shared-ledger.js';
import type { Environment, Operation } from './environment.js';

const database = 'unsent-removals';

/** A journal in the cache directory: an entry a name, at most as many as the ledger lets wait. */
export function diskJournal(environment: Environment): Journal {
  const reader = environment.reader(database);
  const write = async (removed: Iterable<Mark>, kind: 'put' | 'remove') => {
    const operations = Array.from(removed, (mark): Operation => {
      const key = new TextEncoder().encode(mark);
      return kind === 'put' ? { kind, database, key, value: new Uint8Array() } : { kind, database, key };
    });
    if (operations.length > 0) await environment.write(operations);
  };
  return {
    held: () => Array.from(reader.entries(), ([key]) => key.toString('utf8')),
    add: (removed) => write(removed, 'put'),
    drop: (removed) => write(removed, 'remove'),
  };
}
