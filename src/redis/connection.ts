// The connection to Redis that tier B, the ledger and the leases share; the only importer of ioredis, which is loaded on first use.
import type { Cluster, Redis } from 'ioredis';
import { type Clock, systemClock } from '../core/clock.js';
import { ClosedError, MissingPackageError, TierError } from '../core/errors.js';
import { type Fault, faultOf, isPermanent, translate } from './classify.js';
import { planOf, type RedisOptions, type RedisPlan } from './options.js';
import { Pace } from './pace.js';

export type { RedisAddress, RedisOptions } from './options.js';

/** A client of ioredis. */
export type RedisClient = Redis | Cluster;
/** A client of one server: the whole connection, or a node of a cluster. */
export type RedisNode = Redis;

// A server on the network answers within this; one that does not is left to the background.
const longestWelcomeMs = 250;
// What a closing socket has to say goodbye; one that hangs would delay its successor.
const goodbyeMs = 100;
// A demoted master asked again and again must not cost the connection each time.
const moveEveryMs = 1_000;

/**
 * Opens a connection. Resolves when it stands, has failed or has taken 250 ms: while Redis cannot be reached or refuses us, every
 * call fails at once and says why, and the connection is tried again in the background. An open connection keeps the process alive
 * until `close`.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for options that contradict each other.
 * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when ioredis is not installed.
 */
export async function openRedis(options: RedisOptions = {}): Promise<RedisConnection> {
  const plan = planOf(options);
  const clock = options.clock ?? systemClock;
  const secrets = [plan.password, options.sentinelPassword].filter((secret) => !!secret) as string[];
  if (options.client !== undefined) {
    return new RedisConnection(options.client, {
      owned: false,
      clock,
      commandTimeoutMs: plan.commandTimeoutMs,
      secrets,
    });
  }
  let ioredis: Library;
  try {
    ioredis = await import('ioredis');
    // A version without that file has another handler.
    await surviveStrayNil().catch(() => {});
  } catch (error) {
    throw new MissingPackageError('ioredis', 'the Redis tier', { cause: error });
  }
  const pace = new Pace(clock);
  const client = connect(ioredis, options, plan, pace, clock);
  const { commandTimeoutMs } = plan;
  const connection = new RedisConnection(client, { owned: true, clock, commandTimeoutMs, secrets, pace });
  await welcome(client, clock);
  return connection;
}

/**
 * A nil reply too many, which no command waits for, makes ioredis (5.4 to 6.0) throw where nobody can catch it, which ends the process:
 * it turns the reply into a text for its error. Every other reply too many is an 'error' event, and so is this one from here on.
 */
async function surviveStrayNil(): Promise<void> {
  const { default: handler } = (await import('ioredis/built/DataHandler.js')) as unknown as StrayHandler;
  const { prototype } = 'default' in handler ? handler.default : handler;
  const { shiftCommand } = prototype;
  if (shiftCommand === undefined || patched in prototype) return;
  prototype.shiftCommand = function (reply) {
    return shiftCommand.call(this, reply ?? 'nil');
  };
  Object.defineProperty(prototype, patched, { value: true });
}

const patched = Symbol.for('llm-tiered-cache: survives a stray nil');
interface Handler {
  readonly prototype: { shiftCommand?(reply: unknown): unknown };
}
interface StrayHandler {
  readonly default: Handler | { readonly default: Handler };
}

type Library = Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>;

function connect(
  ioredis: Library,
  options: RedisOptions,
  plan: RedisPlan,
  pace: Pace,
  clock: Clock,
): RedisClient {
  let movedMs = Number.NEGATIVE_INFINITY;
  const again = () => pace.next();
  const perServer = {
    // ioredis' defaults hold a request for ever when Redis is gone; these fail at once.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: true,
    commandTimeout: plan.commandTimeoutMs,
    connectTimeout: plan.connectTimeoutMs,
    socketTimeout: plan.socketTimeoutMs,
    disconnectTimeout: goodbyeMs,
    // Only Sentinel's stale masters are told by it. Elsewhere it asks for a right more, and what it would see each command says.
    enableReadyCheck: plan.kind === 'sentinels',
    maxLoadingRetryTime: 500,
    reconnectOnError(error: Error) {
      if (!error.message.startsWith('READONLY') || clock.mono() - movedMs < moveEveryMs) return false;
      movedMs = clock.mono();
      return true;
    },
    ...(plan.username === undefined ? {} : { username: plan.username }),
    ...(plan.password === undefined ? {} : { password: plan.password }),
    ...(plan.tls === undefined ? {} : { tls: plan.tls }),
  };
  if (plan.kind === 'cluster') {
    return new ioredis.Cluster([...(options.cluster ?? [])], {
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      enableReadyCheck: false,
      clusterRetryStrategy: again,
      // A node that hangs must not hold up what the others know.
      slotsRefreshTimeout: 500,
      slotsRefreshInterval: 5_000,
      maxRedirections: 4,
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      retryDelayOnTryAgain: 10,
      redisOptions: perServer,
      // A certificate names hosts, not the addresses they resolve to.
      ...(plan.tls === undefined ? {} : { dnsLookup: (host, done) => done(null, host) }),
    });
  }
  if (plan.kind === 'sentinels') {
    return new ioredis.Redis({
      ...perServer,
      db: plan.db,
      retryStrategy: again,
      sentinels: [...(options.sentinels ?? [])],
      name: options.sentinelName as string,
      sentinelRetryStrategy() {
        const delayMs = pace.next();
        pace.began();
        return delayMs;
      },
      sentinelCommandTimeout: 500,
      enableTLSForSentinelMode: plan.tls !== undefined,
      ...(options.sentinelUsername === undefined ? {} : { sentinelUsername: options.sentinelUsername }),
      ...(options.sentinelPassword === undefined ? {} : { sentinelPassword: options.sentinelPassword }),
      ...(plan.sentinelTls === undefined ? {} : { sentinelTLS: plan.sentinelTls }),
    });
  }
  return new ioredis.Redis({
    ...perServer,
    host: plan.host,
    port: plan.port,
    db: plan.db,
    retryStrategy: again,
  });
}

/** So that the first calls of a short-lived process find the connection standing. */
function welcome(client: RedisClient, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const events = ['ready', 'error', 'close'] as const;
    const cancel = clock.after(longestWelcomeMs, done);
    for (const event of events) client.once(event, done);
    function done() {
      cancel();
      for (const event of events) client.off(event, done);
      resolve();
    }
  });
}

interface ConnectionParts {
  /** False for a client of the user's. */
  readonly owned: boolean;
  readonly clock: Clock;
  readonly commandTimeoutMs: number;
  /** Struck out of every message. */
  readonly secrets: readonly string[];
  readonly pace?: Pace;
}

/** A standing or returning connection. Nothing of it can be printed or turned into JSON: the client knows the password. */
export class RedisConnection {
  readonly #client: RedisClient;
  readonly #parts: ConnectionParts;
  readonly #listeners: readonly (readonly [string, (...args: unknown[]) => void])[];
  /** Counts replacements: an answer that was asked for before one is not believed after it. */
  #generation = 0;
  #lastFault: Fault | undefined;
  #replacedMs = Number.NEGATIVE_INFINITY;
  #mayScript = true;
  #closed = false;

  /** Made by `openRedis`. */
  constructor(client: RedisClient, parts: ConnectionParts) {
    this.#client = client;
    this.#parts = parts;
    // Every call reports its own failure, and without a connection says only that there is none; this keeps why. An unheard 'error'
    // event would be printed.
    const onError = (error: unknown) => {
      // A reply that nobody waits for came twice, or all that follow are shifted.
      if (error instanceof Error && error.message.startsWith('Command queue state error'))
        return this.replace();
      this.#lastFault = faultOf(error, parts.secrets);
      if (isPermanent(this.#lastFault)) parts.pace?.refused();
    };
    const onReady = () => {
      this.#lastFault = undefined;
      parts.pace?.ready();
    };
    this.#listeners = [
      ['error', onError],
      ['node error', onError],
      ['sentinelError', onError],
      ['connecting', () => parts.pace?.began()],
      ['ready', onReady],
    ];
    for (const [event, listener] of this.#listeners) client.on(event as 'error', listener);
  }

  /** The client, for the commands that `call` runs. */
  get client(): RedisClient {
    return this.#client;
  }

  /** True while commands can be sent. */
  get isReady(): boolean {
    return !this.#closed && this.#client.status === 'ready';
  }

  /** The clients that hold different keys: one for each master of a cluster, else one. */
  get masters(): readonly RedisNode[] {
    return this.#client.isCluster ? (this.#client as Cluster).nodes('master') : [this.#client as Redis];
  }

  /**
   * Runs a command. Fails at once while there is no connection; at most `commandTimeoutMs` later otherwise.
   * @throws {TierError} ERR_LLM_CACHE_TIER whose `kind` tells the class of failure · {TierTimeoutError} ERR_LLM_CACHE_TIER_TIMEOUT
   * @throws {CodecError} ERR_LLM_CACHE_CODEC when something of another type stands under our key
   * @throws {ClosedError} ERR_LLM_CACHE_CLOSED after `close`
   */
  async call<T>(operation: string, command: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new ClosedError('the connection to Redis');
    const { status } = this.#client;
    if (status !== 'ready' && status !== 'wait') throw this.#unreachable(operation);
    const generation = this.#generation;
    let reply: T;
    try {
      reply = await (this.#parts.owned ? command() : this.#limited(operation, command));
    } catch (error) {
      if (error instanceof TierError) throw error;
      const fault = faultOf(error, this.#parts.secrets);
      if (fault.kind === 'connection' && this.#lastFault !== undefined) throw this.#unreachable(operation);
      throw translate(operation, fault, this.#parts.commandTimeoutMs);
    }
    if (generation !== this.#generation) {
      const reason = 'the answer came over a connection that had mixed up others';
      throw new TierError('redis', operation, reason, { kind: 'connection' });
    }
    return reply;
  }

  /**
   * Runs a script: a fixed text, what varies is in names and arguments. Undefined where scripts are not permitted, which is
   * remembered. @throws as `call`
   */
  async script(
    operation: string,
    text: string,
    names: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    if (!this.#mayScript) return undefined;
    try {
      const client = this.#client as Redis;
      return await this.call(operation, () => client.eval(text, names.length, ...names, ...args));
    } catch (error) {
      if (!(error instanceof TierError) || !/(NOPERM|unknown command).*\beval\b/i.test(error.message))
        throw error;
      this.#mayScript = false;
      return undefined;
    }
  }

  /**
   * Gives up the socket and connects anew: whatever follows on one that mixed up a reply is shifted too. A client of the user's is
   * treated alike, at most once a second: it hands foreign replies to its owner as well.
   */
  replace(): void {
    this.#generation++;
    const now = this.#parts.clock.mono();
    if (this.#client.status !== 'ready' || (!this.#parts.owned && now - this.#replacedMs < moveEveryMs))
      return;
    this.#replacedMs = now;
    if (this.#client.isCluster) this.#client.disconnect(true);
    // Not `disconnect`, which lets what is under way still arrive.
    else (this.#client as Redis).stream.destroy();
  }

  /** Idempotent. A client of the user's stays open. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#parts.owned) this.#client.disconnect();
    // One of ours reports the end of its sockets still, and an unheard 'error' event would be printed.
    else for (const [event, listener] of this.#listeners) this.#client.off(event as 'error', listener);
  }

  #unreachable(operation: string): TierError {
    const { message, kind } = this.#lastFault ?? {
      message: 'there is no connection',
      kind: 'connection' as const,
    };
    return new TierError('redis', operation, message, { kind: kind === 'timeout' ? 'connection' : kind });
  }

  /** A client of the user's may have no time limit of its own. */
  #limited<T>(operation: string, command: () => Promise<T>): Promise<T> {
    const { clock, commandTimeoutMs } = this.#parts;
    return new Promise((resolve, reject) => {
      const late = () => reject(translate(operation, { message: '', kind: 'timeout' }, commandTimeoutMs));
      const cancel = clock.after(commandTimeoutMs, late);
      Promise.resolve().then(command).then(resolve, reject).finally(cancel);
    });
  }
}
