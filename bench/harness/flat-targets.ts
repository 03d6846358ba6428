// Targets of the exact index's storages and batches; imported by targets.ts.
import type { Target } from './targets.js';

const at100k = { n: 100_000 };
const percent = (value: number) => `${(value * 100).toFixed(0)} %`;

/** How near a scan comes to a plain read, and what 64 queries gain by being asked together. */
export const flatTargets: readonly Target[] = [
  {
    case: 'storage',
    text: 'codes of 100k that a search by int8 and rescoring reads a second, recall ≥ 0.999, of a plain read: ≥ 60 % (stretch 85 %)',
    must: 0.6,
    stretch: 0.85,
    atLeast: true,
    measure(rows) {
      const row = rows.get('storage', 'ours, float32', at100k);
      return (row?.recall ?? 0) >= 0.999 ? row?.facts?.['share of it'] : undefined;
    },
    show: percent,
  },
  {
    case: 'search-many',
    text: 'searchMany of 64 queries over 100k: ≥ 3 times the throughput of 64 searches',
    must: 3,
    atLeast: true,
    measure(rows) {
      const many = rows.get('search-many', 'ours, searchMany', at100k)?.opsPerS;
      const single = rows.get('search-many', 'ours, one by one', at100k)?.opsPerS;
      return many && single ? many / single : undefined;
    },
    show: (value) => `${value.toFixed(2)}x`,
  },
];
