// A chat memory as the message history of LangChain.
import type { ChatMemory } from '../../chat-memory.js';
import { InvalidArgumentError } from '../../core/errors.js';
import type { MessageMetadata, Role, StoredMessage } from '../../memory/types.js';
import {
  BaseListChatMessageHistory,
  type BaseMessage,
  type LangChainMessage,
  mapChatMessagesToStoredMessages,
  mapStoredMessagesToChatMessages,
} from './core.js';

const roles: Readonly<Record<string, Role>> = {
  human: 'user',
  ai: 'assistant',
  system: 'system',
  tool: 'tool',
};
// Our messages are texts; what LangChain's hold besides comes back from here.
const field = 'langchain';
const pageSize = 1000;

/**
 * The messages of a chat memory, oldest first; whatever LangChain's message carries (blocks, tool calls, usage) comes back with it. Messages
 * that were added by the memory itself are seen too. The memory stays the caller's, and its search, contexts and forgetting serve as ever.
 */
export class TieredChatMessageHistory extends BaseListChatMessageHistory {
  override lc_namespace = ['llm-tiered-cache'];
  readonly #memory: ChatMemory;

  constructor(memory: ChatMemory) {
    super();
    this.#memory = memory;
  }

  async getMessages(): Promise<BaseMessage[]> {
    const pages: (readonly StoredMessage[])[] = [];
    let before: string | undefined;
    for (;;) {
      const page = await this.#memory.history({ limit: pageSize, before });
      pages.unshift(page);
      if (page.length < pageSize) break;
      before = page[0]?.id;
    }
    return mapStoredMessagesToChatMessages(pages.flat().map(toLangChain));
  }

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for a message of another kind than human, ai, system and tool */
  async addMessage(message: BaseMessage): Promise<void> {
    const role = roles[message.getType()];
    if (role === undefined) {
      throw new InvalidArgumentError('message', 'of a human, an AI, the system or a tool', message.getType());
    }
    const [stored] = mapChatMessagesToStoredMessages([message]) as [LangChainMessage];
    const rest = typeof message.content === 'string' ? { ...stored.data, content: '' } : stored.data;
    const { tool_call_id } = message as { tool_call_id?: string };
    const metadata: MessageMetadata = {
      [field]: JSON.stringify({ ...stored, data: rest }),
      ...(message.name === undefined ? {} : { name: message.name }),
      ...(role === 'tool' ? { tool_call_id } : {}),
      ...calls(message),
    };
    await this.#memory.addMessage(role, message.text, metadata);
  }

  override async clear(): Promise<void> {
    await this.#memory.clear();
  }
}

function calls(message: BaseMessage): Pick<MessageMetadata, 'tool_calls'> {
  const { tool_calls = [] } = message as { tool_calls?: { id?: string; name: string; args: unknown }[] };
  if (tool_calls.length === 0) return {};
  return {
    tool_calls: tool_calls.map(({ id = '', name, args }) => ({
      id,
      type: 'function',
      function: { name, arguments: JSON.stringify(args) },
    })),
  };
}

function toLangChain({ role, content, metadata }: StoredMessage): LangChainMessage {
  const kept = metadata[field];
  if (typeof kept === 'string') {
    const { type, data } = JSON.parse(kept) as LangChainMessage;
    return { type, data: { ...data, content: (data.content as unknown) === '' ? content : data.content } };
  }
  const type = Object.keys(roles).find((name) => roles[name] === role) as string;
  return {
    type,
    data: { content, role: undefined, name: metadata.name, tool_call_id: metadata.tool_call_id },
  };
}
