// The options of the Qdrant database, checked and completed; for qdrant.ts alone.
import { type Clock, systemClock } from '../../core/clock.js';
import { ConfigError, InvalidArgumentError } from '../../core/errors.js';
import type { CollectionOptions } from './collection.js';
import type { ConnectionSettings } from './connection.js';

/** Where Qdrant is, which collection, and for which embedder. */
export interface QdrantDatabaseOptions extends CollectionOptions {
  /** `http(s)://host:port/prefix`; without a port 6333. Instead of `host`, `port` and `https`. */
  readonly url?: string | undefined;
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default 6333. */
  readonly port?: number | undefined;
  /** Default false. */
  readonly https?: boolean | undefined;
  /** Sent with each request and never shown. */
  readonly apiKey?: string | undefined;
  /** Options of `tls.connect`, for an authority or a client certificate of your own; https only. Default: what Node trusts. */
  readonly tls?: object | undefined;
  /** An undici dispatcher that makes the connections, for a proxy. It is never closed. Default: the client's own. */
  readonly dispatcher?: object | undefined;
  /** Fingerprint of the embedder: part of every point's id and looked for in every answer. */
  readonly embedder: string;
  /** Milliseconds one request may take. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Further tries of a write that could not be delivered. Reads are tried once. Default 4. */
  readonly retries?: number | undefined;
  /** Breadth of a search in the graph. Default: the server's. */
  readonly efSearch?: number | undefined;
  /** Largest request in bytes, unless one document alone is larger. Default 4 MiB; servers take 32 MiB unless set otherwise. */
  readonly batchBytes?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** What the database works with. */
export interface QdrantSettings {
  readonly collection: CollectionOptions;
  readonly connection: ConnectionSettings;
  readonly embedder: string;
  readonly efSearch: number | undefined;
  readonly batchBytes: number;
  readonly clock: Clock;
}

const defaultPort = 6333;
const indexKinds = ['keyword', 'integer', 'float', 'bool'];

/**
 * Checks all options before anything is sent.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {ConfigError} ERR_LLM_CACHE_CONFIG for a url or a key that cannot be used
 */
export function qdrantSettings(options: QdrantDatabaseOptions): QdrantSettings {
  const { embedder, dimension, collection, apiKey, clock = systemClock } = options;
  const { timeoutMs = 5_000, retries = 4, batchBytes = 4 << 20, efSearch } = options;
  if (typeof collection !== 'string' || !/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/.test(collection)) {
    throw new InvalidArgumentError('collection', '1 to 255 letters, digits and ._-', collection);
  }
  if (typeof embedder !== 'string' || embedder === '' || !embedder.isWellFormed()) {
    throw new InvalidArgumentError('embedder', 'a fingerprint', embedder);
  }
  checkInteger('dimension', dimension, 1, 65_536);
  checkInteger('timeoutMs', timeoutMs, 1, 600_000);
  checkInteger('retries', retries, 0, 100);
  checkInteger('batchBytes', batchBytes, 1, 2 ** 30);
  if (efSearch !== undefined) checkInteger('efSearch', efSearch, 1, 2 ** 24);
  if (options.quantization !== undefined && !['int8', 'binary'].includes(options.quantization)) {
    throw new InvalidArgumentError('quantization', 'int8 or binary', options.quantization);
  }
  for (const [field, kind] of Object.entries(options.indexedFields ?? {})) {
    if (!indexKinds.includes(kind)) {
      throw new InvalidArgumentError(`indexedFields.${field}`, `one of ${indexKinds.join(', ')}`, kind);
    }
  }
  // The value itself is in no message: a refused header would show it.
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new ConfigError('apiKey must be of visible ASCII characters');
  }
  const { dispatcher, tls } = options;
  const address = options.url === undefined ? parts(options) : parse(options.url);
  if (tls !== undefined && (address.scheme === 'http' || dispatcher !== undefined)) {
    throw new ConfigError('tls goes with https, and not with a dispatcher, which has its own');
  }
  return {
    collection: options,
    connection: { ...address, apiKey, dispatcher, tls, timeoutMs, retries, clock },
    embedder,
    efSearch,
    batchBytes,
    clock,
  };
}

type Address = Pick<ConnectionSettings, 'scheme' | 'host' | 'port' | 'prefix'>;

function parts({ host = '127.0.0.1', port = defaultPort, https = false }: QdrantDatabaseOptions): Address {
  checkInteger('port', port, 1, 65_535);
  if (typeof host !== 'string' || !/^(\[[0-9a-fA-F:.]+\]|[\w.-]+)$/.test(host)) {
    throw new InvalidArgumentError('host', 'a host name or an address', host);
  }
  return { scheme: https ? 'https' : 'http', host, port, prefix: '' };
}

function parse(url: string): Address {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.search || parsed.hash) {
    throw new ConfigError('the url of Qdrant must be http(s)://host:port/prefix');
  }
  if (parsed.username || parsed.password)
    throw new ConfigError('the url of Qdrant must not hold credentials');
  // `URL` drops a port that is the protocol's own.
  const given = url.match(/^https?:\/\/[^/]*:(\d+)(\/|$)/i)?.[1];
  return {
    scheme: parsed.protocol === 'https:' ? 'https' : 'http',
    host: parsed.hostname,
    port: given === undefined ? defaultPort : Number(given),
    prefix: parsed.pathname.replace(/\/+$/, ''),
  };
}

function checkInteger(name: string, value: unknown, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
    throw new InvalidArgumentError(name, `an integer from ${least} to ${most}`, value);
  }
}
