// The subpath ./ai-sdk: middleware for language models of the AI SDK, and embedding models that remember. Imports nothing of the SDK.
import type { SemanticCache } from '../cache.js';
import type { AskOptions, Lookup } from '../cache-types.js';
import type { Tier } from '../core/tier.js';
import { contentOf, type GenerateResult, type Part, partsOf, resultOf } from './ai-sdk-parts.js';
import { EmbeddingsCache } from './embeddings.js';
import {
  type AdapterOptions,
  askOptionsOf,
  type CacheRequest,
  keptWhen,
  requestMaker,
  type Turn,
  turnOf,
  without,
} from './request.js';

// Structural, so that one middleware serves V3 and V4: what it hands on has the type of the model that it came from.
// biome-ignore lint/suspicious/noExplicitAny: the SDK's own types differ by version, and are not imported.
type Foreign = any;
type Result = GenerateResult & Record<string, unknown>;
type StreamResult = { readonly stream: ReadableStream<Part>; readonly [name: string]: unknown };
type Params = { readonly prompt: readonly Foreign[]; readonly [name: string]: unknown };

interface Model {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId: string;
  doGenerate(params: Foreign): PromiseLike<Foreign>;
  doStream(params: Foreign): PromiseLike<Foreign>;
}

interface Wrapped {
  readonly doGenerate: () => PromiseLike<Foreign>;
  readonly doStream: () => PromiseLike<Foreign>;
  readonly params: Foreign;
  readonly model: Model;
}

/** Middleware for `wrapLanguageModel`. */
export interface CacheMiddleware<Version extends string> {
  readonly specificationVersion: Version;
  readonly wrapGenerate: (call: Wrapped) => Promise<Foreign>;
  readonly wrapStream: (call: Wrapped) => Promise<Foreign>;
}

/** How the middleware works; and, for every call, any option of `AdapterOptions`. */
export interface CacheMiddlewareOptions<Version extends string = 'v3'> extends AdapterOptions {
  /** `specificationVersion` of the models: `v3` (AI SDK 6) or `v4` (AI SDK 7). Default `v3`. */
  readonly specificationVersion?: Version | undefined;
  /** Plays stored streams back at once, or as they came. Default `at-once`. */
  readonly replay?: 'at-once' | 'paced' | undefined;
}

/** None changes the answer. A session (V4) is the provider's own, for the steps of one call. */
const withoutEffect = ['abortSignal', 'headers', 'experimental_session'];
/** What is named apart; `includeRawChunks: false` is said by streams alone, and must not keep them from plain answers. */
const namedApart = ['prompt', 'tools', 'toolChoice', 'responseFormat', 'includeRawChunks'];

/**
 * Middleware that answers from the cache, streams and plain calls from one entry; `providerMetadata.llmCache` says how: `hit`, `match`,
 * `similarity`, `tier`, `key`. What is not stored, and what a question is, the store policy and the rules of conversations say; tool calls
 * and cut off or filtered answers are never stored by default.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT; the calls throw as `ask` and as the model
 * @example const model = wrapLanguageModel({ model: openai('m1'), middleware: cacheMiddleware(cache, { tenant: 'acme' }) });
 */
export function cacheMiddleware<Version extends string = 'v3'>(
  cache: SemanticCache,
  options: CacheMiddlewareOptions<Version> = {},
): CacheMiddleware<Version> {
  const make = requestMaker(cache, options);
  const { specificationVersion = 'v3' as Version, replay } = options;
  const asked = (model: Model, params: Params): CacheRequest | undefined =>
    make({
      form: 'ai-sdk',
      turns: params.prompt.map(turn),
      provider: model.provider,
      model: model.modelId,
      tools: params.tools,
      toolChoice: params.toolChoice,
      responseFormat: params.responseFormat,
      parameters: {
        ...without(params, ...withoutEffect, ...namedApart),
        rawChunks: params.includeRawChunks === true || undefined,
      },
    });
  const optionsFor = ({ prompt: _, ...where }: CacheRequest, params: Params) => ({
    ...askOptionsOf(options),
    ...where,
    signal: params.abortSignal as AbortSignal | undefined,
    cacheable: whole(options.cacheable),
  });

  return {
    specificationVersion,
    async wrapGenerate({ doGenerate, params, model }) {
      const request = asked(model, params);
      if (request === undefined) return doGenerate();
      let made: Result | undefined;
      const generate = async ({ signal }: { signal: AbortSignal }): Promise<GenerateResult> => {
        made = (await model.doGenerate({ ...params, abortSignal: signal })) as Result;
        return resultOf(made);
      };
      const answer = await cache.ask(request.prompt, generate, optionsFor(request, params));
      const { value } = answer;
      const { request: sent, response }: Partial<Record<string, unknown>> = made ?? {};
      return {
        ...value,
        content: contentOf(value),
        request: sent,
        response: { ...(response as object | undefined), ...value.response },
        providerMetadata: { ...value.providerMetadata, ...told(answer) },
      };
    },
    async wrapStream({ doStream, params, model }) {
      const request = asked(model, params);
      if (request === undefined) return doStream();
      let made: StreamResult | undefined;
      const generate = async ({ signal }: { signal: AbortSignal }): Promise<ReadableStream<Part>> => {
        made = (await model.doStream({ ...params, abortSignal: signal })) as StreamResult;
        return made.stream;
      };
      const stream = await cache.wrapStream<Part, GenerateResult>(request.prompt, generate, {
        ...optionsFor(request, params),
        replay,
        join: (parts) => resultOf(parts),
        split: partsOf,
      });
      const marked = new TransformStream<Part, Part>({
        transform(part, controller) {
          if (part.type !== 'finish') return controller.enqueue(part);
          const providerMetadata = { ...(part.providerMetadata as object), ...told(stream.lookup) };
          controller.enqueue({ ...part, providerMetadata });
        },
      });
      const { stream: _, ...rest } = made ?? { stream: undefined };
      return { ...rest, stream: stream.toReadableStream().pipeThrough(marked) };
    },
  };
}

/** An embedding model of the AI SDK. */
interface EmbeddingModel {
  readonly provider: string;
  readonly modelId: string;
  doEmbed(options: Foreign): PromiseLike<Foreign>;
}

/**
 * The model, which is asked only for texts that no tier holds; each model, provider and set of `providerOptions` has vectors of its own,
 * kept as float32. `tiers` as `openExactTiers` gives them.
 * @example const model = cachedEmbeddingModel(openai.embeddingModel('e1'), await openExactTiers());
 */
export function cachedEmbeddingModel<M extends EmbeddingModel>(
  model: M,
  { tiers }: { readonly tiers: readonly Tier[] },
): M {
  const doEmbed = async (options: {
    readonly values: readonly string[];
    readonly providerOptions?: unknown;
  }) => {
    const name = JSON.stringify(['ai-sdk', model.provider, model.modelId, options.providerOptions ?? null]);
    const cache = new EmbeddingsCache({ tiers, model: name });
    let made: Foreign;
    const { vectors, hits } = await cache.embed(options.values, async (values) => {
      made = await model.doEmbed({ ...options, values });
      return made.embeddings;
    });
    return {
      warnings: [],
      usage: { tokens: 0 },
      ...made,
      embeddings: vectors.map((vector) => Array.from(vector)),
      providerMetadata: { ...made?.providerMetadata, llmCache: { hits, texts: options.values.length } },
    };
  };
  // The model's own members may be getters of a class that need their `this`.
  return new Proxy(model, {
    get(target, name) {
      if (name === 'doEmbed') return doEmbed;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function turn(message: { readonly role: string; readonly content: unknown }): Turn {
  const { role, content } = message;
  if (role === 'system' || role === 'user' || role === 'assistant')
    return turnOf(role, content, without(message, 'role', 'content'));
  return turnOf('other', content, without(message, 'content'));
}

/** A stream without its `finish` was cut off, however it ended. */
function whole(hook: AskOptions['cacheable']): AskOptions['cacheable'] {
  return keptWhen(({ parts }) => parts?.some((part) => (part as Part).type === 'finish') ?? true, hook);
}

function told({ match, similarity, tier, key }: Lookup): {
  readonly llmCache: Record<string, string | number | boolean>;
} {
  return { llmCache: { hit: match !== 'none', match, similarity, tier, key } };
}
