// The manifest of a corpus in the cache directory. open.ts imports it.
import { native } from '../core/native.js';
import { decodeRecord, encodeRecord } from '../disk/codec.js';
import type { Environment } from '../disk/environment.js';
import type { Manifest, ManifestRecord } from './manifest.js';

interface Stored extends ManifestRecord {
  readonly source: string;
}

/** The database of the environment in which the manifest of a corpus is. */
export const manifestDatabase = (corpus: string) => `${corpus}-manifest`;

/**
 * A manifest in a database of the environment, named after its corpus and the place the corpus is in: empty for the environment itself,
 * otherwise whatever tells that place from others.
 */
export function diskManifest(environment: Environment, corpus: string, place = ''): Manifest {
  const local = manifestDatabase(corpus);
  const database = place === '' ? local : `${local}-elsewhere`;
  const digest = (text: string) => native.sha256(new TextEncoder().encode(text));
  const prefix = place === '' ? new Uint8Array() : digest(place);
  const reader = environment.reader(database);
  // Sources are paths of any length, LMDB's keys are not.
  const keyOf = (source: string) => new Uint8Array(Buffer.concat([prefix, digest(source)]));
  return {
    get(source) {
      const bytes = reader.get(keyOf(source));
      return bytes === undefined ? undefined : decodeRecord<Stored>(bytes);
    },
    async set(records) {
      const puts = Array.from(records, ([source, record]) => {
        const value = encodeRecord({ ...record, source } satisfies Stored);
        return { kind: 'put', database, key: keyOf(source), value } as const;
      });
      await environment.write(puts);
    },
    async delete(source) {
      await environment.write([{ kind: 'remove', database, key: keyOf(source) }]);
    },
    entries() {
      const records = [...reader.entries(prefix)].map(([, bytes]) => decodeRecord<Stored>(bytes));
      return records.map(({ source, ...record }): [string, ManifestRecord] => [source, record]);
    },
  };
}
