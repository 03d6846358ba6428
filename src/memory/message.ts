// What a message may be, its id, and its bytes; for memory/ alone.
import { randomBytes } from 'node:crypto';
import { canonicalJson } from '../core/canonical.js';
import { InvalidArgumentError } from '../core/errors.js';
import type { GraphMessage } from './graph-index.js';
import type { ChatMessage, MessageMetadata, Role, StoredMessage, ToolCall } from './types.js';

/** Longest content taken, in UTF-16 code units: 1 Mi. */
export const longestContent = 1 << 20;
const longestMetadata = 1 << 18;
const mostCalls = 128;
const roles: readonly Role[] = ['system', 'developer', 'user', 'assistant', 'tool'];

/**
 * Refuses what cannot be a message. Content may be empty only beside `tool_calls` and for a tool's result.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export function checkMessage(role: Role, content: string, metadata: MessageMetadata): void {
  if (!roles.includes(role)) throw new InvalidArgumentError('role', `one of ${roles.join(', ')}`, role);
  if (typeof content !== 'string') throw new InvalidArgumentError('content', 'a string', content);
  if (content.length > longestContent) {
    throw new InvalidArgumentError('content', `at most ${longestContent} characters`, content);
  }
  if (!content.isWellFormed()) throw new InvalidArgumentError('content', 'well-formed Unicode', content);
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new InvalidArgumentError('metadata', 'an object', metadata);
  }
  if (canonicalJson(metadata, 'metadata').length > longestMetadata) {
    throw new InvalidArgumentError('metadata', `at most ${longestMetadata} characters as JSON`, metadata);
  }
  const { name, tool_calls: calls, tool_call_id: answers, user, replyTo } = metadata;
  checkText('metadata.name', name, 64);
  checkText('metadata.user', user, 256);
  checkText('metadata.replyTo', replyTo, 64);
  checkText('metadata.tool_call_id', answers, 256);
  if (calls !== undefined) checkCalls(role, calls);
  if ((role === 'tool') !== (answers !== undefined)) {
    throw new InvalidArgumentError('metadata.tool_call_id', 'there for a tool and for nobody else', answers);
  }
  const mayBeEmpty = role === 'tool' || calls !== undefined;
  if (!mayBeEmpty && !/\S/.test(content)) {
    throw new InvalidArgumentError('content', 'a text that is not blank', content);
  }
}

function checkCalls(role: Role, calls: readonly ToolCall[]): void {
  const at = 'metadata.tool_calls';
  if (role !== 'assistant') throw new InvalidArgumentError(at, 'there for an assistant only', calls);
  if (!Array.isArray(calls) || calls.length === 0 || calls.length > mostCalls) {
    throw new InvalidArgumentError(at, `a list of 1 to ${mostCalls} calls`, calls);
  }
  for (const [index, call] of (calls as readonly Partial<ToolCall>[]).entries()) {
    const { id, function: called } = call ?? {};
    if (id === undefined) throw new InvalidArgumentError(`${at}[${index}].id`, 'a string', id);
    checkText(`${at}[${index}].id`, id, 256);
    if (typeof called?.name !== 'string' || typeof called.arguments !== 'string') {
      throw new InvalidArgumentError(`${at}[${index}].function`, '{ name, arguments }, both strings', called);
    }
  }
  if (new Set(calls.map(({ id }) => id)).size < calls.length) {
    throw new InvalidArgumentError(at, 'calls with different ids', calls);
  }
}

/** Refuses what is there and no well-formed text of 1 to `most` characters. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkText(argument: string, text: unknown, most: number): void {
  if (text === undefined) return;
  const fits = typeof text === 'string' && text.length > 0 && text.length <= most && text.isWellFormed();
  if (!fits) throw new InvalidArgumentError(argument, `a text of 1 to ${most} characters`, text);
}

/** Refuses what no integer of the range is. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkWhole(argument: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new InvalidArgumentError(argument, `an integer from ${least} to ${most}`, value);
}

/** Refuses what no cosine is. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkCosine(argument: string, value: number): void {
  if (typeof value === 'number' && value >= -1 && value <= 1) return;
  throw new InvalidArgumentError(argument, 'a number from -1 to 1', value);
}

const digits = '0123456789abcdefghjkmnpqrstvwxyz';
const timeDigits = 10;
const randomDigits = 16;
const idPattern = /^[0-9a-hjkmnp-tv-z]{26}$/;

/** True for what has the form of a message's id. */
export function isMessageId(text: unknown): text is string {
  return typeof text === 'string' && idPattern.test(text);
}

/**
 * Makes ids in the form of ULIDs, in lower case: 48 bits of time and 80 random bits, 26 digits in base 32. Each is greater than the one
 * before, and than `last`, also when the clock stands still or goes back.
 */
export function messageIds(last?: string): (nowMs: number) => string {
  let lastMs = last === undefined ? 0 : timeOf(last);
  let random = last === undefined ? 0n : fromBase32(last.slice(timeDigits));
  return (nowMs) => {
    const ms = Math.floor(nowMs);
    if (ms > lastMs) {
      lastMs = ms;
      // The highest bit is left for counting on.
      random = BigInt(`0x${randomBytes(10).toString('hex')}`) >> 1n;
    } else random += 1n + BigInt(randomBytes(4).readUInt32LE(0));
    return inBase32(BigInt(lastMs), timeDigits) + inBase32(random, randomDigits);
  };
}

/** Milliseconds since 1970 at which an id was made. */
export function timeOf(id: string): number {
  return Number(fromBase32(id.slice(0, timeDigits)));
}

function fromBase32(text: string): bigint {
  let value = 0n;
  for (const digit of text) value = (value << 5n) | BigInt(digits.indexOf(digit));
  return value;
}

function inBase32(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest >>= 5n) text = digits[Number(rest & 31n)] + text;
  return text;
}

/** The message as a model is given it. */
export function toChat({ role, content, metadata }: StoredMessage): ChatMessage {
  const { name, tool_calls, tool_call_id } = metadata;
  return {
    role,
    content,
    ...(name === undefined ? {} : { name }),
    ...(tool_calls === undefined ? {} : { tool_calls }),
    ...(tool_call_id === undefined ? {} : { tool_call_id }),
  };
}

/** The message as a graph sees it. */
export function toGraph(
  message: Omit<StoredMessage, 'parts'>,
  vector: Float32Array | undefined,
): GraphMessage {
  const { id, role, content, createdAtMs, metadata } = message;
  return { id, role, content, createdAtMs, replyTo: metadata.replyTo, user: metadata.user, vector };
}
