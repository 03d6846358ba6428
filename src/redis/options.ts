// Where Redis is, checked: one server, Sentinel, Cluster or a client of the user's; the connection imports it.
import type { Clock } from '../core/clock.js';
import { InvalidArgumentError } from '../core/errors.js';
import type { RedisClient } from './connection.js';

/** A host and its port. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Where Redis is: `host` and `port`, or a `url`, or `sentinels`, or `cluster`, or a `client`. */
export interface RedisOptions {
  /** `redis://user:password@host:port/db`, `rediss://` for TLS. What it says must not be said again by another option. */
  readonly url?: string | undefined;
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default 6379. */
  readonly port?: number | undefined;
  /** Database number; 0 in a cluster. Default 0. */
  readonly db?: number | undefined;
  /** ACL user. Default: the server's default user. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Options of `tls.connect`, or true for the defaults. Default: no TLS. */
  readonly tls?: boolean | object | undefined;
  /** Sentinels that know the master; others are learnt from them. */
  readonly sentinels?: readonly RedisAddress[] | undefined;
  /** The master's name at the sentinels; needed with `sentinels`. */
  readonly sentinelName?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** TLS towards the sentinels, as `tls`. */
  readonly sentinelTls?: boolean | object | undefined;
  /** Some nodes of a Redis Cluster; the others are learnt from them. */
  readonly cluster?: readonly RedisAddress[] | undefined;
  /** Milliseconds a command may take. Default 50. */
  readonly commandTimeoutMs?: number | undefined;
  /** Milliseconds to connect. Default 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Milliseconds of silence, while an answer is due, after which the connection is given up for a new one. Default 1,000. */
  readonly socketTimeoutMs?: number | undefined;
  /**
   * An ioredis client of yours, without `keyPrefix`; never closed, and used as it is, except that it must reconnect when a reply shows
   * that it mixes them up. Only `commandTimeoutMs` may stand beside it.
   */
  readonly client?: RedisClient | undefined;
  readonly clock?: Clock | undefined;
}

/** Options that do not contradict each other. */
export interface RedisPlan {
  readonly kind: 'client' | 'server' | 'sentinels' | 'cluster';
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: object | undefined;
  readonly sentinelTls: object | undefined;
  readonly commandTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly socketTimeoutMs: number;
}

const places = ['url', 'host', 'port'] as const;
const logins = ['db', 'username', 'password', 'tls'] as const;
const ofSentinels = ['sentinelName', 'sentinelUsername', 'sentinelPassword', 'sentinelTls'] as const;

/** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for options that contradict each other or mean nothing. No password is in it. */
export function planOf(options: RedisOptions): RedisPlan {
  const given = (name: keyof RedisOptions) => options[name] !== undefined;
  const refuseBeside = (name: keyof RedisOptions, others: readonly (keyof RedisOptions)[]) => {
    const other = others.find(given);
    if (other !== undefined)
      throw new InvalidArgumentError(other, `left out beside ${name}`, 'a value of its own');
  };
  const kind = given('client')
    ? 'client'
    : given('cluster')
      ? 'cluster'
      : given('sentinels')
        ? 'sentinels'
        : 'server';
  if (kind === 'client')
    refuseBeside('client', [...places, ...logins, ...ofSentinels, 'sentinels', 'cluster']);
  if (kind === 'cluster') refuseBeside('cluster', [...places, ...ofSentinels, 'sentinels']);
  if (kind === 'sentinels') refuseBeside('sentinels', places);
  else refuseOrphans(options);
  if (kind === 'cluster' && (options.db ?? 0) !== 0) {
    throw new InvalidArgumentError('db', '0 in a cluster, which has no other', options.db);
  }
  if (kind === 'client') checkClient(options.client as RedisClient);
  if (kind === 'sentinels' && !options.sentinelName) {
    throw new InvalidArgumentError(
      'sentinelName',
      "the master's name at the sentinels",
      options.sentinelName,
    );
  }
  checkAddresses('cluster', options.cluster);
  checkAddresses('sentinels', options.sentinels);
  const ofUrl = options.url === undefined ? {} : readUrl(options.url, options);
  const {
    host = '127.0.0.1',
    port = 6379,
    db = 0,
    username,
    password,
    tls,
  } = { ...present(options), ...ofUrl };
  for (const [name, value] of Object.entries({ host, username, password })) {
    if (value !== undefined && typeof value !== 'string')
      throw new InvalidArgumentError(name, 'a string', typeof value);
  }
  if (username !== undefined && password === undefined && kind !== 'client') {
    throw new InvalidArgumentError('password', 'given beside a username', password);
  }
  checkPort('port', port);
  if (!Number.isInteger(db) || db < 0) throw new InvalidArgumentError('db', 'a whole number from 0', db);
  return {
    kind,
    host,
    port,
    db,
    username,
    password,
    tls: tlsOf('tls', tls),
    sentinelTls: tlsOf('sentinelTls', options.sentinelTls),
    commandTimeoutMs: milliseconds('commandTimeoutMs', options.commandTimeoutMs, 50),
    connectTimeoutMs: milliseconds('connectTimeoutMs', options.connectTimeoutMs, 2_000),
    socketTimeoutMs: milliseconds('socketTimeoutMs', options.socketTimeoutMs, 1_000),
  };
}

function refuseOrphans(options: RedisOptions): void {
  const orphan = ofSentinels.find((name) => options[name] !== undefined);
  if (orphan !== undefined) throw new InvalidArgumentError(orphan, 'given only with sentinels', 'a value');
}

function readUrl(text: string, options: RedisOptions): Partial<RedisOptions> {
  const refuse = (expected: string): never => {
    // Neither the text nor the parser's error, which quotes it: a password may be in it.
    throw new InvalidArgumentError('url', expected, 'another');
  };
  if (typeof text !== 'string' || !URL.canParse(text)) refuse('a URL, redis://… or rediss://…');
  const { protocol, hostname, port, pathname, search, hash, ...rest } = parts(new URL(text));
  if (protocol !== 'redis:' && protocol !== 'rediss:') refuse('a URL, redis://… or rediss://…');
  if (search !== '' || hash !== '') refuse('a URL without a query or a fragment');
  if (!/^\/?\d*$/.test(pathname)) refuse('a URL whose path is a database number');
  const said: Partial<Record<keyof RedisOptions, unknown>> = {
    host: hostname === '' ? undefined : hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? undefined : Number(port),
    db: pathname.length > 1 ? Number(pathname.slice(1)) : undefined,
    username: rest.username === '' ? undefined : decoded(rest.username),
    password: rest.password === '' ? undefined : decoded(rest.password),
  };
  for (const name of ['host', 'port', 'db', 'username', 'password'] as const) {
    if (options[name] === undefined) continue;
    if (said[name] !== undefined || name === 'host' || name === 'port') {
      throw new InvalidArgumentError(name, 'left out beside a url that says it', 'a value of its own');
    }
  }
  const isSecure = protocol === 'rediss:';
  if (isSecure ? options.tls === false : options.tls) {
    throw new InvalidArgumentError('tls', `${isSecure ? 'on' : 'off'}, as the url says`, options.tls);
  }
  return { ...present(said), ...(isSecure ? { tls: options.tls ?? true } : {}) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidArgumentError('url', 'a URL whose user and password are percent-encoded', 'another');
  }
}

function parts({ protocol, hostname, port, pathname, search, hash, username, password }: URL) {
  return { protocol, hostname, port, pathname, search, hash, username, password };
}

function present(options: object): Partial<RedisOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function tlsOf(name: string, value: unknown): object | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return {};
  if (typeof value === 'object' && value !== null) return value;
  throw new InvalidArgumentError(name, 'true, false or options of tls.connect', typeof value);
}

function milliseconds(name: string, value: number | undefined, otherwise: number): number {
  const ms = value ?? otherwise;
  if (!(ms >= 1 && ms <= 3_600_000)) throw new InvalidArgumentError(name, 'between 1 and 3,600,000', ms);
  return ms;
}

function checkPort(name: string, port: unknown): void {
  if (Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535) return;
  throw new InvalidArgumentError(name, 'a port from 1 to 65535', port);
}

function checkAddresses(name: string, addresses: readonly RedisAddress[] | undefined): void {
  if (addresses === undefined) return;
  if (!Array.isArray(addresses) || addresses.length === 0) {
    throw new InvalidArgumentError(name, 'at least one { host, port }', addresses);
  }
  for (const address of addresses) {
    if (typeof address?.host !== 'string')
      throw new InvalidArgumentError(`${name}.host`, 'a string', address?.host);
    checkPort(`${name}.port`, address.port);
  }
}

function checkClient(client: RedisClient): void {
  const { getBuffer, options, status } = (client ?? {}) as Partial<RedisClient>;
  if (typeof getBuffer !== 'function' || typeof status !== 'string') {
    throw new InvalidArgumentError('client', 'a client of ioredis', client);
  }
  if (options?.keyPrefix) {
    throw new InvalidArgumentError(
      'client',
      'a client without keyPrefix, which SCAN does not know of',
      'one with it',
    );
  }
}
