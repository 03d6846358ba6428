// What a chat request asks, and what its answer depends on, for all adapters. Only the adapters import it.
import type { SemanticCache } from '../cache.js';
import type { AskOptions } from '../cache-types.js';
import { canonicalJson } from '../core/canonical.js';
import { InvalidArgumentError } from '../core/errors.js';
import { maxQuestionLength } from '../core/key.js';
import { native } from '../core/native.js';
import type { Scope, ScopeFields } from '../core/scope.js';

/** What all adapters take; and, for every call, any of these options of `ask`. */
export interface AdapterOptions
  extends Pick<AskOptions, 'ttlMs' | 'tags' | 'accept' | 'cacheable' | 'freshness'>,
    Pick<ScopeFields, 'promptTemplate' | 'locale' | 'corpus' | 'extra'> {
  /**
   * Who shares the answers; a function is asked at each call. Default: nobody in particular, and the answers stay with the cache
   * directory unless `shared` is true.
   */
  readonly tenant?: string | (() => string) | undefined;
  /** True, without a tenant: all who use the same stores share the answers. Default false. */
  readonly shared?: boolean | undefined;
}

/** One message of a conversation. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant' | 'other';
  /** Its text; undefined where it holds anything but text. */
  readonly text: string | undefined;
  /** Everything else that it says: any JSON value, or bytes, dates and URLs. */
  readonly rest: unknown;
}

/** A chat request in no framework's terms. */
export interface ChatRequest {
  /** The interface that it speaks, for answers of one are of no use to another. */
  readonly form: string;
  readonly turns: readonly Turn[];
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly tools?: unknown;
  readonly toolChoice?: unknown;
  readonly responseFormat?: unknown;
  /** Whatever else changes the answer; its `temperature` is known to the store policy. */
  readonly parameters: unknown;
}

/** How the cache is asked. */
export interface CacheRequest {
  readonly prompt: string;
  /** What was said before the prompt; the cache knows when that counts. */
  readonly turns: readonly unknown[];
  readonly scope: Scope;
  readonly exact: boolean;
}

/** Makes cache requests of chat requests. */
export type RequestMaker = (request: ChatRequest) => CacheRequest | undefined;

/**
 * The last user turn is the question, and those before it are its turns; system messages at the head are the scope's. Blank and very long
 * turns, turns that hold more than text, and conversations that end otherwise are matched by all that they hold. Undefined for what has no
 * canonical form: such a request must not be cached.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT; what is made also, when the function `tenant` gives no name
 */
export function requestMaker(cache: Pick<SemanticCache, 'scope'>, options: AdapterOptions): RequestMaker {
  const ownerOf = owner(options);
  const { promptTemplate, locale, corpus, extra } = options;
  const common = { promptTemplate, locale, corpus };
  cache.scope({ ...common, extra });
  return (request) => {
    const owned = ownerOf();
    try {
      const { scope, ...asked } = cacheRequest(request, extra);
      return { ...asked, scope: cache.scope({ ...owned, ...common, ...scope }) };
    } catch (error) {
      // No JSON, or nested deeper than the stack.
      if (error instanceof InvalidArgumentError || error instanceof RangeError) return undefined;
      throw error;
    }
  };
}

/** The fields that say whose the answers are. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT, and at each call */
function owner({ tenant, shared = false }: AdapterOptions): () => Pick<ScopeFields, 'tenant' | 'shared'> {
  const named = (name: unknown): string => {
    if (typeof name === 'string' && name !== '') return name;
    throw new InvalidArgumentError('tenant', 'a name, or a function that gives one', name);
  };
  if (typeof shared !== 'boolean') throw new InvalidArgumentError('shared', 'true or false', shared);
  if (tenant === undefined) return () => ({ shared });
  if (shared) throw new InvalidArgumentError('shared', 'left out where there is a tenant', shared);
  if (typeof tenant === 'function') return () => ({ tenant: named(tenant()) });
  const fixed = { tenant: named(tenant) };
  return () => fixed;
}

function cacheRequest(
  { form, turns, provider, model, ...answer }: ChatRequest,
  extra: unknown,
): Omit<CacheRequest, 'scope'> & { readonly scope: ScopeFields } {
  const last = turns.at(-1);
  const head = turns.findIndex(({ role }) => role !== 'system');
  const system = turns.slice(0, Math.max(0, head));
  const said = turns.slice(system.length).map(plainTurn);
  const scope = {
    provider,
    model,
    system: system.length === 0 ? undefined : canonical(system.map(({ text, rest }) => [text ?? null, rest])),
    tools: plain(answer.tools),
    toolChoice: plain(answer.toolChoice),
    responseFormat: plain(answer.responseFormat),
    parameters: plain(answer.parameters),
  };
  const question = last?.role === 'user' && isQuestion(last.text) ? last.text : undefined;
  if (question === undefined) {
    const prompt = native.sha256Fields(['conversation/1', canonicalJson(said, 'turns')]);
    return { prompt, turns: [], scope: { ...scope, extra: { form, extra, whole: true } }, exact: true };
  }
  const rest = plain(last?.rest);
  return {
    prompt: question,
    turns: said.slice(0, -1),
    scope: { ...scope, extra: { form, extra, rest } },
    exact: false,
  };
}

/** Whether a text can be asked. */
function isQuestion(text: string | undefined): text is string {
  return text !== undefined && /\S/.test(text) && text.length <= maxQuestionLength && text.isWellFormed();
}

function plainTurn({ role, text, rest }: Turn): Record<string, unknown> {
  return { role, content: text ?? null, rest: plain(rest) };
}

/** A turn of a message whose content is a text, or a list of parts of which those of these types are texts. */
export function turnOf(
  role: Turn['role'],
  content: unknown,
  others: Readonly<Record<string, unknown>>,
  textTypes: readonly string[] = ['text'],
): Turn {
  const rest = Object.values(others).some((value) => value !== undefined) ? others : undefined;
  if (typeof content === 'string') return { role, text: content, rest };
  const isText = (part: unknown): part is { type: string; text: string } => {
    const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
    return textTypes.includes(type as string) && typeof text === 'string';
  };
  if (!Array.isArray(content) || content.length === 0 || !content.every(isText)) {
    return { role, text: undefined, rest: { ...others, content } };
  }
  const parts = content.map(({ type: _, text: __, ...part }) => part);
  const isPlain = parts.length === 1 && Object.values(parts[0] ?? {}).every((value) => value === undefined);
  const text = content.map((part) => part.text).join('\n');
  return { role, text, rest: isPlain ? rest : { ...others, parts } };
}

/** The options of `ask` among an adapter's. */
export function askOptionsOf(
  options: AdapterOptions,
): Pick<AskOptions, 'ttlMs' | 'tags' | 'accept' | 'freshness'> {
  const { ttlMs, tags, accept, freshness } = options;
  return { ttlMs, tags, accept, freshness };
}

type Hook = NonNullable<AskOptions['cacheable']>;

/** Nothing is kept that fails the test; for the rest the caller's hook decides, if there is one. */
export function keptWhen(isWhole: (...given: Parameters<Hook>) => boolean, hook: Hook | undefined): Hook {
  return (candidate) => (isWhole(candidate) ? hook?.(candidate) : false);
}

/** Everything about requests but the named fields. */
export function without(fields: object, ...names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

function canonical(value: unknown): string {
  return canonicalJson(plain(value), 'request');
}

/** Bytes, dates, URLs and patterns as JSON; other objects are left, and refused where they have no canonical form. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return { date: value.toJSON() };
  if (value instanceof URL || value instanceof RegExp) return { text: String(value) };
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    const bytes = ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value);
    return { bytes: Buffer.from(native.sha256(bytes)).toString('hex') };
  }
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : plain(item)));
  if (typeof value !== 'object' || value === null) return value;
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value))) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}
