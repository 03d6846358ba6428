// Counts tokens as OpenAI's models do; the only importer of gpt-tokenizer, whose tables are loaded on first use. For memory/ alone.
import { InvalidArgumentError } from '../core/errors.js';
import type { ChatMessage, CountTokens } from './types.js';

/** Counts the tokens of a text; may stop at any number above `limit`. */
export type LimitedCount = (text: string, limit: number) => number;

type Encoding = { readonly countTokens: (text: string, options: object) => number };

const encodings = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  o200k_harmony: () => import('gpt-tokenizer/encoding/o200k_harmony'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
  p50k_base: () => import('gpt-tokenizer/encoding/p50k_base'),
  p50k_edit: () => import('gpt-tokenizer/encoding/p50k_edit'),
  r50k_base: () => import('gpt-tokenizer/encoding/r50k_base'),
  gpt2: () => import('gpt-tokenizer/encoding/gpt2'),
} satisfies Record<string, () => Promise<Encoding>>;

/** Name of an encoding of OpenAI's. */
export type EncodingName = keyof typeof encodings;

const defaultEncoding: EncodingName = 'o200k_base';
// A text may say `<|endoftext|>`; it must not mean it.
const noSpecials = { disallowedSpecial: new Set<string>() };

/**
 * The encoding of a model: by its name, by the longest name that it begins with (`gpt-4o-2031-01-01`), else `o200k_base`, which is
 * then an estimate. Loads a list of names on first use.
 */
export async function encodingOf(model: string): Promise<EncodingName> {
  if (Object.hasOwn(encodings, model)) return model as EncodingName;
  const lists = (await import('gpt-tokenizer/modelsMap')) as unknown as Record<string, readonly string[]>;
  let found: { readonly length: number; readonly encoding: EncodingName } | undefined;
  for (const encoding of Object.keys(encodings) as EncodingName[]) {
    for (const name of lists[encoding] ?? []) {
      const isPrefix = model === name || model.startsWith(`${name}-`);
      if (isPrefix && name.length > (found?.length ?? 0)) {
        found = { length: name.length, encoding };
      }
    }
  }
  return found?.encoding ?? defaultEncoding;
}

/**
 * The counter of a model's tokens. Loading an encoding takes some 100 ms, once a process; counting about 1 ms for 30 KB of prose.
 * Exact for whatever has a space within each 512 characters; longer runs are counted in stretches of 512 characters, since the
 * tokenizer's time grows with the square of their length.
 */
export async function tokenCounter(model: string): Promise<LimitedCount> {
  const encoding: Encoding = await encodings[await encodingOf(model)]();
  return (text, limit) => {
    let count = 0;
    for (const stretch of stretches(text)) {
      count += encoding.countTokens(stretch, noSpecials);
      if (count > limit) break;
    }
    return count;
  };
}

/** A caller's counter, checked at each call. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for what is no count. */
export function givenCounter(countTokens: CountTokens): LimitedCount {
  return (text) => {
    const count = countTokens(text);
    if (Number.isSafeInteger(count) && count >= 0) return count;
    throw new InvalidArgumentError('countTokens()', 'a whole number from 0', count);
  };
}

const longestStretch = 512;

/** Cuts where no token can lie across: before a space that follows no white space. Only a longer run is cut elsewhere. */
function* stretches(text: string): Generator<string> {
  let start = 0;
  while (text.length - start > longestStretch) {
    let end = start + longestStretch;
    for (let at = end; at > start; at--) {
      if (text[at] === ' ' && !isSpace(text.charCodeAt(at - 1))) {
        yield text.slice(start, at);
        start = at;
        break;
      }
    }
    if (end - start < longestStretch) continue;
    if (isLowSurrogate(text.charCodeAt(end))) end--;
    yield text.slice(start, end);
    start = end;
  }
  if (start < text.length) yield text.slice(start);
}

function isSpace(code: number): boolean {
  return code <= 0x20 || code === 0x85 || (code >= 0xa0 && /\s/.test(String.fromCharCode(code)));
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

// OpenAI's cookbook, "How to count tokens with tiktoken": each message is wrapped in 3 tokens, a name costs one more, and each reply
// is primed with 3. Calls of tools have no published form: their JSON is counted, which is longer than what a model is given.
const tokensPerMessage = 3;
const tokensPerField = 1;

/** Tokens in front of the reply. */
export const replyTokens = 3;

/** Tokens that a message takes, with what surrounds it; any number above `limit` once it is exceeded. */
export function messageTokens(message: ChatMessage, count: LimitedCount, limit: number): number {
  const { role, content, name, tool_calls: calls, tool_call_id: answers } = message;
  let sum = tokensPerMessage;
  const add = (text: string) => {
    if (sum <= limit) sum += count(text, limit - sum);
  };
  add(role);
  for (const field of [name, answers, calls && JSON.stringify(calls)]) {
    if (field === undefined) continue;
    sum += tokensPerField;
    add(field);
  }
  add(content);
  return sum;
}
