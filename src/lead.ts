// Single flight across processes: waits for another process' answer, or gets the right to generate. cache.ts imports it.
import type { Cascade, Finding, Query } from './cascade.js';
import type { Lease, Leases } from './core/lease.js';

/** Either what another process has stored meanwhile, or the right to generate; neither where nobody can tell who generates. */
export interface Lead {
  readonly finding?: Finding | undefined;
  readonly lease?: Lease | undefined;
}

/** Waits while another process generates the answer. Rejects with the signal's reason, or with what a strict tier throws. */
export async function lead(
  leases: Leases | undefined,
  cascade: Cascade,
  query: Query,
  signal: AbortSignal,
): Promise<Lead> {
  if (leases === undefined) return {};
  for (;;) {
    const lease = await leases.acquire(query.key, query.scope);
    if (lease === undefined) return {};
    const held = lease === 'taken' ? undefined : lease;
    if (held === undefined) await leases.whenFree(query.key, query.scope, signal);
    let finding: Finding | undefined;
    try {
      // Whoever held it before may have stored the answer since we looked.
      finding = await cascade.findExact(query);
      signal.throwIfAborted();
    } catch (error) {
      await held?.release();
      throw error;
    }
    if (finding !== undefined) {
      await held?.release();
      return { finding };
    }
    if (held !== undefined) return { lease: held };
  }
}

/** Lets whoever waits for the lease go on once the answer is stored or there is none, or when nobody here waits for it any more. */
export function releaseAfter(
  generating: Promise<{ readonly settled: Promise<unknown> }>,
  lease: Lease,
  signal: AbortSignal,
): void {
  const release = () => {
    signal.removeEventListener('abort', release);
    void lease.release();
  };
  signal.addEventListener('abort', release, { once: true });
  generating.then(({ settled }) => settled).then(release, release);
}
