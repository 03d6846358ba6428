// Single flight across processes: who may generate an answer that nobody has. Any folder may import it.
import type { Key } from './entry.js';
import type { Scope } from './scope.js';

/** The right to generate, until it is released or its holder dies. */
export interface Lease {
  /** Names this holder: a tier refuses a write that carries it once the lease is another's. */
  readonly fence: string;
  /** True while it is ours. */
  isHeld(): Promise<boolean>;
  /** Gives it back; whoever waits goes on. Never rejects. */
  release(): Promise<void>;
}

/** Gives out leases: one for a key at a time among all processes of a cache. */
export interface Leases {
  /** The lease; `taken` while another process holds it; undefined when nobody can tell, and the caller generates without. Never rejects. */
  acquire(key: Key, scope: Scope): Promise<Lease | 'taken' | undefined>;
  /** Resolves when the lease of the key may be free: its holder has released it, died or had it for long; rejects with the signal's reason. */
  whenFree(key: Key, scope: Scope, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
