// Chooses what goes into a context: by relevance, under a budget that is never exceeded, in the order of time. Pure; for memory/ alone.
import { InvalidArgumentError } from '../core/errors.js';
import { toChat } from './message.js';
import { type LimitedCount, messageTokens, replyTokens } from './tokens.js';
import type { ChatMessage, Context, ContextDetail, LeftOut, Reason } from './types.js';
import { type Unit, wordsOf } from './units.js';

/** A unit that may go into a context. */
export interface Candidate {
  readonly unit: Unit;
  readonly reason: Exclude<Reason, 'pinned'>;
  /** From 0 to 1. */
  readonly relevance: number;
}

export interface Choice {
  readonly pinned: readonly string[];
  /** No unit twice. */
  readonly candidates: readonly Candidate[];
  readonly maxTokens: number;
  readonly truncate: boolean;
  readonly count: LimitedCount;
}

interface Chosen {
  readonly unit: Unit;
  readonly messages: readonly ChatMessage[];
  readonly details: readonly ContextDetail[];
}

/**
 * The pinned texts, then whatever fits, the most relevant first: what does not fit beside all that is more relevant is left out.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when the pinned texts alone exceed the budget.
 */
export function chooseContext({ pinned, candidates, maxTokens, truncate, count }: Choice): Context {
  const head = pinned.map((content): ChatMessage => ({ role: 'system', content }));
  const headTokens = head.map((message) => messageTokens(message, count, Number.POSITIVE_INFINITY));
  let tokens = headTokens.reduce((sum, each) => sum + each, replyTokens);
  if (tokens > maxTokens) {
    throw new InvalidArgumentError('maxTokens', `at least ${tokens}, which the pinned texts take`, maxTokens);
  }
  const chosen: Chosen[] = [];
  const leftOut: LeftOut[] = [];
  const words = new Set<string>();
  let mayTruncate = truncate;
  const byRelevance = [...candidates].sort(
    (a, b) => b.relevance - a.relevance || (a.unit.id < b.unit.id ? 1 : -1),
  );
  for (const { unit, reason, relevance } of byRelevance) {
    const drop = (why: LeftOut['why']) => {
      for (const { id } of unit.messages) leftOut.push({ id, relevance, why });
    };
    const text = wordsOf(unit);
    if (!unit.isWhole) drop('unpaired');
    else if (text !== undefined && reason === 'recalled' && words.has(text)) drop('duplicate');
    else {
      const left = maxTokens - tokens;
      const messages = unit.messages.map(toChat);
      const sizes = sizesWithin(messages, left, count);
      const [only] = messages;
      const cut = sizes === undefined && mayTruncate && text !== undefined && only;
      // What comes after the one that is cut is less relevant, and no room is left for it.
      if (cut) mayTruncate = false;
      const shorter = cut ? cutTo(cut, left, count) : undefined;
      const taken = sizes === undefined ? shorter && [shorter] : messages;
      if (taken === undefined) drop('budget');
      else {
        const details = taken.map((message, index): ContextDetail => {
          const size = sizes?.[index] ?? messageTokens(message, count, left);
          const { id } = unit.messages[index] as { id: string };
          return { id, reason, relevance, tokens: size, truncated: shorter !== undefined };
        });
        tokens += details.reduce((sum, detail) => sum + detail.tokens, 0);
        chosen.push({ unit, messages: taken, details });
        if (text !== undefined) words.add(text);
      }
    }
  }
  chosen.sort((a, b) => (a.unit.id < b.unit.id ? -1 : 1));
  const pinnedDetails = headTokens.map(
    (size): ContextDetail => ({
      id: undefined,
      reason: 'pinned',
      relevance: 1,
      tokens: size,
      truncated: false,
    }),
  );
  return {
    messages: [...head, ...chosen.flatMap(({ messages }) => messages)],
    tokens,
    details: [...pinnedDetails, ...chosen.flatMap(({ details }) => details)],
    leftOut,
  };
}

/** Tokens of each message; undefined when together they are more than the limit. */
function sizesWithin(
  messages: readonly ChatMessage[],
  limit: number,
  count: LimitedCount,
): number[] | undefined {
  const sizes: number[] = [];
  let left = limit;
  for (const message of messages) {
    const size = messageTokens(message, count, left);
    if (size > left) return undefined;
    sizes.push(size);
    left -= size;
  }
  return sizes;
}

/** The message with the longest beginning of its content that fits, found by halving; undefined when nothing of it does. */
function cutTo(message: ChatMessage, limit: number, count: LimitedCount): ChatMessage | undefined {
  let best: ChatMessage | undefined;
  let least = 1;
  let most = message.content.length - 1;
  while (least <= most) {
    const middle = (least + most) >> 1;
    const shorter = { ...message, content: message.content.slice(0, middle).replace(/[\ud800-\udbff]$/, '') };
    if (/\S/.test(shorter.content) && messageTokens(shorter, count, limit) <= limit) best = shorter;
    // A beginning that is blank is too short to be of use.
    if (best === shorter || !/\S/.test(shorter.content)) least = middle + 1;
    else most = middle - 1;
  }
  return best;
}
