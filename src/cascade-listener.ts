// What a cascade tells of its work, and who counts it and passes it on. cascade.ts and cache.ts import it.
import type { Entry } from './core/entry.js';
import type { Recorder } from './recorder.js';
import type { Hub } from './telemetry/hub.js';

/** Told of what a cascade does besides answering. */
export interface CascadeListener {
  /** An embedding failed; the question then counts as one that nothing is near to. */
  readonly onEmbedError: (error: unknown) => void;
  /** A verifier threw; nothing is accepted by meaning then. */
  readonly onDecideError?: ((error: unknown) => void) | undefined;
  /** A tier could not be written. */
  readonly onStoreError: (tier: string, error: unknown) => void;
  /** An entry was written, or could not be. */
  readonly onStore?: ((entry: Entry, stored: Stored) => void) | undefined;
  /** A hit was copied into a tier before the one that had it. */
  readonly onPromote?: ((entry: Entry, from: string, to: string) => void) | undefined;
}

/** What became of a write. */
export interface Stored {
  /** Names of the tiers that hold it. */
  readonly stored: readonly string[];
  /** Names of the tiers that could not write it. */
  readonly failed: readonly string[];
}

/** Counts what is told, and passes it on as events. */
export function cascadeListener(recorder: Recorder, hub: Hub): CascadeListener {
  return {
    onEmbedError: (error) => {
      recorder.count('embedErrors');
      hub.fact('degraded', { part: 'embedder', tier: undefined, error });
    },
    onDecideError: (error) => {
      recorder.count('decideErrors');
      hub.fact('degraded', { part: 'decision', tier: undefined, error });
    },
    onStoreError: (tier, error) => {
      recorder.count('storeErrors');
      hub.fact('degraded', { part: 'write', tier, error });
    },
    onStore: ({ key, scope, costMs, usage }, stored) => {
      hub.fact('stored', { key, scope, ...stored, costMs, usage });
    },
    onPromote: ({ key, scope }, from, to) => hub.fact('promoted', { key, scope, from, to }),
  };
}
