// Every error that leaves this package, in one file; any folder may import it.

/** A stable, documented identifier of an error class. Test it instead of the message. */
export type ErrorCode =
  | 'ERR_LLM_CACHE_ARGUMENT'
  | 'ERR_LLM_CACHE_DIMENSION'
  | 'ERR_LLM_CACHE_CLOSED'
  | 'ERR_LLM_CACHE_BUSY'
  | 'ERR_LLM_CACHE_CONFIG'
  | 'ERR_LLM_CACHE_DIRECTORY'
  | 'ERR_LLM_CACHE_EMBEDDER_MISMATCH'
  | 'ERR_LLM_CACHE_MISSING_PACKAGE'
  | 'ERR_LLM_CACHE_TIER'
  | 'ERR_LLM_CACHE_TIER_TIMEOUT'
  | 'ERR_LLM_CACHE_TIER_OPEN'
  | 'ERR_LLM_CACHE_EMBED'
  | 'ERR_LLM_CACHE_ORIGIN_TIMEOUT'
  | 'ERR_LLM_CACHE_CODEC'
  | 'ERR_LLM_CACHE_INGEST'
  | 'ERR_LLM_CACHE_NATIVE'
  | 'ERR_LLM_CACHE_NATIVE_LOAD'
  | 'ERR_LLM_CACHE_CAPACITY';

/** Base of all errors of this package: `code` is stable, `cause` is what was caught. */
export abstract class CacheError extends Error {
  abstract readonly code: ErrorCode;

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Shows a value in an error message: its kind and, when short, its content. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value);
  }
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  return `an object (${value.constructor?.name ?? 'no prototype'})`;
}

/** A caller passed something this package cannot use. Thrown at the public edge, before any work. */
export class InvalidArgumentError extends CacheError {
  readonly code: ErrorCode = 'ERR_LLM_CACHE_ARGUMENT';
  readonly argument: string;
  readonly expected: string;
  readonly actual: string;

  constructor(argument: string, expected: string, actual: unknown, options?: { cause?: unknown }) {
    const shown = describe(actual);
    super(`${argument} must be ${expected}, got ${shown}`, options);
    this.argument = argument;
    this.expected = expected;
    this.actual = shown;
  }
}

/** A vector has another length than the index or the embedder. */
export class DimensionError extends InvalidArgumentError {
  override readonly code = 'ERR_LLM_CACHE_DIMENSION';
  readonly dimension: number;

  constructor(argument: string, expected: number, actual: number) {
    super(argument, `a vector of ${expected} numbers`, actual);
    this.dimension = expected;
  }
}

/** Any call after `close()`. */
export class ClosedError extends CacheError {
  readonly code = 'ERR_LLM_CACHE_CLOSED';

  constructor(what: string) {
    super(`${what} is closed`);
  }
}

/** A bounded queue is full: the work was refused before it began. Try again later or shed load. */
export class BusyError extends CacheError {
  readonly code = 'ERR_LLM_CACHE_BUSY';
  readonly limit: number;

  constructor(what: string, limit: number) {
    super(`${what} has ${limit} waiting already; it takes no more until some are done`);
    this.limit = limit;
  }
}

/** Configuration that cannot be used: unknown key, wrong type, missing file. */
export class ConfigError extends CacheError {
  readonly code = 'ERR_LLM_CACHE_CONFIG';
}

/** The cache directory cannot be used. */
export class DirectoryError extends CacheError {
  readonly code: ErrorCode = 'ERR_LLM_CACHE_DIRECTORY';
  readonly path: string;

  constructor(path: string, reason: string, options?: { cause?: unknown }) {
    super(`cache directory ${path}: ${reason}`, options);
    this.path = path;
  }
}

/** The cache directory holds vectors of another embedder; mixing them would compare unlike things. */
export class EmbedderMismatchError extends DirectoryError {
  override readonly code = 'ERR_LLM_CACHE_EMBEDDER_MISMATCH';
  readonly stored: string;
  readonly configured: string;

  constructor(path: string, stored: string, configured: string) {
    super(
      path,
      `it was written with the embedder ${stored}, this process uses ${configured}; ` +
        'choose another directory or the same embedder',
    );
    this.stored = stored;
    this.configured = configured;
  }
}

/** An optional package is needed for the feature in use and is not installed. */
export class MissingPackageError extends CacheError {
  readonly code = 'ERR_LLM_CACHE_MISSING_PACKAGE';
  readonly packageName: string;

  constructor(packageName: string, feature: string, options?: { cause?: unknown }) {
    super(`${feature} needs the package ${packageName}: run "npm install ${packageName}"`, options);
    this.packageName = packageName;
  }
}

/**
 * Why a tier failed, coarse enough to count: `connection` there is none, or it broke · `timeout` no answer in time · `permission`
 * credentials or rights are refused · `config` the server or its certificate is set up so that it cannot serve · `busy` it asks to
 * be tried again · `moved` another server is responsible now · `full` it has no room · `open` it was not asked · `other`.
 */
export type TierFault =
  | 'connection'
  | 'timeout'
  | 'permission'
  | 'config'
  | 'busy'
  | 'moved'
  | 'full'
  | 'open'
  | 'other';

/** A tier failed. The cascade counts it as a miss; only direct calls to a tier see it. */
export class TierError extends CacheError {
  readonly code: ErrorCode = 'ERR_LLM_CACHE_TIER';
  readonly tier: string;
  readonly operation: string;
  readonly kind: TierFault;

  constructor(
    tier: string,
    operation: string,
    reason: string,
    options?: { cause?: unknown; kind?: TierFault },
  ) {
    super(`tier ${tier}, ${operation}: ${reason}`, options);
    this.tier = tier;
    this.operation = operation;
    this.kind = options?.kind ?? 'other';
  }
}

/** A tier did not answer within its time budget. */
export class TierTimeoutError extends TierError {
  override readonly code = 'ERR_LLM_CACHE_TIER_TIMEOUT';
  readonly timeoutMs: number;

  constructor(tier: string, operation: string, timeoutMs: number) {
    super(tier, operation, `no answer within ${timeoutMs} ms`, { kind: 'timeout' });
    this.timeoutMs = timeoutMs;
  }
}

/** The breaker of a tier is open after repeated failures: the tier was not asked. */
export class TierOpenError extends TierError {
  override readonly code = 'ERR_LLM_CACHE_TIER_OPEN';

  constructor(tier: string, operation: string) {
    super(tier, operation, 'not asked, its breaker is open after repeated failures', { kind: 'open' });
  }
}

/** A text could not be turned into a vector. */
export class EmbedError extends CacheError {
  readonly code = 'ERR_LLM_CACHE_EMBED';
  readonly model: string;

  constructor(model: string, reason: string, options?: { cause?: unknown }) {
    super(`embedder ${model}: ${reason}`, options);
    this.model = model;
  }
}

/** The function that makes an answer took too long, and there was no old answer to serve. */
export class OriginTimeoutError extends CacheError {
  readonly code = 'ERR_LLM_CACHE_ORIGIN_TIMEOUT';
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super(`no answer was generated within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** A stored record cannot be read. In the cascade it is a counted miss. */
export class CodecError extends CacheError {
  readonly code = 'ERR_LLM_CACHE_CODEC';
  /** The record is whole but belongs to another key or scope: whoever delivered it mixes up replies. */
  readonly foreign: boolean;

  constructor(message: string, options?: { cause?: unknown; foreign?: boolean }) {
    super(message, options);
    this.foreign = options?.foreign ?? false;
  }
}

/** Documents could not be taken in at all; single bad documents are listed in the report instead. */
export class IngestError extends CacheError {
  readonly code = 'ERR_LLM_CACHE_INGEST';
}

/** The native addon reported a failure. */
export class NativeError extends CacheError {
  readonly code: ErrorCode = 'ERR_LLM_CACHE_NATIVE';
}

/** The native addon could not be loaded; `tried` lists each path with its cause. */
export class NativeLoadError extends NativeError {
  override readonly code = 'ERR_LLM_CACHE_NATIVE_LOAD';
  readonly tried: readonly string[];

  constructor(tried: readonly string[]) {
    super(
      `the native addon could not be loaded. Run "npm rebuild llm-tiered-cache" (it needs a C++17 compiler, ` +
        `make and python3). Tried:\n${tried.map((line) => `  ${line}`).join('\n')}`,
    );
    this.tried = tried;
  }
}

/** A store is full: its configured bound or the file system's. */
export class CapacityError extends CacheError {
  readonly code = 'ERR_LLM_CACHE_CAPACITY';
}
