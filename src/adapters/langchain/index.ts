// The subpath ./langchain: what LangChain's users plug in.
export { TieredByteStore } from './byte-store.js';
export { TieredCache } from './cache.js';
export { TieredEmbeddings } from './embeddings.js';
export { TieredChatMessageHistory } from './history.js';
export { type DeleteOptions, TieredVectorStore, type TieredVectorStoreOptions } from './vector-store.js';
