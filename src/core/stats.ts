// Counts and latencies of a cascade; cache.ts writes, the public face shows. No I/O.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** A latency distribution in milliseconds; all zero when nothing was measured. */
export interface LatencySummary {
  readonly count: number;
  readonly averageMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** Records durations; relative error of the percentiles under 1 in 1,000. */
export class Latency {
  readonly #nanoseconds: RecordableHistogram = createHistogram();

  record(milliseconds: number): void {
    this.#nanoseconds.record(Math.max(1, Math.round(milliseconds * 1e6)));
  }

  /** All of several distributions as one. */
  static together(latencies: Iterable<Latency>): LatencySummary {
    const all = new Latency();
    for (const each of latencies) if (each.#nanoseconds.count > 0) all.#nanoseconds.add(each.#nanoseconds);
    return all.summary();
  }

  summary(): LatencySummary {
    const histogram = this.#nanoseconds;
    if (histogram.count === 0) return { count: 0, averageMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 };
    return {
      count: histogram.count,
      averageMs: histogram.mean / 1e6,
      p50Ms: histogram.percentile(50) / 1e6,
      p95Ms: histogram.percentile(95) / 1e6,
      p99Ms: histogram.percentile(99) / 1e6,
    };
  }
}

/** A bag of named counters. */
export class Counters<Name extends string> {
  readonly #counts = new Map<Name, number>();

  add(name: Name, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  get(name: Name): number {
    return this.#counts.get(name) ?? 0;
  }

  all(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
