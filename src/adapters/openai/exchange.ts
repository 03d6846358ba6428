// Requests and responses of HTTP, as far as the cache looks at them. fetch.ts and embeddings.ts import it.
import type { Lookup } from '../../cache-types.js';
import { native } from '../../core/native.js';
import { isObject, type Json } from './form.js';

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** A request whose answer may be at hand. */
export interface Exchange {
  /** End of the path: `chat/completions`, `responses` or `embeddings`. */
  readonly route: string;
  /** Host and path before it. */
  readonly provider: string;
  /** Fingerprint of what stands behind it, for it may be a secret; undefined for nothing. */
  readonly query: string | undefined;
  readonly body: Json;
  /** The caller wants it made anew: `cache-control: no-cache`. */
  readonly refresh: boolean;
  readonly signal: AbortSignal | undefined;
  /** Sends it, or another body in its place. */
  readonly send: (signal: AbortSignal | undefined, body?: Json) => Promise<Response>;
}

const routes = /^(.*)\/(chat\/completions|responses|embeddings)\/?$/;

/** Undefined for all that the cache leaves alone: other methods and paths, bodies that are no JSON, `cache-control: no-store`. */
export function exchangeOf(
  fetch: Fetch,
  input: string | URL | Request,
  init: RequestInit | undefined,
): Exchange | undefined {
  if (input instanceof Request || init?.method?.toUpperCase() !== 'POST' || typeof init.body !== 'string')
    return undefined;
  const control = new Headers(init.headers).get('cache-control') ?? '';
  if (/\bno-store\b/i.test(control) || !URL.canParse(String(input))) return undefined;
  const { host, pathname, search } = new URL(String(input));
  const [, prefix, route] = routes.exec(pathname) ?? [];
  const body = parsed(init.body);
  if (prefix === undefined || route === undefined || body === undefined) return undefined;
  return {
    route,
    provider: `${host}${prefix}`,
    query: search === '' ? undefined : native.sha256Fields(['query/1', search]),
    body,
    refresh: /\bno-cache\b/i.test(control),
    signal: init.signal ?? undefined,
    send: (signal, other) =>
      fetch(input, { ...init, ...(signal && { signal }), ...(other && { body: JSON.stringify(other) }) }),
  };
}

/** What a server answered that is not the cache's business: an error, or no answer that it knows. Handed on as it came. */
export class Foreign extends Error {
  readonly #response: Response;
  readonly #bytes: ArrayBuffer;

  constructor(response: Response, bytes: ArrayBuffer) {
    super(`the server answered ${response.status}`);
    this.#response = response;
    this.#bytes = bytes;
  }

  /** A response of its own for each caller that waited for it. */
  response(): Response {
    const { status, statusText } = this.#response;
    const body = this.#bytes.byteLength === 0 ? null : this.#bytes;
    return new Response(body, { status, statusText, headers: headersOf(this.#response) });
  }
}

/** The object that a response holds. @throws {Foreign} */
export async function objectIn(response: Response): Promise<Json> {
  const bytes = await response.arrayBuffer();
  const body = response.ok ? parsed(new TextDecoder().decode(bytes)) : undefined;
  if (body === undefined) throw new Foreign(response, bytes);
  return body;
}

/** The headers of the server's own response, if it has just made one. */
export function headersOf(made: Response | undefined): Headers {
  const headers = new Headers(made?.headers);
  // Fetch has undone them.
  for (const name of ['content-length', 'content-encoding', 'transfer-encoding']) headers.delete(name);
  return headers;
}

/** Headers that say what the cache has to say of an answer; those of the server's response too, if it was made for this call. */
export function told(made: Response | undefined, { match, similarity, tier, key, stale }: Lookup): Headers {
  const headers = headersOf(match === 'none' ? made : undefined);
  headers.set('x-llm-cache', stale ? 'stale' : match === 'none' ? 'miss' : 'hit');
  headers.set('x-llm-cache-match', match);
  headers.set('x-llm-cache-similarity', String(similarity));
  headers.set('x-llm-cache-tier', tier);
  headers.set('x-llm-cache-key', key);
  return headers;
}

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
