// Clients of OpenAI on a cache and a loopback server; imported by the tests of the adapter.
import OpenAI from 'openai';
import { type CachingFetchOptions, cached } from '#dist/adapters/openai/index.js';
import type { SemanticCache } from '#dist/cache.js';
import { storePolicy } from '#dist/store-policy/policy.js';
import { assemble } from '../../cache/support.js';
import { startServer } from './server.js';

export type Messages = OpenAI.ChatCompletionMessageParam[];
/** A user's turn. */
export const user = (content: string): OpenAI.ChatCompletionUserMessageParam => ({ role: 'user', content });
export const question = [user('Who founded Oslo?')];
/** What the server answers to it. */
export const text = 'answer to Who founded Oslo?';

/** What a test is given. */
export interface Given {
  readonly server: Awaited<ReturnType<typeof startServer>>;
  readonly cache: SemanticCache;
  /** Without the cache. */
  readonly direct: OpenAI;
  readonly openai: OpenAI;
  readonly on: (options?: CachingFetchOptions) => OpenAI;
}

/** Runs a test with a server and a client on a cache in memory. */
export async function withServer(
  run: (given: Given) => Promise<void>,
  reply?: Parameters<typeof startServer>[0],
) {
  const server = await startServer(reply);
  const cache = assemble({ storePolicy: storePolicy() });
  const direct = new OpenAI({ apiKey: 'k', baseURL: server.baseURL, maxRetries: 0 });
  const on = (options: CachingFetchOptions = { tenant: 't' }) => cached(direct, cache, options);
  try {
    await run({ server, cache, direct, openai: on(), on });
  } finally {
    await cache.close();
    await server.close();
  }
}

/** Asks for the whole answer; `told` is what its header says of the cache. */
export async function plain(openai: OpenAI, messages: Messages = question, more: object = {}) {
  const { data, response } = await openai.chat.completions
    .create({ model: 'm', messages, ...more })
    .withResponse();
  return { data: data as OpenAI.ChatCompletion, told: response.headers.get('x-llm-cache'), response };
}
/** The same as a stream, read to its end. */
export async function streamed(openai: OpenAI, messages: Messages = question, more: object = {}) {
  const { data, response } = await openai.chat.completions
    .create({ model: 'm', messages, stream: true, ...more })
    .withResponse();
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of data as unknown as AsyncIterable<OpenAI.ChatCompletionChunk>) chunks.push(chunk);
  const texts = chunks.map(({ choices }) => choices[0]?.delta.content).filter(Boolean);
  return { chunks, texts, told: response.headers.get('x-llm-cache'), response };
}
