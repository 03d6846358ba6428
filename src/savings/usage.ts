// Tokens of an answer, as it says itself in one of the forms that APIs and frameworks use, or as reported. savings/ and the root import it.
import type { Usage } from '../core/entry.js';

const inputNames = ['inputTokens', 'input_tokens', 'prompt_tokens', 'promptTokens'] as const;
const outputNames = ['outputTokens', 'output_tokens', 'completion_tokens', 'completionTokens'] as const;
const holders = ['usage', 'usage_metadata', 'totalUsage', 'response_metadata', 'response'] as const;
// The end of a stream says it; parts before are texts.
const lastParts = 8;

/** A usage in any of the known forms: of OpenAI, Anthropic, the AI SDK, LangChain. Undefined for anything else. */
export function readUsage(said: unknown): Usage | undefined {
  if (typeof said !== 'object' || said === null) return undefined;
  const inputTokens = numberOf(said, inputNames);
  const outputTokens = numberOf(said, outputNames);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return { inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 };
}

/** What an answer, or the last parts of a stream, say of their usage. Cost: a few look-ups. */
export function usageOf(value: unknown, parts?: readonly unknown[]): Usage | undefined {
  for (const part of (parts ?? []).slice(-lastParts).toReversed()) {
    const usage = usageWithin(part, 1);
    if (usage !== undefined) return usage;
  }
  return usageWithin(value, 1);
}

function usageWithin(value: unknown, depth: number): Usage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const name of holders) {
    const held: unknown = (value as Record<string, unknown>)[name];
    const usage = readUsage(held) ?? (depth > 0 ? usageWithin(held, depth - 1) : undefined);
    if (usage !== undefined) return usage;
  }
  return undefined;
}

function numberOf(said: object, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value: unknown = (said as Record<string, unknown>)[name];
    // The AI SDK's models say `{ total, … }`.
    const count = typeof value === 'object' && value !== null ? (value as { total?: unknown }).total : value;
    if (typeof count === 'number' && Number.isFinite(count) && count >= 0) return count;
  }
  return undefined;
}
