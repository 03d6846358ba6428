// What the interfaces of OpenAI have in common for the cache: chat.ts and responses.ts fill it in, fetch.ts works with it.
import type { ChatRequest } from '../request.js';

export type Json = Readonly<Record<string, unknown>>;

/** Data of an event of a stream: an object, or what is none, such as `[DONE]`. */
export type Part = Json | string;

/** An interface for answers. */
export interface Form {
  /** What a request asks; undefined for one that must not be cached. */
  readonly request: (body: Json) => Omit<ChatRequest, 'form' | 'provider'> | undefined;
  /** The request for a stream that tells its usage, where the body does not ask for that already. */
  readonly withUsage: (body: Json) => Json | undefined;
  /** The plain answer of all parts of a stream. */
  readonly join: (parts: readonly Part[]) => Json;
  /** The parts of a plain answer. */
  readonly split: (answer: Json) => Iterable<Part>;
  /** Whether an answer, or the parts that it came in, are whole, and all of it text: only such are stored. */
  readonly isWhole: (answer: Json, parts?: readonly unknown[]) => boolean;
  /** Whether the answer may be over with this part. */
  readonly ends: (part: Part) => boolean;
  /** A part as the caller asked for it; undefined for one that was not asked for. */
  readonly shown: (part: Part, body: Json) => Part | undefined;
}

/** An object of JSON, no list. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a list; none of anything else. */
export function objectsOf(list: unknown): readonly Json[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** The body without what changes nothing about the answer: who is billed, how it is labelled, whether it is streamed. */
export function answerFields(body: Json): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !withoutEffect.has(name)));
}

const withoutEffect = new Set([
  'stream',
  'stream_options',
  'user',
  'safety_identifier',
  'metadata',
  'prompt_cache_key',
  'prompt_cache_retention',
]);
