// The verb `invalidate`. For program.ts alone.
import { existsSync } from 'node:fs';
import { openCache, type ScopeFields } from '../index.js';
import { type CommonFlags, type Context, load, loggerOf, openOptions } from './context.js';
import { UsageError } from './failure.js';

/** Options of `invalidate`. */
export interface InvalidateFlags extends CommonFlags {
  readonly tag?: readonly string[];
  readonly source?: readonly string[];
  readonly scope?: ScopeFields;
  readonly key?: string;
  readonly createdAfter?: Date;
  readonly createdBefore?: Date;
}

/**
 * Removes answers for all processes that share the directory or Redis. @throws {UsageError} where nothing is named, or there is no
 * cache, and as `SemanticCache.invalidate`
 */
export async function invalidate(context: Context, flags: InvalidateFlags): Promise<void> {
  const { tag: tags, source: sources, scope, key, createdAfter, createdBefore } = flags;
  const what = { tags, sources, scope, key, createdAfter, createdBefore };
  if (Object.values(what).every((part) => part === undefined)) {
    throw new UsageError(
      'nothing was named; add --tag, --source, --scope, --key, --created-after or --created-before',
    );
  }
  const options = openOptions(flags, { warming: { enabled: false } });
  const { config } = load(context, options);
  const { directory } = config.cache;
  if (!config.redis.enabled && !existsSync(directory)) {
    throw new UsageError(
      `there is no cache directory ${directory}; name the one of your cache with --directory`,
    );
  }
  const cache = await openCache({ ...options, logger: loggerOf(context, config) });
  try {
    const report = await cache.invalidate(what);
    const { output } = context;
    output.data(report);
    const { green, yellow } = output.style;
    output.line(
      report.shared
        ? `${green('removed')}: every process that shares these answers acts on it within moments`
        : `${yellow('removed here')}: queued for the others until the shared tier is back`,
    );
  } finally {
    await cache.close();
  }
}
