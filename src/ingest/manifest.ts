// What has been ingested, so that the next run knows what changed. The pipeline reads it; disk implementations import it.
import type { MaybePromise } from '../core/tier.js';

/** What is known of one source. */
export interface ManifestRecord {
  /** `contentFingerprint` of the source's text: 64 hexadecimal digits. */
  readonly fingerprint: string;
  /** `chunkingConfigHash` it was cut with; empty while its chunks are being replaced, so that an interrupted run is taken up again. */
  readonly chunkingHash: string;
  /** Hash of all else that its chunks carry: title, metadata, scope, embedder; empty when they are to be written anew. */
  readonly contextHash: string;
  /** Every id that this source may have in the database; never fewer than are there. */
  readonly chunkIds: readonly string[];
}

/**
 * Sources by name, of one scope of one database. A write that has resolved survives the death of the process. One run at a time writes it.
 */
export interface Manifest {
  /** The record of a source. */
  get(source: string): MaybePromise<ManifestRecord | undefined>;
  /** Writes the records of sources, replacing earlier ones: all of them or none, and at the cost of one write. */
  set(records: Iterable<readonly [source: string, record: ManifestRecord]>): Promise<void>;
  /** Forgets a source. */
  delete(source: string): Promise<void>;
  /** All sources; may be changed while it is being read. */
  entries(): Iterable<[string, ManifestRecord]>;
}

/** A manifest that lives as long as the process: each run of a new process ingests everything anew. */
export function memoryManifest(): Manifest {
  const records = new Map<string, ManifestRecord>();
  return {
    get: (source) => records.get(source),
    async set(given) {
      for (const [source, record] of given) records.set(source, record);
    },
    async delete(source) {
      records.delete(source);
    },
    entries: () => [...records],
  };
}
