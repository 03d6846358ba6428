// Targets of product quantisation; imported by targets.ts.
import type { Target } from './targets.js';

/** Encoding on one core, and training on two. */
export const pqTargets: readonly Target[] = [
  {
    case: 'pq',
    text: 'PQ encoding, m = 48, 8 bits, vectors/s on one core: ≥ 150,000 (stretch 300,000)',
    must: 150_000,
    stretch: 300_000,
    atLeast: true,
    measure: (rows) => rows.get('pq', 'ours')?.opsPerS ?? undefined,
    show: (value) => `${Math.round(value).toLocaleString('en-US')}/s`,
  },
  {
    case: 'pq',
    text: 'PQ training on 100k, m = 48, 8 bits, two threads: ≤ 20 s (stretch 8 s)',
    must: 20,
    stretch: 8,
    measure: (rows) => rows.get('pq', 'ours', { n: 100_000 })?.facts?.['training s'],
    show: (value) => `${value.toFixed(1)} s`,
  },
];
