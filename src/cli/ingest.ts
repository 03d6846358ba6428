// The verb `ingest`, and the ingestion with its progress that the demo shares. For program.ts and demo.ts alone.
import { resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import {
  type ConfigInput,
  type IngestReport,
  openQueryService,
  type QueryService,
  type ServiceIngestOptions,
} from '../index.js';
import { type CommonFlags, type Context, load, loggerOf, openOptions } from './context.js';
import { Interrupted, UsageError } from './failure.js';
import { directoryOption, invocation } from './invocation.js';
import type { Output } from './output.js';
import { showProgress } from './progress.js';
import { bytes, counted, duration, oneLine } from './text.js';

/** Options of `ingest`. */
export interface IngestFlags extends CommonFlags {
  readonly inputDir?: string;
  readonly inputFile?: string;
  readonly file?: string;
  readonly chunkSize?: number;
  readonly chunkOverlap?: number;
  readonly batchSize?: number;
  readonly prune?: boolean;
  readonly type?: string;
  readonly name?: string;
  readonly include?: readonly string[];
  readonly ignore?: readonly string[];
  /** Each `name=field`. */
  readonly field?: readonly string[];
  readonly chunkUnit?: string;
  readonly bySection?: boolean;
}

const mostListed = 20;

/** Takes a folder or file into the corpus. @throws {UsageError} unless exactly one was named, and as `QueryService.ingest`. */
export async function ingest(
  context: Context,
  flags: IngestFlags,
  argument: string | undefined,
): Promise<void> {
  const { output } = context;
  const named = [argument, flags.inputDir, flags.inputFile, flags.file].filter((path) => path !== undefined);
  if (named.length !== 1) {
    const problem = named.length === 0 ? 'nothing to ingest was named' : 'more than one path was named';
    throw new UsageError(`${problem}; name one folder or file, as in "llm-cache ingest docs/"`);
  }
  const what = inputOf(named[0] as string, flags);
  // An input that nobody ends would keep the process.
  if (what.input !== undefined) addAbortSignal(context.signal, process.stdin);
  const options = openOptions(flags, ingestConfig(flags));
  const { config } = load(context, options);
  const service = await openQueryService({ ...options, logger: loggerOf(context, config) });
  try {
    const { prune, include, ignore } = flags;
    const fields = flags.field === undefined ? undefined : fieldsOf(flags.field);
    const how = { prune, include, ignore, fields };
    const report = await ingestWithProgress(context, service, { ...what, ...how });
    output.data(report);
    showReport(output, report);
    const { directory } = config.cache;
    output.line(
      `  ${output.style.dim(`${counted(await service.count(), 'passage')} in ${directory}; ask with:`)}`,
    );
    output.line(`  ${invocation()} query "…"${directoryOption(directory)}`);
  } finally {
    await service.close();
  }
}

/** Standard input, or what is at the path. */
function inputOf(named: string, { type, name }: IngestFlags): Pick<ServiceIngestOptions, 'path' | 'input'> {
  if (named === '-') {
    if (type === undefined) throw new UsageError('standard input has no type; name one, as in "--type md"');
    return { input: { bytes: process.stdin, type, source: name } };
  }
  if (type !== undefined || name !== undefined) {
    throw new UsageError('--type and --name are for standard input; name it with "llm-cache ingest -"');
  }
  return { path: resolve(named) };
}

function fieldsOf(pairs: readonly string[]): NonNullable<ServiceIngestOptions['fields']> {
  return Object.fromEntries(pairs.map((pair) => [pair.split('=', 1)[0], pair.slice(pair.indexOf('=') + 1)]));
}

function ingestConfig({ chunkSize, chunkOverlap, chunkUnit, ...flags }: IngestFlags): ConfigInput {
  const unit = chunkUnit as 'characters' | 'tokens' | undefined;
  return {
    chunking: { size: chunkSize, overlap: chunkOverlap, unit, bySection: flags.bySection },
    embedding: { batchSize: flags.batchSize },
  };
}

/** Ingests under a progress display. @throws {Interrupted} that says how to go on, when a signal came. */
export async function ingestWithProgress(
  { output, signal }: Context,
  service: QueryService,
  options: ServiceIngestOptions,
): Promise<IngestReport> {
  const display = showProgress(output);
  let done = 0;
  try {
    return await service.ingest({
      ...options,
      signal,
      onProgress(progress) {
        done = progress.done;
        display.update(progress);
      },
    });
  } catch (error) {
    if (signal.reason instanceof Interrupted) {
      signal.reason.message += ` after ${counted(done, 'document')}, which are stored; run the same command again to go on`;
      throw signal.reason;
    }
    throw error;
  } finally {
    display.end();
  }
}

/** Prints what an ingestion did, and what it left out. */
export function showReport(output: Output, report: IngestReport): void {
  const { bold, dim, yellow } = output.style;
  const { added, replaced, unchanged, removed, skipped } = report;
  const parts = [
    [added, 'new'],
    [replaced, 'changed'],
    [unchanged, 'unchanged'],
  ] as const;
  const kinds = parts.filter(([number]) => number > 0).map(([number, kind]) => `${number} ${kind}`);
  const from = report.files > 0 ? `${counted(report.files, 'file')}, ` : '';
  const size = `${from}${counted(report.chunks, 'passage')} embedded, ${bytes(report.bytes)} read, ${duration(report.durationMs)}`;
  output.line();
  output.line(
    `  ${bold(counted(report.documents, 'document'))}${kinds.length === 0 ? '' : ` (${kinds.join(', ')})`} ${dim(`· ${size}`)}`,
  );
  if (report.ignored > 0) output.line(`  ignored by patterns: ${report.ignored}`);
  list(output, 'removed', removed, (source) => source);
  list(output, yellow('left out'), skipped, ({ source, why }) => `${source}: ${why}`);
}

function list<T>(output: Output, title: string, items: readonly T[], show: (item: T) => string): void {
  if (items.length === 0) return;
  output.line(`  ${title}: ${items.length}`);
  for (const item of items.slice(0, mostListed)) output.line(`    ${oneLine(show(item))}`);
  if (items.length > mostListed) output.line(`    and ${items.length - mostListed} more; --json lists all`);
}
