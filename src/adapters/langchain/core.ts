// What the adapter takes from LangChain; the only file that imports it. Its classes must be extended, so it is loaded with the adapter.
export { BaseCache, deserializeStoredGeneration, serializeGeneration } from '@langchain/core/caches';
export { BaseListChatMessageHistory } from '@langchain/core/chat_history';
export { Document, type DocumentInterface } from '@langchain/core/documents';
export { Embeddings, type EmbeddingsInterface } from '@langchain/core/embeddings';
export {
  type BaseMessage,
  mapChatMessagesToStoredMessages,
  mapStoredMessagesToChatMessages,
  type StoredMessage as LangChainMessage,
} from '@langchain/core/messages';
export type { Generation } from '@langchain/core/outputs';
export { BaseStore } from '@langchain/core/stores';
export { maximalMarginalRelevance } from '@langchain/core/utils/math';
export { type MaxMarginalRelevanceSearchOptions, VectorStore } from '@langchain/core/vectorstores';
