// Answers of LangChain's models, chat models and others, as their `cache`. The subpath ./langchain exports it.
import type { SemanticCache } from '../../cache.js';
import { ClosedError } from '../../core/errors.js';
import { native } from '../../core/native.js';
import {
  type AdapterOptions,
  askOptionsOf,
  type CacheRequest,
  type RequestMaker,
  requestMaker,
  type Turn,
} from '../request.js';
import { BaseCache, deserializeStoredGeneration, type Generation, serializeGeneration } from './core.js';

type Stored = Parameters<typeof deserializeStoredGeneration>[0] & Pick<Generation, 'generationInfo'>;

/**
 * A cache for `new ChatOpenAI({ cache })` and the like. The last human turn is matched by meaning, after the same words before it and for a
 * model that is set up the same (`llmKey`). Conversations that hold more than text are not cached, for LangChain's key does not tell their
 * pictures and files apart; tool calls, cut off, filtered and refused answers are not stored by default. A closed cache is a miss.
 * @example const model = new ChatOpenAI({ cache: new TieredCache(cache, { tenant: 'acme' }) });
 */
export class TieredCache extends BaseCache {
  readonly #cache: SemanticCache;
  readonly #options: AdapterOptions;
  readonly #make: RequestMaker;

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
  constructor(cache: SemanticCache, options: AdapterOptions = {}) {
    super();
    this.#cache = cache;
    this.#options = options;
    this.#make = requestMaker(cache, options);
  }

  /** What a model said to this prompt, or to one that means the same; null for nothing. */
  async lookup(prompt: string, llmKey: string): Promise<Generation[] | null> {
    const request = this.#request(prompt, llmKey);
    if (request === undefined) return null;
    const { prompt: question, ...where } = request;
    const { accept } = this.#options;
    const found = await unlessClosed(this.#cache.get<Stored[]>(question, { ...where, accept }));
    return found?.value?.map(revived) ?? null;
  }

  /** Stores what a model said, if the store policy keeps it. */
  async update(prompt: string, llmKey: string, generations: Generation[]): Promise<void> {
    const request = this.#request(prompt, llmKey);
    if (request === undefined) return;
    const { prompt: question, ...where } = request;
    const { tags = [], cacheable } = this.#options;
    // Asked, not set, because answers that are asked for go by the store policy.
    const stored = this.#cache.ask(
      question,
      ({ reportUsage }) => {
        const [first] = generations as { message?: { usage_metadata?: unknown } }[];
        reportUsage(first?.message?.usage_metadata);
        return generations.map(serialised);
      },
      { ...askOptionsOf(this.#options), ...where, cacheable, tags: [...tags, this.#tag()], refresh: true },
    );
    await unlessClosed(stored);
  }

  /** Makes everything a miss that was stored with these options for this tenant. */
  async clear(): Promise<void> {
    await this.#cache.invalidate({ tags: [this.#tag()] });
  }

  #request(prompt: string, llmKey: string): CacheRequest | undefined {
    const isChat = valueIn(llmKey, '_model') === 'base_chat_model';
    const turns = isChat ? turnsOf(prompt) : [said('user', prompt)];
    const model = ['model', 'model_name', 'modelName'].map((name) => valueIn(llmKey, name)).find(Boolean);
    return (
      turns &&
      this.#make({
        form: 'langchain',
        turns,
        provider: undefined,
        model: typeof model === 'string' ? model : undefined,
        // The store policy reads the temperature.
        parameters: {
          llmKey: native.sha256Fields(['llm-key/1', llmKey]),
          temperature: valueIn(llmKey, 'temperature'),
        },
      })
    );
  }

  #tag(): string {
    const request = this.#make({
      form: 'langchain',
      turns: [],
      provider: undefined,
      model: undefined,
      parameters: {},
    });
    return `langchain:${request?.scope.id}`;
  }
}

const human = 'Human: ';
/** What LangChain writes in the place of contents that are no text. */
const placeholder =
  /\[(?:image|audio|video|file|text-plain file|document|media|thinking|[a-z]+(?:_[a-z]+)+)\]/;

/**
 * The turns of a chat prompt, which comes as one text: `System: …\nHuman: …\nAI: …`. Whoever writes a message can write such marks into it, so all
 * that stands before the last human turn always counts, and what stands behind it must look like one turn to be matched by meaning.
 */
function turnsOf(prompt: string): readonly Turn[] | undefined {
  if (placeholder.test(prompt)) return undefined;
  const at = `\n${prompt}`.lastIndexOf(`\n${human}`);
  const last = at < 0 ? '' : prompt.slice(at + human.length);
  // Nothing, or nothing that LangChain writes down.
  if (at >= 0 && last.trim() === '') return undefined;
  // Versions before wrote contents that are no text as JSON.
  const isOneTurn = at >= 0 && !/\n\w+: /.test(last) && !/^\[\s*\{/.test(last);
  if (!isOneTurn) return [said('other', prompt)];
  return at === 0 ? [said('user', last)] : [said('system', prompt.slice(0, at - 1)), said('user', last)];
}

function said(role: Turn['role'], text: string): Turn {
  return { role, text, rest: undefined };
}

/** A value of an `llmKey`, which reads `name:JSON,name:JSON`. */
function valueIn(llmKey: string, name: string): unknown {
  const [, text] =
    new RegExp(`(?:^|,)${name}:("(?:[^"\\\\]|\\\\.)*"|-?[\\d.eE+-]+)(?=,|$)`).exec(llmKey) ?? [];
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function serialised(generation: Generation): Stored {
  const { generationInfo } = generation;
  return { ...serializeGeneration(generation), ...(generationInfo && { generationInfo }) };
}

/** A generation of the caller's own: LangChain writes into those that it is given. */
function revived(stored: Stored): Generation {
  const { generationInfo, ...rest } = structuredClone(stored);
  return { ...deserializeStoredGeneration(rest), ...(generationInfo && { generationInfo }) };
}

/** A cache that is closed must not fail the model. */
async function unlessClosed<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ClosedError) return undefined;
    throw error;
  }
}
