// What a chat request asks, and what its answer depends on: the one rule of all adapters. Only the adapters import it.
import { randomUUID } from 'node:crypto';
import type { SemanticCache } from '../cache.js';
import type { AskOptions } from '../cache-types.js';
import { canonicalJson } from '../core/canonical.js';
import { InvalidArgumentError } from '../core/errors.js';
import { maxQuestionLength } from '../core/key.js';
import { native } from '../core/native.js';
import type { Scope, ScopeFields } from '../core/scope.js';
import { standsAlone } from '../decide/standalone.js';

/** What all adapters take; and, for every call, any of these options of `ask`. */
export interface AdapterOptions
  extends Pick<AskOptions, 'ttlMs' | 'tags' | 'accept' | 'cacheable' | 'freshness'> {
  /**
   * Who shares the answers; a function is asked at each call. Default: nobody else does, not even the same program started again,
   * unless `shared` is true.
   */
  readonly tenant?: string | (() => string) | undefined;
  /** True: all who give no tenant share their answers. Default false. */
  readonly shared?: boolean | undefined;
  /** What else the answers depend on (locale, version of a template or of the documents): any JSON value. */
  readonly extra?: unknown;
  /**
   * True: a last turn that stands alone is matched whatever was said before it. Default false: what was said before must be the same,
   * because it may hold orders (`answer in French`).
   */
  readonly ignoreEarlierTurns?: boolean | undefined;
}

/** One message of a conversation. */
export interface Turn {
  readonly role: 'system' | 'user' | 'other';
  /** Its text; undefined where it holds anything but text. */
  readonly text: string | undefined;
  /** Everything else that it says: any JSON value, or bytes, dates and URLs. */
  readonly rest: unknown;
}

/** A chat request in no framework's terms. */
export interface ChatRequest {
  readonly turns: readonly Turn[];
  readonly model: string | undefined;
  readonly tools: unknown;
  /** Whatever changes the answer; its `temperature` is known to the store policy. */
  readonly parameters: unknown;
  /** Provider, kind of interface, address. */
  readonly provider: unknown;
  /** The server remembers turns that are not here. Default false. */
  readonly continues?: boolean | undefined;
}

/** How the cache is asked. */
export interface CacheRequest {
  readonly prompt: string;
  readonly scope: Scope;
  readonly exact: boolean;
}

/** Makes cache requests of chat requests; made once an adapter, because a private partition lives as long as it. */
export type RequestMaker = (request: ChatRequest) => CacheRequest | undefined;

/**
 * The last user turn is the question. It is matched by meaning if nothing precedes it, or if it stands alone; otherwise by key alone.
 * Blank and very long turns, turns that hold more than text, and conversations that end otherwise are matched by all that they hold.
 * What precedes the last turn is part of the scope. Undefined for what has no canonical form: such a request must not be cached.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export function requestMaker(cache: Pick<SemanticCache, 'scope'>, options: AdapterOptions): RequestMaker {
  const { tenant, shared = false, extra, ignoreEarlierTurns = false } = options;
  if (tenant !== undefined && typeof tenant !== 'function' && (typeof tenant !== 'string' || tenant === '')) {
    throw new InvalidArgumentError('tenant', 'a name, or a function that gives one', tenant);
  }
  if (extra !== undefined) canonicalJson(extra, 'extra');
  const alone = shared ? undefined : `private:${randomUUID()}`;
  return (request) => {
    const who = typeof tenant === 'function' ? tenant() : (tenant ?? alone);
    try {
      const { scope, ...asked } = cacheRequest(request, who, extra, ignoreEarlierTurns);
      return { ...asked, scope: cache.scope(scope) };
    } catch (error) {
      // No JSON, or nested deeper than the stack.
      if (error instanceof InvalidArgumentError || error instanceof RangeError) return undefined;
      throw error;
    }
  };
}

function cacheRequest(
  { turns, model, tools, parameters, provider, continues = false }: ChatRequest,
  tenant: string | undefined,
  extra: unknown,
  ignoreEarlier: boolean,
): Omit<CacheRequest, 'scope'> & { readonly scope: ScopeFields } {
  const last = turns.at(-1);
  const firstTurn = turns.findIndex(({ role }) => role !== 'system');
  const system = turns.slice(0, Math.max(0, firstTurn));
  const earlier = turns.slice(system.length, -1);
  const scope = {
    tenant,
    model,
    system: system.length === 0 ? undefined : canonical(system.map(({ text, rest }) => [text ?? null, rest])),
    tools: plain(tools),
    parameters: plain(parameters),
  };
  const about = { provider: plain(provider), extra };
  const text = last?.role === 'user' ? last.text : undefined;
  const isQuestion =
    text !== undefined && /\S/.test(text) && text.length <= maxQuestionLength && text.isWellFormed();
  if (last === undefined || !isQuestion) {
    const everything = canonical([...earlier, ...(last === undefined ? [] : [last])]);
    const prompt = native.sha256Fields(['conversation/1', everything]);
    return { prompt, scope: { ...scope, extra: { ...about, form: 'conversation' } }, exact: true };
  }
  const hasEarlier = earlier.length > 0 || continues;
  const dependent = hasEarlier && !standsAlone(text).standsAlone;
  const counts = earlier.length > 0 && (dependent || !ignoreEarlier);
  return {
    prompt: text,
    scope: {
      ...scope,
      extra: {
        ...about,
        form: 'question',
        earlier: counts ? native.sha256Fields(['turns/1', canonical(earlier)]) : undefined,
        rest: plain(last.rest),
      },
    },
    exact: dependent,
  };
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
