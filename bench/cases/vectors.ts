// Cases `fit` and `index`: indexes over real and fitted vectors; imported by cases/all.ts.
import type { Job } from '../types.js';
import type { CaseDefinition, JobDefaults } from './all.js';

const dimension = 384;
const fitRows = 30_000;
// hnswlib-node takes the better part of an hour for a million rows, usearch some minutes.
const setupMinutes = 90;

type Contender = readonly [contender: string, subject: string];
const ours: readonly Contender[] = [
  ['ours, flat', 'set-flat'],
  ['ours, ivfpq', 'set-ivfpq'],
];
const codes: readonly Contender[] = [
  ['ours, codes of 4 bits', 'set-ivfpq-codes-4'],
  ['ours, codes of 8 bits', 'set-ivfpq-codes-8'],
];
const graphs: readonly Contender[] = [
  ['usearch, int8', 'set-usearch-int8'],
  ['usearch, float16', 'set-usearch-float16'],
  ['hnswlib-node', 'set-hnswlib'],
];

function contest(
  defaults: JobDefaults,
  data: 'real' | 'fitted',
  n: number,
  contenders: readonly Contender[],
): Job[] {
  return contenders.map(([contender, subject]) => ({
    ...defaults,
    case: 'index',
    contender,
    subject,
    n,
    d: dimension,
    data,
    quietSetup: true,
    setupMinutes,
  }));
}

/** The same indexes on real vectors and on fitted ones: whether these may stand for those. */
function fitJobs(defaults: JobDefaults): Job[][] {
  const subjects: readonly (readonly [...Contender, number | undefined])[] = [
    ['usearch, float16, expansion 16', 'set-usearch-float16', 16],
    ['usearch, float16, expansion 64', 'set-usearch-float16', 64],
    ['ours, ivfpq, nprobe 16', 'set-ivfpq', 16],
    ['product codes, m = 48', 'set-codes', undefined],
    ['product codes, m = 48, 4 bits', 'set-codes-nibbles', undefined],
  ];
  return (['real', 'fitted'] as const).map((data) =>
    subjects.map(([contender, subject, setting]): Job => {
      const base = { ...defaults, runs: 1, case: 'fit', contender, subject, n: fitRows } as const;
      return { ...base, d: dimension, data, quietSetup: true, ...(setting === undefined ? {} : { setting }) };
    }),
  );
}

/** Indexes at the recall asked for, with build time and bytes; the sizes grow with the mode. */
export const vectors: CaseDefinition = {
  cases: ['fit', 'index'],
  groups(defaults, { sizes }) {
    const { quick, full } = defaults;
    const all = [...ours, ...codes, ...graphs];
    if (sizes !== undefined) return sizes.map((n) => contest(defaults, 'fitted', n, all));
    if (quick) return [contest(defaults, 'fitted', 10_000, all.slice(0, 2))];
    return [
      ...fitJobs(defaults),
      contest(defaults, 'real', 10_000, all),
      contest(defaults, 'fitted', 100_000, all),
      contest(defaults, 'fitted', 1_000_000, full ? all : [...ours, ...codes]),
    ];
  },
};
