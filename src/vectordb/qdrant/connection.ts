// Requests to Qdrant: time limits, retries and errors of our own; the only importer of its client, which is loaded on first use. For qdrant.ts and its parts.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { QdrantClient } from '@qdrant/js-client-rest';
import type { Clock } from '../../core/clock.js';
import {
  type CacheError,
  CapacityError,
  ClosedError,
  ConfigError,
  MissingPackageError,
  TierError,
  TierTimeoutError,
} from '../../core/errors.js';
import { headerOf, type ResponseHeaders, retryAfterMs } from './retry-after.js';

/** The calls of the REST interface, each with its own paths and bodies. */
export type QdrantApi = ReturnType<QdrantClient['api']>;

/** Handed on to each call. */
export type RequestInit = NonNullable<Parameters<QdrantApi['countPoints']>[1]>;

/** Where the server is and how long it may take. */
export interface ConnectionSettings {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** Before every path: empty, or begins with a slash. */
  readonly prefix: string;
  readonly apiKey: string | undefined;
  readonly dispatcher: object | undefined;
  readonly tls: object | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly clock: Clock;
}

/** What the server's answer was, as far as it decides what to do next. */
interface Refusal {
  readonly status?: number;
  /** Worth another try, after that many milliseconds at least. */
  readonly retryAfterMs?: number;
}

const firstPauseMs = 100;
const longestPauseMs = 30_000;
const longestText = 500;

/**
 * Loads the client. Nothing is sent yet.
 * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE
 */
export async function connectQdrant(settings: ConnectionSettings): Promise<QdrantConnection> {
  let client: typeof QdrantClient;
  try {
    ({ QdrantClient: client } = await import('@qdrant/js-client-rest'));
  } catch (error) {
    throw new MissingPackageError('@qdrant/js-client-rest', 'the Qdrant database', { cause: error });
  }
  const { scheme, host, port, prefix, apiKey } = settings;
  const api = new client({
    host,
    port,
    prefix,
    https: scheme === 'https',
    // As `apiKey` the client would print a warning of its own.
    ...(apiKey !== undefined && { headers: { 'api-key': apiKey } }),
    // Its own limit would take the place of our signal.
    timeout: Number.POSITIVE_INFINITY,
    checkCompatibility: false,
  }).api();
  return new QdrantConnection(api, settings, settings.tls && secureAgent(settings.tls));
}

interface Agent {
  close(): Promise<void>;
}

// The client takes no options of TLS, but hands a dispatcher on to `fetch`. The class of undici's agents is reached by the agent that
// undici shares between its copies under this symbol.
function secureAgent(tls: object): Agent {
  const shared = (globalThis as Record<symbol, unknown>)[Symbol.for('undici.globalDispatcher.1')];
  const kind = (shared as object | undefined)?.constructor as (new (options: object) => Agent) | undefined;
  if (kind?.name !== 'Agent') {
    throw new ConfigError(
      'another dispatcher is in charge of this process: give Qdrant one with these options of TLS',
    );
  }
  return new kind({ connect: tls });
}

/** One server. */
export class QdrantConnection {
  readonly #api: QdrantApi;
  readonly #settings: ConnectionSettings;
  readonly #agent: Agent | undefined;
  readonly #refusals = new WeakMap<CacheError, Refusal>();
  readonly #closing = new AbortController();
  /** What the server's latest 429 said. The client hands on only the first character of it. */
  #retryAfter: string | undefined;
  readonly #observe = (message: unknown) => {
    const { request, response } = message as ResponseHeaders;
    const { scheme, host, port } = this.#settings;
    if (response.statusCode !== 429 || String(request.origin) !== originOf(scheme, host, port)) return;
    this.#retryAfter = headerOf(response.headers, 'retry-after');
  };

  /** `agent` makes the connections where the settings have options of TLS, and ends with this. */
  constructor(api: QdrantApi, settings: ConnectionSettings, agent: Agent | undefined) {
    this.#api = api;
    this.#settings = settings;
    this.#agent = agent;
    subscribe(responseHeaders, this.#observe);
  }

  /** The server as a message names it. */
  get address(): string {
    const { scheme, host, port, prefix } = this.#settings;
    return `${scheme}://${host}:${port}${prefix}`;
  }

  /** The status of the answer that an error of this connection stands for. */
  statusOf(error: unknown): number | undefined {
    return this.#refusals.get(error as CacheError)?.status;
  }

  /**
   * Sends one request and resolves with its result. Rejects at once when the signal is aborted, with its reason.
   * @throws {TierError} ERR_LLM_CACHE_TIER · {TierTimeoutError} ERR_LLM_CACHE_TIER_TIMEOUT · {ConfigError} ERR_LLM_CACHE_CONFIG when
   * the key is refused · {CapacityError} ERR_LLM_CACHE_CAPACITY when the request is too large or the server full
   */
  ask<T>(
    operation: string,
    request: (api: QdrantApi, init: RequestInit) => Promise<{ data: { result?: T } }>,
    signal?: AbortSignal,
  ): Promise<NonNullable<T>> {
    const { timeoutMs, clock } = this.#settings;
    const dispatcher = this.#agent ?? this.#settings.dispatcher;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const controller = new AbortController();
      const stop = (reason: unknown) => {
        done();
        reject(reason);
        controller.abort();
      };
      const expired = () => stop(new TierTimeoutError('qdrant', operation, timeoutMs));
      const aborted = () => stop(signal?.reason);
      const cancel = clock.after(timeoutMs, expired);
      signal?.addEventListener('abort', aborted, { once: true });
      const done = () => {
        cancel();
        signal?.removeEventListener('abort', aborted);
      };
      // A redirect would carry the key elsewhere.
      const init = { signal: controller.signal, redirect: 'error', ...(dispatcher && { dispatcher }) };
      request(this.#api, init as RequestInit).then(
        ({ data }) => {
          done();
          const result = data?.result;
          if (result === undefined || result === null) {
            reject(new TierError('qdrant', operation, 'an answer without a result'));
          } else resolve(result);
        },
        (error) => {
          done();
          reject(this.#translate(operation, error));
        },
      );
    });
  }

  /**
   * Repeats work that may be done twice, while the server cannot be reached, is in trouble or asks for patience: `retries` times, each
   * after a longer pause. Nothing is repeated after `close`.
   */
  async persist<T>(work: () => Promise<T>): Promise<T> {
    const { retries, clock } = this.#settings;
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const { retryAfterMs } = this.#refusals.get(error as CacheError) ?? {};
        if (retryAfterMs === undefined || attempt >= retries || this.#closing.signal.aborted) throw error;
        const pauseMs = Math.min(longestPauseMs, Math.max(retryAfterMs, firstPauseMs * 2 ** attempt));
        // Not all that were turned away come back at once.
        await this.#pause(pauseMs * (1 + Math.random() / 4), clock);
      }
    }
  }

  /** Ends the pauses: what waits for another try fails now. Requests under way keep their time limit. */
  close(): void {
    this.#closing.abort(new ClosedError('the vector database'));
  }

  /** Ends the connections that are this one's own, once what is under way is done. */
  async release(): Promise<void> {
    unsubscribe(responseHeaders, this.#observe);
    await this.#agent?.close();
  }

  #pause(pauseMs: number, clock: Clock): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve, reject) => {
      const closed = () => {
        cancel();
        reject(signal.reason);
      };
      const cancel = clock.after(pauseMs, () => {
        signal.removeEventListener('abort', closed);
        resolve();
      });
      signal.addEventListener('abort', closed, { once: true });
    });
  }

  #translate(operation: string, error: unknown): CacheError {
    const { status, text, retryAfterMs, cause } = this.#read(error);
    const said = this.#redact(text);
    const translated =
      status === 401 || status === 403
        ? new ConfigError(`Qdrant at ${this.address} refuses the key for ${operation}: ${said}`)
        : status === 413 || status === 507 || isFull.test(said)
          ? new CapacityError(`Qdrant at ${this.address}, ${operation}: ${said}`)
          : new TierError('qdrant', operation, status === undefined ? said : `${status}: ${said}`, {
              ...(cause !== undefined && { cause }),
              kind: retryAfterMs === undefined ? 'other' : status === undefined ? 'connection' : 'busy',
            });
    this.#refusals.set(translated, {
      ...(status !== undefined && { status }),
      ...(retryAfterMs !== undefined && translated instanceof TierError && { retryAfterMs }),
    });
    return translated;
  }

  /** What a rejection of the client's says. Its errors keep the server's words in `data`, and lose those of a 429. */
  #read(error: unknown): { status?: number; text: string; retryAfterMs?: number; cause?: unknown } {
    const { name, message, status, data, retry_after } = error as Record<string, unknown>;
    if (typeof status === 'number') {
      const inner = (data as { status?: { error?: unknown } } | undefined)?.status?.error;
      const text =
        typeof inner === 'string' ? inner : typeof data === 'string' && data ? data : String(message);
      return { status, text, ...((status >= 500 || status === 429) && { retryAfterMs: 0 }) };
    }
    if (typeof retry_after === 'number' || String(message).startsWith('Invalid retryAfter value')) {
      return {
        status: 429,
        text: 'too many requests',
        retryAfterMs: retryAfterMs(this.#retryAfter, this.#settings.clock.wall()),
      };
    }
    const { code, message: reason } = ((error as Error).cause ?? {}) as { code?: string; message?: string };
    const text = [message, code ?? reason].filter(Boolean).join(': ');
    const lost = name === 'TypeError';
    return { text, cause: error, ...(lost && { retryAfterMs: 0 }) };
  }

  #redact(text: string): string {
    const { apiKey } = this.#settings;
    const shown = apiKey ? text.replaceAll(apiKey, '(key)') : text;
    return shown.length > longestText ? `${shown.slice(0, longestText)}…` : shown;
  }
}

const isFull = /larger than allowed|no space left|storage is full|disk is full|low disk/i;

// Where undici, which `fetch` is made of, tells of the headers of every answer.
const responseHeaders = 'undici:request:headers';

function originOf(scheme: string, host: string, port: number): string {
  return new URL(`${scheme}://${host}:${port}`).origin;
}
