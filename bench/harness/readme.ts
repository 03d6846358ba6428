// The figures of README.md, made from a result file; imported by bench/readme.ts and tests.
import type { CaseName, Embedded, Row } from '../types.js';
import type { Header } from './header.js';
import { share } from './table.js';

/** What `npm run bench -- --record` writes. */
export interface Recorded {
  readonly header: Header;
  readonly rows: readonly Row[];
}

/** Microseconds as a reader of the front page wants them: two digits, three from 10 ms on. */
export function duration(us: number | null | undefined): string {
  if (typeof us !== 'number') return '–';
  if (us < 100) return `${us < 10 ? us.toFixed(1) : us.toFixed(0)} µs`;
  const ms = us / 1e3;
  if (ms >= 1e3) return `${(ms / 1e3).toFixed(1)} s`;
  return `${ms < 1 ? ms.toFixed(2) : ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** The generated parts of README.md by the names of their markers. */
export function readmeParts({ header, rows }: Recorded): Record<string, string> {
  const find = (name: CaseName, contender: string, embedded?: Embedded, n?: number) =>
    rows.find(
      (row) =>
        row.case === name &&
        row.contender === contender &&
        row.failed === undefined &&
        (row.data ?? 'clustered') === 'clustered' &&
        (embedded === undefined || row.embedded === embedded) &&
        (n === undefined || row.n === n),
    );
  const p50 = (...where: Parameters<typeof find>) => duration(find(...where)?.p50Us);
  const entries = (name: CaseName) => find(name, 'ours')?.n?.toLocaleString('en-US') ?? '–';
  const rival = 'llm-semantic-cache';
  const both = (name: CaseName) =>
    find(name, rival) &&
    `${rival} ${p50(name, rival, 'without')}, ${p50(name, rival, 'with')} with the embedding`;
  const tiers: readonly (readonly [
    label: string,
    name: CaseName,
    exact: boolean,
    beside: string | undefined,
  ])[] = [
    [
      'tier A, memory, same words',
      'tier-a-exact',
      true,
      `bentocache ${p50('tier-a-exact', 'bentocache')}, cacheable ${p50('tier-a-exact', 'cacheable')}, ${rival} ${p50('tier-a-exact', rival, 'without')}`,
    ],
    [
      `tier A, memory, other words, ${entries('tier-a-semantic')} entries`,
      'tier-a-semantic',
      false,
      both('tier-a-semantic'),
    ],
    ['tier B, disk', 'tier-b-disk', true, ''],
    [
      'tier B, Redis on the same machine',
      'tier-b-redis',
      true,
      `a bare \`getBuffer\` ${p50('tier-b-redis', 'ioredis')}`,
    ],
    [`tier C, embedded vector database, ${entries('tier-c')} entries`, 'tier-c', false, ''],
    ["nowhere: what a miss adds to your model's answer", 'miss', false, both('miss')],
  ];
  const lines = tiers.map(([label, name, exact, beside]) => {
    const bare = find(name, 'ours', 'without');
    const whole = exact ? 'none needed' : p50(name, 'ours', 'with');
    return `| ${label} | ${duration(bare?.p50Us)} | ${duration(bare?.p99Us)} | ${whole} | ${beside ?? ''} |`;
  });
  const at10k = (name: CaseName, contender: string) => p50(name, contender, undefined, 10_000);
  const recall = (contender: string) => share(find('flat-search', contender, undefined, 10_000)?.recall);
  const rate = (contender: string) => {
    const perSecond = find('embed-throughput', contender)?.opsPerS;
    return typeof perSecond === 'number' ? Math.round(perSecond).toLocaleString('en-US') : '–';
  };
  return {
    exact: p50('tier-a-exact', 'ours', 'without'),
    semantic: p50('tier-a-semantic', 'ours', 'with'),
    tiers: [
      '',
      '| found in | p50 | p99 | with the embedding, p50 | beside it, same run |',
      '|---|---|---|---|---|',
      ...lines,
      '',
      `\`npm run bench\` on ${header.date.slice(0, 10)} at commit ${header.commit.replace('+', ' with changes')}, ${header.cores} cores of ${header.cpu} (kernel ${header.kernel}), Node ${header.node.slice(1)}; every hit checked to be the right one.`,
      `In that run the index, at 10,000 vectors and recall ${recall('ours')}, took ${at10k('flat-search', 'ours')} a search (hnswlib-node ${at10k('flat-search', 'hnswlib-node')} at ${recall('hnswlib-node')}, usearch ${at10k('flat-search', 'usearch')} at ${recall('usearch')})`,
      `and ${at10k('flat-build', 'ours')} to build (${at10k('flat-build', 'hnswlib-node')}, ${at10k('flat-build', 'usearch')}), and 64 waiting questions were embedded at ${rate('ours')} a second (transformers.js ${rate('transformers.js')}).`,
      '',
    ].join('\n'),
  };
}

/** The text with its marked parts replaced. @throws when a marker is missing, or there twice */
export function withParts(text: string, parts: Readonly<Record<string, string>>): string {
  let result = text;
  for (const [name, part] of Object.entries(parts)) {
    const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
    const pieces = result.split(open);
    const [before, after] = pieces as [string, string];
    const end = after?.indexOf(close) ?? -1;
    if (pieces.length !== 2 || end < 0) throw new Error(`README.md: ${open} … ${close} is not there once`);
    result = `${before}${open}${part}${after.slice(end)}`;
  }
  return result;
}
