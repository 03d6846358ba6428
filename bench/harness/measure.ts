// Times calls and works out percentiles; imported by contenders and the harness.
import type { Figures } from '../types.js';

/** Microseconds of each call of `work`, called with 0 to `calls` - 1. */
export function timeEach(calls: number, work: (index: number) => void): Float64Array {
  const latencies = new Float64Array(calls);
  for (let i = 0; i < calls; i++) {
    const started = performance.now();
    work(i);
    latencies[i] = (performance.now() - started) * 1e3;
  }
  return latencies;
}

/** Microseconds a call, one value a batch of `size` calls: for work that is shorter than reading the clock. */
export function timeBatches(batches: number, size: number, work: (index: number) => void): Float64Array {
  const latencies = new Float64Array(batches);
  for (let batch = 0, i = 0; batch < batches; batch++) {
    const started = performance.now();
    for (const end = i + size; i < end; i++) work(i);
    latencies[batch] = ((performance.now() - started) * 1e3) / size;
  }
  return latencies;
}

/** What an asynchronous call reports beside its duration. */
export interface Told {
  /** The result was the right one. */
  readonly right: boolean;
  /** Microseconds of the call that the row does not count. */
  readonly excludedUs?: number;
  /** Done after the clock was stopped, before the next call. */
  readonly after?: () => Promise<unknown> | undefined;
}

/** Calls one after the other, each awaited; microseconds of each and the share that was right. */
export async function timeAwaited(
  calls: number,
  work: (index: number) => Promise<Told> | Told,
): Promise<{ latenciesUs: Float64Array; recall: number }> {
  const latenciesUs = new Float64Array(calls);
  let right = 0;
  for (let i = 0; i < calls; i++) {
    const started = performance.now();
    const told = await work(i);
    latenciesUs[i] = (performance.now() - started) * 1e3 - (told.excludedUs ?? 0);
    if (told.right) right++;
    await told.after?.();
  }
  return { latenciesUs, recall: calls === 0 ? 0 : right / calls };
}

/** Nearest-rank percentile, `p` in [0, 100], of values that are sorted already. */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  const rank = Math.max(1, Math.ceil((p / 100) * sorted.length));
  return sorted[Math.min(rank, sorted.length) - 1] ?? Number.NaN;
}

/** The figures of a run from its latencies; `opsPerS` is the inverse of their mean unless it is given. */
export function figuresOf(latenciesUs: Float64Array, others: Partial<Figures> = {}): Figures {
  const sorted = latenciesUs.slice().sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return {
    p50Us: percentile(sorted, 50),
    p95Us: percentile(sorted, 95),
    p99Us: percentile(sorted, 99),
    opsPerS: 1e6 / mean,
    recall: null,
    bytes: null,
    ...others,
  };
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}

/** The middle of several runs, figure by figure; recall is the worst of them. */
export function combine(runs: readonly Figures[]): Figures & { spreadPct: number | null } {
  const of = (name: Exclude<keyof Figures, 'facts' | 'quantilesUs' | 'curve'>) =>
    runs.map((run) => run[name]).filter((value) => value !== null);
  const leading = of('p50Us').length > 0 ? of('p50Us') : of('opsPerS');
  const middle = median(leading);
  const recalls = of('recall');
  return {
    p50Us: median(of('p50Us')),
    p95Us: median(of('p95Us')),
    p99Us: median(of('p99Us')),
    opsPerS: median(of('opsPerS')),
    recall: recalls.length === 0 ? null : Math.min(...recalls),
    bytes: median(of('bytes')),
    facts: runs.at(-1)?.facts,
    quantilesUs: runs.at(-1)?.quantilesUs,
    curve: runs.at(-1)?.curve,
    spreadPct:
      middle === null || leading.length < 2
        ? null
        : (50 * (Math.max(...leading) - Math.min(...leading))) / middle,
  };
}
