// Rows as text tables; imported by run.ts.
import { type CaseName, caseNames, type Row } from '../types.js';
import { claims, type Verdict } from './targets.js';

/** What each case counts, for the table and the report. */
export const titles: Readonly<Record<CaseName, string>> = {
  key: 'key of a 60-character question',
  'flat-search': 'the 10 nearest of n vectors',
  'flat-build': 'an index over n vectors',
  crossover: 'the 10 nearest of n vectors, by scan and by inverted lists',
  'embed-one': 'one 12-token question, one at a time',
  'embed-throughput': '64 questions waiting',
  'loop-delay': 'event-loop delay of the main thread while embedding',
  'tier-a-exact': 'whole cache, the same question again',
  'tier-a-semantic': 'whole cache, a stored question in other words',
  'tier-b-disk': 'whole cache, found in LMDB',
  'tier-b-redis': 'whole cache, found in Redis',
  'tier-c': 'whole cache, found in the vector database',
  miss: 'whole cache, every tier asked in vain',
  'hit-rate': 'what tier A still holds when it is asked for',
  'warm-restart': 'tier A after restarts',
  answers: 'misses, replays, a thousand readers of one stream, a mixed load',
  ingest: 'short documents of a folder into a corpus',
  faults: 'what callers notice while Redis fails',
  'graph-recall': 'both messages that an answer needs, recalled under a budget of tokens',
  pq: 'vectors into codes of 48 parts, after training on them',
  storage: 'the 10 nearest of n vectors by the exact index, by what it keeps of them',
  'search-many': '64 queries over the exact index, at once and one by one',
  'shared-index': 'four workers over one index in a file, beside one; memory is PSS',
  decide: 'features of two unseen questions of 100 characters, and the whole decision on a lookup',
  fit: 'the same index on real vectors and on fitted ones; what counts is recall',
  index: 'the 10 nearest of n vectors, at recall 0.95 or more where that is reached',
  streamed: 'the 10 nearest of n vectors by their codes alone, brought in by pieces',
  churn: 'lists whose every row was replaced ten times, beside fresh ones',
  compression: 'what product codes weigh, and a graph beside its vectors',
};

/** What the columns mean. */
export const units: readonly string[] = [
  'p50, p95, p99: microseconds of one call; the middle of the runs. key: of batches of 256 calls. flat-build: of one whole build. search-many: of all 64 queries.',
  'embed-throughput: from the hand-over of 64 texts until a text has its vector. loop-delay: between ticks of a 1 ms timer.',
  'ops/s: calls a second, one after the other. flat-build: rows a second. embed-throughput, loop-delay: texts a second. ingest: documents a second. pq: vectors a second. search-many: queries a second.',
  '±%: half the distance between the fastest and the slowest run, in percent of the middle one.',
  'right: share of right results, the worst run. Index: recall@10 against brute force in double precision. Cache: right tier and',
  '  right answer. key: both ways agree. Embedding: cosine ≥ 0.999 with the bare run.',
  'bytes: of memory a vector, or of a tier an entry. with: embedding included; without: excluded.',
];

const columns = ['p50 µs', 'p95 µs', 'p99 µs', 'ops/s', '±%', 'right', 'bytes'];
const widths = [12, 12, 12, 12, 6, 7, 8];

/** Three significant figures or so, thousands set apart. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A share of right results, rounded down: 1.000 is all of them. */
export function share(value: number | null | undefined): string {
  return typeof value === 'number' ? (Math.floor(value * 1e3) / 1e3).toFixed(3) : '–';
}

/** The cells of a row behind its name. */
export function cells({ p50Us, p95Us, p99Us, opsPerS, spreadPct, recall, bytes }: Row): string[] {
  const spread = spreadPct === null ? '–' : spreadPct.toFixed(0);
  const right = share(recall);
  return [
    figure(p50Us),
    figure(p95Us),
    figure(p99Us),
    figure(opsPerS),
    spread,
    right,
    bytes === null ? '–' : figure(Math.round(bytes)),
  ];
}

/** Facts in words. */
export function factsOf({ facts = {} }: Row): string {
  return Object.entries(facts)
    .map(
      ([name, value]) => `${name} ${Number.isInteger(value) ? value.toLocaleString('en-US') : figure(value)}`,
    )
    .join(' · ');
}

/** What a row is called in a table. */
export function nameOf({ contender, embedded }: Row): string {
  return embedded === undefined ? contender : `${contender}, ${embedded}`;
}

/** Rows of one case, n and data set: one table. */
export interface Section {
  readonly case: CaseName;
  readonly heading: string;
  readonly rows: readonly Row[];
}

/** The rows in tables, in the order of the cases. */
export function sectionsOf(rows: readonly Row[]): Section[] {
  const groups = new Map<string, Row[]>();
  for (const name of caseNames) {
    for (const row of rows.filter((candidate) => candidate.case === name)) {
      const size = [
        row.n === null ? '' : `n=${figureOfCount(row.n)}`,
        row.d === null ? '' : `d=${row.d}`,
        ['flat-search', 'crossover', 'storage', 'fit', 'index', 'streamed', 'churn'].includes(name)
          ? 'k=10'
          : '',
        row.data ?? '',
      ].filter((part) => part !== '');
      const heading = [name, ...size].join(' · ');
      groups.set(heading, [...(groups.get(heading) ?? []), row]);
    }
  }
  return [...groups].map(([heading, members]) => ({
    case: (members[0] as Row).case,
    heading,
    rows: members,
  }));
}

const figureOfCount = (value: number) => value.toLocaleString('en-US');

/** One table as text. */
export function sectionLines({ case: name, heading, rows }: Section): string[] {
  const first = 34;
  const pad = (texts: readonly string[]) =>
    texts.map((text, i) => text.padStart(widths[i] as number)).join('');
  const lines = ['', `${heading} — ${titles[name]}`, ''.padEnd(first) + pad(columns)];
  for (const row of rows) {
    const label = `  ${nameOf(row)}`.padEnd(first);
    lines.push(row.failed === undefined ? label + pad(cells(row)) : `${label}  failed: ${row.failed}`);
    if (row.facts !== undefined) lines.push(`      ${factsOf(row)}`);
  }
  const claim = claims[name];
  if (claim) lines.push(`  reference claims ${claim.claim}; reached when measured: ${claim.reached}`);
  return lines;
}

/** The targets as text. */
export function verdictLines(verdicts: readonly Verdict[]): string[] {
  return verdicts.map(({ target, measured, must, stretch }) => {
    const goals = stretch === undefined ? must : `${must}, stretch ${stretch}`;
    return `  ${target}\n      ${measured} → ${goals}`;
  });
}

/** Notes of the rows, each contender of a case once. */
export function noteLines(rows: readonly Row[]): string[] {
  const notes = rows
    .filter((row) => row.note !== undefined)
    .map((row) => `  ${row.case} · ${nameOf(row)}: ${row.note}`);
  return [...new Set(notes)];
}
