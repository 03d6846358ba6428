// The tables of the reference's README beside what this run measured; imported by run.ts, the report and tests.
import type { Row } from '../types.js';
import { share } from './table.js';

/** A line of a table: what the reference says, and what was measured here, or why there is nothing. */
export interface Claim {
  readonly what: string;
  readonly claimed: string;
  readonly measured: string;
}

/** One table. */
export interface ReferenceTable {
  readonly title: string;
  readonly lines: readonly Claim[];
}

const none = 'not measured in this run';
const time = (us: number) =>
  us >= 1e3 ? `${(us / 1e3).toPrecision(3)} ms` : `${us < 10 ? us.toFixed(1) : us.toFixed(0)} µs`;

/** The reference's tables of latency, memory and compression. What no run here can show says so. */
export function referenceTables(rows: readonly Row[]): ReferenceTable[] {
  const row = (name: Row['case'], contender: string, where: Partial<Pick<Row, 'embedded' | 'n'>> = {}) =>
    rows.find(
      (candidate) =>
        candidate.case === name &&
        candidate.contender === contender &&
        candidate.failed === undefined &&
        (where.embedded === undefined || candidate.embedded === where.embedded) &&
        (where.n === undefined || candidate.n === where.n),
    );
  /** p50 without and with the embedding, and p99. */
  const tier = (name: Row['case']) => {
    const bare = row(name, 'ours', { embedded: 'without' });
    const whole = row(name, 'ours', { embedded: 'with' });
    if (typeof bare?.p50Us !== 'number' || typeof whole?.p50Us !== 'number') return none;
    return `p50 ${time(bare.p50Us)}, with the embedding ${time(whole.p50Us)}; p99 ${time(bare.p99Us as number)} (${bare.n?.toLocaleString('en-US')} entries)`;
  };
  const index = (contender: string) => {
    const sizes = rows.filter(
      (candidate) =>
        candidate.case === 'index' && candidate.contender === contender && candidate.p50Us !== null,
    );
    const largest = sizes.reduce<Row | undefined>(
      (most, candidate) => ((candidate.n as number) > (most?.n ?? 0) ? candidate : most),
      undefined,
    );
    if (largest === undefined) return none;
    return `p50 ${time(largest.p50Us as number)}, recall ${share(largest.recall)} (${largest.n?.toLocaleString('en-US')} × ${largest.d})`;
  };
  const single = row('embed-one', 'ours')?.opsPerS;
  const many = row('embed-throughput', 'ours')?.opsPerS;
  const codes = row('compression', 'ours, product codes');
  const graph = row('compression', 'hnswlib-node');
  const codeBytes = codes?.bytes;
  const graphBytes = graph?.bytes;
  const raw = codes?.facts?.['raw bytes a vector'];
  const a = (bytes: number | null | undefined) =>
    typeof bytes === 'number'
      ? `${Math.round(bytes).toLocaleString('en-US')} B a vector: ${gigabytes(bytes * 1e6)}, ${gigabytes(bytes * 1e7)}, ${gigabytes(bytes * 1e8)}`
      : none;
  const both =
    typeof codeBytes === 'number' && typeof graphBytes === 'number' ? codeBytes + graphBytes : undefined;
  const ratio = codes?.facts?.['compression, codebooks aside'];
  return [
    {
      title: 'Latency',
      lines: [
        { what: 'tier A, local HNSW hit', claimed: '0.5–3 ms', measured: tier('tier-a-semantic') },
        { what: 'tier A, the same question again', claimed: '0.5–3 ms', measured: tier('tier-a-exact') },
        { what: 'tier B, Redis hit', claimed: '5–15 ms', measured: tier('tier-b-redis') },
        {
          what: 'tier C, vector database',
          claimed: '50–300 ms in one table, 20–100 ms in another',
          measured: tier('tier-c'),
        },
        { what: 'exact search (Faiss Flat), 10M', claimed: '50–100 ms', measured: index('ours, flat') },
        {
          what: 'approximate search (Faiss IVF+PQ), 10M',
          claimed: '15–50 ms',
          measured: index('ours, ivfpq'),
        },
        { what: 'Qdrant, local and cloud', claimed: '100–200 ms, 200–400 ms', measured: none },
        { what: 'average of its demo, 5 questions', claimed: '0.96 ms', measured: tier('tier-a-semantic') },
      ],
    },
    {
      title: 'Embedding',
      lines: [
        {
          what: 'texts a second, one at a time',
          claimed: '50–100',
          measured: typeof single === 'number' ? `${Math.round(single).toLocaleString('en-US')}` : none,
        },
        {
          what: 'texts a second, many waiting',
          claimed: 'more',
          measured: typeof many === 'number' ? `${Math.round(many).toLocaleString('en-US')}` : none,
        },
      ],
    },
    {
      title:
        'Memory at 1M, 10M and 100M vectors, d = 1536 (here: bytes of an array or a process, times the number)',
      lines: [
        { what: 'raw float32', claimed: '5.7 GB, 57.2 GB, 572 GB (they are GiB)', measured: a(raw) },
        { what: 'PQ, m = 64, 8 bits', claimed: '61 MB, 610 MB, 6.1 GB', measured: a(codeBytes) },
        {
          what: 'HNSW, M = 16',
          claimed: '192 MB, 1.9 GB, 19 GB; 3.8 GB for 10M in another place',
          measured: typeof graphBytes === 'number' ? `hnswlib-node ${a(graphBytes)}` : none,
        },
        { what: 'PQ and HNSW together', claimed: '253 MB, 2.5 GB, 25 GB', measured: a(both) },
      ],
    },
    {
      title: 'Compression',
      lines: [
        {
          what: 'float32 to product codes, d = 1536, m = 64',
          claimed: '96x',
          measured: typeof ratio === 'number' ? `${ratio.toFixed(0)}x` : none,
        },
      ],
    },
  ];
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toPrecision(3)} GB`;
}

/** The tables as text. */
export function referenceLines(rows: readonly Row[]): string[] {
  return referenceTables(rows).flatMap(({ title, lines }) => [
    `  ${title}`,
    ...lines.flatMap(({ what, claimed, measured }) => [
      `    ${what}`,
      `      reference claims ${claimed}`,
      `      measured here    ${measured}`,
    ]),
  ]);
}
