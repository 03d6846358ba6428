// The verb `stats`. For program.ts alone.
import { type DirectoryReport, inspectDirectory, systemClock } from '../index.js';
import { type CommonFlags, type Context, load, openOptions } from './context.js';
import type { Output } from './output.js';
import { tableLines } from './table.js';
import { bytes, count, counted } from './text.js';

/** Options of `stats`. */
export interface StatsFlags extends CommonFlags {
  /** Seconds between reports; true without a number. */
  readonly watch?: number | true;
}

const watchSeconds = 2;
// To the upper left corner, and nothing below it.
const clear = '\u001b[H\u001b[J';

/** Shows what the cache directory holds, once or again and again. Starts no embedder and creates nothing. */
export async function stats(context: Context, { watch }: StatsFlags): Promise<void> {
  const { config } = load(context, openOptions(context.flags));
  const { output, signal } = context;
  const { directory } = config.cache;
  if (watch === undefined) return showDirectory(output, directory);
  const seconds = watch === true ? watchSeconds : watch;
  while (!signal.aborted) {
    const report = await inspectDirectory(directory);
    const at = new Date(systemClock.wall()).toISOString();
    output.data({ at, ...report });
    if (output.isTerminal && !output.json) process.stdout.write(clear);
    show(output, report);
    output.line();
    output.line(output.style.dim(`  ${at}, again every ${counted(seconds, 'second')}; Ctrl-C ends`));
    await pause(seconds, signal);
  }
  throw signal.reason;
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = systemClock.after(seconds * 1000, done);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** Prints the report on a directory. @throws as `inspectDirectory` */
export async function showDirectory(output: Output, directory: string): Promise<void> {
  const report = await inspectDirectory(directory);
  output.data(report);
  show(output, report);
}

function show(output: Output, report: DirectoryReport): void {
  if (output.json) return;
  const { bold, dim } = output.style;
  const { embedder, lifetime } = report;
  const hits = Object.values(lifetime.hits).reduce((sum, value) => sum + value, 0);

  output.line();
  output.line(`  ${bold('directory')}  ${report.directory} ${dim(`(${bytes(report.fileBytes)} on disk)`)}`);
  output.line(
    `  ${bold('embedder')}   ${embedder === null ? 'none yet' : `${embedder.name} ${dim(embedder.fingerprint.slice(0, 12))}`}`,
  );
  output.line();
  for (const line of sizes(output, report)) output.line(line);
  output.line();
  if (lifetime.queries === 0) {
    output.line('  No questions have been counted yet; each process adds its counts when it closes.');
    return;
  }
  const rows = [
    ...Object.entries(lifetime.hits).map(([tier, value]) => [
      `hits in tier ${tier}`,
      count(value),
      share(value, lifetime.queries),
    ]),
    ['misses', count(lifetime.misses), share(lifetime.misses, lifetime.queries)],
    ['misses by refusal of a rule', count(lifetime.refused), share(lifetime.refused, lifetime.queries)],
  ];
  const head = [
    { title: 'since the directory was made' },
    { title: 'count', align: 'right' },
    { title: 'share', align: 'right' },
  ] as const;
  const all = [
    ['questions', count(lifetime.queries), ''],
    ['hits', count(hits), share(hits, lifetime.queries)],
    ...rows,
  ];
  for (const line of tableLines(output, head, all)) output.line(line);
}

function sizes(output: Output, { disk, vector, corpus }: DirectoryReport): string[] {
  const head = [
    { title: 'database', width: 28 },
    { title: 'entries', align: 'right' },
    { title: 'bytes', align: 'right' },
    { title: 'what they are' },
  ] as const;
  return tableLines(output, head, [
    ['answers on disk (tier B)', count(disk.entries), bytes(disk.bytes), 'by exact question'],
    ['answers by meaning (tier C)', count(vector.entries), bytes(vector.bytes), 'with their vectors'],
    [
      'corpus',
      count(corpus.entries),
      bytes(corpus.bytes),
      `passages of ${count(corpus.documents)} documents`,
    ],
  ]);
}

function share(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}
