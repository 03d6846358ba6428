// The subpath ./openai: a client of OpenAI that answers from the cache. Imports nothing of its package.
export type { Fetch } from './exchange.js';
export { type CachingFetchOptions, cached, cachingFetch, type OpenAILike } from './fetch.js';
