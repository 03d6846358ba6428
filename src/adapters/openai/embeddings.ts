// Embeddings: each text is asked for once, in the encoding that the caller wants. fetch.ts imports it.
import type { SemanticCache } from '../../cache.js';
import { native } from '../../core/native.js';
import { type AdapterOptions, type RequestMaker, without } from '../request.js';
import { type Exchange, headersOf, objectIn } from './exchange.js';
import { answerFields, type Json, objectsOf } from './form.js';

/** What is kept of an input: its vector as the server wrote it, in base64 or as numbers. */
interface Kept {
  readonly embedding: unknown;
  readonly model: unknown;
}

/**
 * Answers requests for embeddings, each input by itself and by its exact text: the server is asked only for inputs that are not at hand.
 * Undefined for a request that must not be cached.
 */
export function embeddingsAnswer(
  cache: SemanticCache,
  make: RequestMaker,
  options: AdapterOptions,
): (exchange: Exchange) => Promise<Response | undefined> {
  const { ttlMs, tags } = options;
  return async ({ route, provider, query, body, refresh, signal, send }) => {
    const { input, model } = body;
    const items = itemsOf(input);
    const request =
      items &&
      make({
        form: route,
        turns: [],
        provider,
        model: typeof model === 'string' ? model : undefined,
        parameters: { ...without(answerFields(body), 'model', 'input'), query },
      });
    if (items === undefined || request === undefined) return undefined;
    const call = { scope: request.scope, exact: true, signal };
    const wanted = new Map(items.map((item) => [keyOf(item), item]));
    const held = new Map<string, Kept>();
    const lookUp = async (key: string) => {
      const { value } = await cache.get<Kept>(key, call);
      if (value !== undefined) held.set(key, value);
    };
    if (!refresh) await Promise.all([...wanted.keys()].map(lookUp));
    const missing = [...wanted].filter(([key]) => !held.has(key));
    const hits = items.filter((item) => held.has(keyOf(item))).length;
    let made: Response | undefined;
    let usage: unknown = { prompt_tokens: 0, total_tokens: 0 };
    if (missing.length > 0) {
      made = await send(signal, { ...body, input: missing.map(([, item]) => item) });
      const answer = await objectIn(made);
      const vectors = vectorsIn(answer);
      if (vectors.length !== missing.length) return undefined;
      ({ usage = usage } = answer);
      const stored = missing.map(([key], at) => {
        const kept = { embedding: vectors[at], model: answer.model };
        held.set(key, kept);
        return cache.set(key, kept, { ...call, ttlMs, tags });
      });
      // One that could not be stored is asked for again.
      await Promise.allSettled(stored);
    }
    const data = items.map((item, index) => {
      const { embedding } = held.get(keyOf(item)) as Kept;
      return { object: 'embedding', index, embedding };
    });
    const headers = headersOf(made);
    headers.set('x-llm-cache', missing.length === 0 ? 'hit' : 'miss');
    headers.set('x-llm-cache-hits', String(hits));
    const by = [...held.values()].at(-1)?.model;
    return Response.json({ object: 'list', data, model: by, usage }, { headers });
  };
}

/** A text or a list of tokens, or a list of either. */
function itemsOf(input: unknown): readonly unknown[] | undefined {
  if (isItem(input)) return [input];
  return Array.isArray(input) && input.length > 0 && input.every(isItem) ? input : undefined;
}

function isItem(item: unknown): boolean {
  if (typeof item === 'string') return item !== '' && item.isWellFormed();
  return Array.isArray(item) && item.length > 0 && item.every((token) => typeof token === 'number');
}

function keyOf(item: unknown): string {
  return native.sha256Fields(['embedding/1', JSON.stringify(item)]);
}

/** In the order of the inputs. */
function vectorsIn({ data }: Json): readonly unknown[] {
  const list = objectsOf(data).filter(
    ({ embedding }) => typeof embedding === 'string' || Array.isArray(embedding),
  );
  return list
    .toSorted((one, other) => Number(one.index) - Number(other.index))
    .map(({ embedding }) => embedding);
}
