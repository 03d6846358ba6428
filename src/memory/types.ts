// The words of the chat memory: messages, contexts and their options. memory/, the public face and open-memory.ts import it.

/** Who speaks, as OpenAI's chat interface names them. */
export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool';

/** A call of a tool that an assistant's message asks for. */
export interface ToolCall {
  /** Named by `tool_call_id` of the message with the result; unique within its message. */
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/**
 * What belongs to a message besides role and content: any JSON values under names of the caller's. Five names mean something to the
 * memory; `name`, `tool_calls` and `tool_call_id` are OpenAI's and come back on top of a context's messages.
 */
export interface MessageMetadata {
  /** Name of the speaker, 1 to 64 characters. */
  readonly name?: string | undefined;
  /** Calls that an assistant's message asks for, 1 to 128. */
  readonly tool_calls?: readonly ToolCall[] | undefined;
  /** The call that a tool's message answers; a tool's message must have it. */
  readonly tool_call_id?: string | undefined;
  /** Whose message it is, for `forget({ user })`: 1 to 256 characters. */
  readonly user?: string | undefined;
  /** Id of the message that this one answers. */
  readonly replyTo?: string | undefined;
  readonly [name: string]: unknown;
}

/** A message as it is kept. */
export interface StoredMessage {
  /** 26 characters that sort by time; unique. */
  readonly id: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: MessageMetadata;
  /** Wall-clock milliseconds at which it was added. */
  readonly createdAtMs: number;
  /** Pieces that it was cut into for the search; 0 for a message without text. */
  readonly parts: number;
}

/** A message as a model is given it. */
export interface ChatMessage {
  readonly role: Role;
  readonly content: string;
  readonly name?: string | undefined;
  readonly tool_calls?: readonly ToolCall[] | undefined;
  readonly tool_call_id?: string | undefined;
}

/** Counts the tokens of a text: a whole number from 0. */
export type CountTokens = (text: string) => number;

export interface ContextOptions {
  /** Tokens that the messages may take in all, with what surrounds them: 16 to 10,000,000. Default 2,000. */
  readonly maxTokens?: number | undefined;
  /** Most messages recalled by meaning, 0 to 1,000; a call of tools and its results count as one. Default 10. */
  readonly topK?: number | undefined;
  /** Latest messages wanted, 0 to 1,000; a call of tools and its results count as one. Default 10. */
  readonly recent?: number | undefined;
  /** Text that stands first as a system message and is never left out. Several texts become several messages. */
  readonly pinned?: string | readonly string[] | undefined;
  /** Least cosine of a recalled message and the query, -1 to 1. Default 0. */
  readonly minSimilarity?: number | undefined;
  /** Cuts the end off the most relevant message that does not fit, instead of leaving it out. Default false. */
  readonly truncate?: boolean | undefined;
  /** Model whose tokens are counted. Default: the memory's. */
  readonly model?: string | undefined;
  /** Counts tokens in the place of the model's tokenizer. Default: the memory's. */
  readonly countTokens?: CountTokens | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Why a message is in a context. */
export type Reason = 'pinned' | 'recent' | 'recalled';

/** What is known of a message of a context, in the order of its messages. */
export interface ContextDetail {
  /** Undefined for pinned text. */
  readonly id: string | undefined;
  readonly reason: Reason;
  /** From 0 to 1: what it was ranked by. 1 for pinned text. */
  readonly relevance: number;
  /** Tokens that it takes, with what surrounds a message. */
  readonly tokens: number;
  /** The end of its content was cut off. */
  readonly truncated: boolean;
}

/** A message that was considered and is not in the context. */
export interface LeftOut {
  readonly id: string;
  readonly relevance: number;
  /** `budget`: what is more relevant left no room · `duplicate`: the same role and words are in the context · `unpaired`: a call of tools without all of its results, or a result without its call. */
  readonly why: 'budget' | 'duplicate' | 'unpaired';
}

export interface Context {
  /** Pinned text, then messages in the order of time: ready to be sent to a model. */
  readonly messages: readonly ChatMessage[];
  /** Tokens of all of them and of the beginning of the reply; at most `maxTokens`. */
  readonly tokens: number;
  /** One for each message. */
  readonly details: readonly ContextDetail[];
  /** Most relevant first. */
  readonly leftOut: readonly LeftOut[];
}

/** A message found. */
export interface MessageMatch {
  readonly message: StoredMessage;
  /** Greatest cosine of one of its pieces and the query, in [-1, 1]. */
  readonly similarity: number;
}

export interface MessageSearchOptions {
  /** Messages wanted, 1 to 1,000. Default 10. */
  readonly topK?: number | undefined;
  /** Least cosine, -1 to 1. Default -1. */
  readonly minSimilarity?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HistoryOptions {
  /** Most messages, 1 to 10,000. Default 50. */
  readonly limit?: number | undefined;
  /** Id of a message: only earlier ones. Default: the latest. */
  readonly before?: string | undefined;
}
