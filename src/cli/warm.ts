// The verb `warm`. For program.ts alone.
import { existsSync } from 'node:fs';
import { openQueryService, type QueryService, systemClock, type WarmReport } from '../index.js';
import { type CommonFlags, type Context, load, loggerOf, openOptions } from './context.js';
import { UsageError } from './failure.js';
import { directoryOption, invocation } from './invocation.js';
import { counted, duration } from './text.js';

/** Options of `warm`. */
export interface WarmFlags extends CommonFlags {
  readonly topN?: number;
  readonly interval?: number;
  readonly once?: boolean;
}

/**
 * Searches anew for popular questions whose results are gone or about to expire, and keeps those of the others alive: once, or every
 * `--interval` seconds until Ctrl-C. @throws {UsageError} without a cache directory, and as `QueryService.warm`
 */
export async function warm(context: Context, flags: WarmFlags): Promise<void> {
  const { topN, interval, once } = flags;
  const options = openOptions(flags, { warming: { enabled: true, topN, intervalSeconds: interval } });
  const { config } = load(context, options);
  const { directory } = config.cache;
  if (config.vectorDb.backend !== 'qdrant' && !existsSync(directory)) {
    throw new UsageError(
      `there is no cache directory ${directory}; "${invocation()} ingest <folder>${directoryOption(directory)}" makes one`,
    );
  }
  const service = await openQueryService({ ...options, logger: loggerOf(context, config) });
  try {
    await round(context, service);
    while (interval !== undefined && !once) {
      await pause(interval * 1000, context.signal);
      await round(context, service);
    }
  } finally {
    await service.close();
  }
}

async function round({ output, signal }: Context, service: QueryService): Promise<void> {
  const report = (await service.warm({ signal })) as WarmReport;
  output.data(report);
  const { questions, held, extended, regenerated, gone, failed, elsewhere, durationMs } = report;
  const { bold, dim, yellow } = output.style;
  output.line(`${bold(counted(questions, 'popular question'))} in ${duration(durationMs)}`);
  const parts: readonly (readonly [count: number, what: string])[] = [
    [regenerated, 'searched anew'],
    [extended, 'live longer now'],
    [held, 'were warm already'],
    [gone, 'have no results stored'],
    [failed, 'failed'],
  ];
  for (const [count, what] of parts) if (count > 0) output.line(`  ${count} ${what}`);
  if (questions === 0) output.line(dim('  None has been asked often enough yet (warming.min_count).'));
  if (elsewhere) output.line(yellow('  Another process has this round; nothing was searched anew here.'));
}

/** Rejects with the signal's reason. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const cancel = systemClock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    const stop = () => {
      cancel();
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}
