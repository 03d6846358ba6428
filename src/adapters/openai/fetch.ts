// A fetch that answers from the cache, and a client of OpenAI with it. The subpath ./openai exports both.
import type { SemanticCache } from '../../cache.js';
import type { AskOptions, GenerateContext } from '../../cache-types.js';
import { type AdapterOptions, askOptionsOf, keptWhen, requestMaker } from '../request.js';
import { chatCompletions } from './chat.js';
import { embeddingsAnswer } from './embeddings.js';
import { type Exchange, exchangeOf, type Fetch, Foreign, objectIn, told } from './exchange.js';
import { type Form, isObject, type Json, type Part } from './form.js';
import { responses } from './responses.js';
import { eventOf, partsOf } from './sse.js';

/** How a caching fetch works; and, for every call, any option of `AdapterOptions`. */
export interface CachingFetchOptions extends AdapterOptions {
  /** Sends what is not at hand. Default: the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /** Plays stored streams back at once, or as they came. Default `at-once`. */
  readonly replay?: 'at-once' | 'paced' | undefined;
}

/** What `cached` takes: the client of the package `openai`, or one that is made the same. */
export interface OpenAILike<Client> {
  withOptions(options: { fetch: Fetch }): Client;
}

const forms: ReadonlyMap<string, Form> = new Map([
  ['chat/completions', chatCompletions],
  ['responses', responses],
]);
/** Answers to a request that a server does not understand. */
const refusals = new Set([400, 422]);

/**
 * The client, whose `chat.completions.create`, `responses.create` and `embeddings.create` are answered from the cache, streams and plain
 * calls from one entry; all else, and all errors, pass through it as they are. The header `x-llm-cache` of a response says `hit`, `miss`
 * or `stale`. A call with the header `cache-control: no-cache` is answered anew, one with `no-store` by the server alone.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT; what the cache throws in a call is the cause of the client's connection error
 * @example const openai = cached(new OpenAI(), cache, { tenant: 'acme' });
 */
export function cached<Client extends OpenAILike<Client>>(
  openai: Client,
  cache: SemanticCache,
  options: CachingFetchOptions = {},
): Client {
  // Private in its types; without it, the client's own proxy or test double would be left out.
  const { fetch } = openai as { readonly fetch?: Fetch };
  return openai.withOptions({ fetch: cachingFetch(cache, { fetch, ...options }) });
}

/**
 * A `fetch` for clients of OpenAI and of servers that speak its interfaces: `POST …/chat/completions`, `…/responses` and `…/embeddings` with a
 * body that is a JSON text are answered from the cache. Tool calls, cut off, filtered and refused answers are never stored by default.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT; the calls as `ask` and as the fetch below
 */
export function cachingFetch(cache: SemanticCache, options: CachingFetchOptions = {}): Fetch {
  const { fetch = (...call) => globalThis.fetch(...call), replay } = options;
  const make = requestMaker(cache, options);
  const embed = embeddingsAnswer(cache, make, options);
  const withoutUsage = new Set<string>();

  const answer = async (exchange: Exchange, form: Form): Promise<Response | undefined> => {
    const { route, provider, query, body, refresh, signal } = exchange;
    const asked = form.request(body);
    const request =
      asked &&
      make({ ...asked, form: route, provider, parameters: { ...(asked.parameters as Json), query } });
    if (request === undefined) return undefined;
    const { prompt, ...where } = request;
    const cacheable = keptWhen(({ value, parts }) => form.isWhole(value as Json, parts), options.cacheable);
    const how = { ...askOptionsOf(options), ...where, cacheable, refresh, signal };
    return (body.stream === true ? streamed : plain)(exchange, prompt, how, form);
  };

  const plain = async ({ send }: Exchange, prompt: string, how: AskOptions): Promise<Response> => {
    let made: Response | undefined;
    const generate = async ({ signal }: GenerateContext): Promise<Json> => {
      const response = await send(signal);
      const value = await objectIn(response);
      made = response;
      return value;
    };
    const found = await cache.ask(prompt, generate, how);
    return Response.json(found.value, { headers: told(made, found) });
  };

  const streamed = async (
    exchange: Exchange,
    prompt: string,
    how: AskOptions,
    form: Form,
  ): Promise<Response> => {
    let made: Response | undefined;
    const generate = async ({ signal }: GenerateContext): Promise<AsyncIterable<Part>> => {
      const response = await open(exchange, form, signal);
      made = response;
      return untilEnd(response, form);
    };
    const { join, split } = form;
    const stream = await cache.wrapStream<Part, Json>(prompt, generate, { ...how, join, split, replay });
    const headers = told(made, stream.lookup);
    headers.set('content-type', 'text/event-stream; charset=utf-8');
    return new Response(
      eventsOf(stream, (part) => form.shown(part, exchange.body)),
      { headers },
    );
  };

  /** A stream that tells its usage, from servers that can, for plain callers and the statistics want to know it. */
  const open = async (
    { send, body, provider }: Exchange,
    form: Form,
    signal: AbortSignal,
  ): Promise<Response> => {
    const more = withoutUsage.has(provider) ? undefined : form.withUsage(body);
    let response = await send(signal, more);
    if (more !== undefined && refusals.has(response.status)) {
      await response.body?.cancel();
      response = await send(signal);
      if (response.ok) withoutUsage.add(provider);
    }
    const isStream = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '');
    if (!response.ok || !isStream || response.body === null) {
      throw new Foreign(response, await response.arrayBuffer());
    }
    return response;
  };

  return async (input, init) => {
    const exchange = exchangeOf(fetch, input, init);
    if (exchange === undefined) return fetch(input, init);
    const form = forms.get(exchange.route);
    try {
      const answered = form === undefined ? embed(exchange) : answer(exchange, form);
      return (await answered) ?? (await fetch(input, init));
    } catch (error) {
      if (error instanceof Foreign) return error.response();
      if (error instanceof FailedStream) return error.response(exchange.body.stream === true);
      throw error;
    }
  };
}

/** What a server streams. One that fails or falls silent before the end has not answered, whatever its connection says. */
async function* untilEnd({ body }: Response, form: Form): AsyncGenerator<Part> {
  let isOver = false;
  for await (const part of partsOf(body as ReadableStream<Uint8Array>)) {
    if (isObject(part) && (Boolean(part.error) || part.type === 'error')) throw new FailedStream(part);
    isOver ||= form.ends(part);
    yield part;
  }
  if (!isOver) throw new Error('the stream ended before the answer did');
}

/** What a server said in the middle of a stream: no part of an answer, and told to all who wait for one. */
class FailedStream extends Error {
  readonly #part: Json;

  constructor(part: Json) {
    super('the server failed while it streamed');
    this.#part = part;
  }

  event(): Uint8Array {
    return eventOf(this.#part);
  }

  response(streams: boolean): Response {
    if (streams) return new Response(this.event(), { headers: { 'content-type': 'text/event-stream' } });
    return Response.json({ error: this.#part.error ?? this.#part }, { status: 500 });
  }
}

/** The events of a stream as its reader asks for them. */
function eventsOf(
  stream: AsyncIterableIterator<Part>,
  shown: (part: Part) => Part | undefined,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (let next = await stream.next(); !next.done; next = await stream.next()) {
            const part = shown(next.value);
            if (part !== undefined) return controller.enqueue(eventOf(part));
          }
        } catch (error) {
          if (!(error instanceof FailedStream)) throw error;
          controller.enqueue(error.event());
        }
        controller.close();
      },
      cancel: () => void stream.return?.(),
    },
    { highWaterMark: 0 },
  );
}
