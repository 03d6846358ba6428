// A line of text in the cache directory that outlives the process; open.ts imports it.
import type { Environment } from './environment.js';

/** A text that is kept. */
export interface Remembered {
  /** What was set last, by whatever process. */
  get(): string | undefined;
  /** Keeps a text, or none; resolves when it is on stable storage. */
  set(text: string | undefined): Promise<void>;
}

const database = 'meta';

/** The text of that name, at most 1,000 bytes long. */
export function remembered(environment: Environment, name: string): Remembered {
  const key = new TextEncoder().encode(`remembered ${name}`);
  return {
    get: () => environment.reader(database).get(key)?.toString('utf8'),
    async set(text) {
      const value = text === undefined ? undefined : new TextEncoder().encode(text);
      await environment.write([
        value === undefined ? { kind: 'remove', database, key } : { kind: 'put', database, key, value },
      ]);
    },
  };
}
