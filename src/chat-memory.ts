// ChatMemory, the product that remembers a conversation: messages, recall by meaning, contexts. open-memory.ts builds it; the face exports it.
import type { Clock } from './core/clock.js';
import { ClosedError, InvalidArgumentError } from './core/errors.js';
import { checkQuestion } from './core/key.js';
import { checkOptions } from './core/options.js';
import { chooseContext } from './memory/context.js';
import type { Erasures } from './memory/erasures.js';
import { Finder } from './memory/finder.js';
import type { Follower } from './memory/follower.js';
import type { GraphData } from './memory/graph/network.js';
import type { ConversationGraph } from './memory/graph.js';
import type { GraphIndex } from './memory/graph-index.js';
import type { Indexed, MessageLog } from './memory/log.js';
import {
  checkCosine,
  checkMessage,
  checkText,
  checkWhole,
  isMessageId,
  messageIds,
  toGraph,
} from './memory/message.js';
import type { Recall } from './memory/recall.js';
import { givenCounter, type LimitedCount, tokenCounter } from './memory/tokens.js';
import type {
  Context,
  ContextOptions,
  CountTokens,
  HistoryOptions,
  MessageMatch,
  MessageMetadata,
  MessageSearchOptions,
  Role,
  StoredMessage,
} from './memory/types.js';
import type { OpenMemoryOptions, SessionFields } from './open-memory.js';

/** What a memory is made of. */
export interface ChatMemoryParts {
  readonly log: MessageLog;
  readonly recall: Recall;
  readonly follower: Follower | undefined;
  readonly erasures: Erasures;
  readonly graph?: GraphIndex | undefined;
  readonly clock: Clock;
  /** Whose tokens are counted. */
  readonly model: string;
  readonly countTokens?: CountTokens | undefined;
  /** Overwrites in the files what was deleted. */
  scrub(): Promise<void>;
  /** Another session on the same ground, and what it calls when it is closed. */
  session(fields: SessionFields, onEnd: () => Promise<void>): Promise<ChatMemory>;
  /** Releases what the memory stands on. */
  release(): Promise<void>;
}

/** What to forget: everything of one user's in this session. */
export interface ForgetUser {
  readonly user: string;
}

// A query of this length has some forty pieces, each of which is searched for.
const longestQuery = 1 << 15;
const mostWanted = 1000;
const forgottenAtOnce = 1000;
const contextOptions = new Set([
  'maxTokens',
  'topK',
  'recent',
  'pinned',
  'minSimilarity',
  'truncate',
  'model',
  'countTokens',
  'signal',
]);
const searchOptions = new Set(['topK', 'minSimilarity', 'signal']);
const historyOptions = new Set(['limit', 'before']);

/** The memory of one session of one tenant. Nothing of it is seen by another session, and nothing of another by it. */
export class ChatMemory {
  readonly #parts: ChatMemoryParts;
  readonly #finder: Finder;
  readonly #nextId: (nowMs: number) => string;
  /** Calls under way, which `close` waits for. */
  readonly #running = new Set<Promise<unknown>>();
  readonly #sessions = new Set<ChatMemory>();
  #closing: Promise<void> | undefined;

  /** Opens a memory; the same as `openChatMemory`. */
  static async open(options: OpenMemoryOptions): Promise<ChatMemory> {
    // Loaded here, because the composition root imports this class.
    const { openChatMemory } = await import('./open-memory.js');
    return openChatMemory(options);
  }

  /** Made by `openChatMemory`; `last` is the latest message's id. */
  constructor(parts: ChatMemoryParts, last: string | undefined) {
    this.#parts = parts;
    this.#finder = new Finder(parts);
    this.#nextId = messageIds(last);
  }

  /**
   * Adds a message to the end of the conversation; resolves with it, and its id, when it is durable and can be recalled. Messages
   * added without awaiting stand in the order of the calls.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {EmbedError} ERR_LLM_CACHE_EMBED · {CapacityError} ERR_LLM_CACHE_CAPACITY ·
   * {TierError} ERR_LLM_CACHE_TIER when Redis or Qdrant cannot be reached · {ClosedError} ERR_LLM_CACHE_CLOSED; nothing was added then
   */
  async addMessage(role: Role, content: string, metadata: MessageMetadata = {}): Promise<StoredMessage> {
    this.#checkOpen();
    checkMessage(role, content, metadata);
    const { clock, log, recall, graph } = this.#parts;
    const createdAtMs = clock.wall();
    const id = this.#nextId(createdAtMs);
    // What the caller changes later must not change what is kept.
    const kept = JSON.parse(JSON.stringify(metadata)) as MessageMetadata;
    return this.#run(async () => {
      const { parts, vector } = await recall.index(id, content);
      const message: StoredMessage = { id, role, content, metadata: kept, createdAtMs, parts };
      await graph?.add(toGraph(message, vector));
      // Last: a message that is in the log is everywhere.
      await log.add(message);
      return message;
    });
  }

  /**
   * What a model should be given before it answers `query`: pinned text, the latest messages, and those that the query recalls, without
   * duplicates, in the order of time, in at most `maxTokens` tokens. Each message has a relevance: its cosine to the query, or how recent
   * it is (1 for the latest, falling evenly to 0 over the `recent` latest), whichever is more. When not all fit, the least relevant goes first.
   * The query itself is in it only if it was added.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT, also when the pinned text alone exceeds the budget · and as `search`
   */
  async getContext(query: string, options: ContextOptions = {}): Promise<Context> {
    this.#checkOpen();
    checkOptions(options, contextOptions);
    checkQuery(query);
    const { maxTokens = 2000, topK = 10, recent = 10, minSimilarity = 0, truncate = false, signal } = options;
    checkWhole('maxTokens', maxTokens, 16, 10_000_000);
    checkWhole('topK', topK, 0, mostWanted);
    checkWhole('recent', recent, 0, mostWanted);
    checkCosine('minSimilarity', minSimilarity);
    const pinned = pinnedTexts(options.pinned);
    return this.#run(async () => {
      const [count, candidates] = await Promise.all([
        this.#counter(options),
        this.#finder.candidates(query, { topK, recent, minSimilarity, signal }),
      ]);
      return chooseContext({ pinned, candidates, maxTokens, truncate, count });
    });
  }

  /**
   * Messages in the order of time: the latest, or the latest before a message.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {TierError} ERR_LLM_CACHE_TIER · {ClosedError} ERR_LLM_CACHE_CLOSED
   */
  async history(options: HistoryOptions = {}): Promise<readonly StoredMessage[]> {
    this.#checkOpen();
    checkOptions(options, historyOptions);
    const { limit = 50, before } = options;
    checkWhole('limit', limit, 1, 10_000);
    if (before !== undefined) checkId('before', before);
    return this.#run(async () => this.#parts.log.before(before, limit));
  }

  /**
   * The messages of this session nearest in meaning to the query, best first.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {EmbedError} ERR_LLM_CACHE_EMBED · {TierError} ERR_LLM_CACHE_TIER ·
   * {ClosedError} ERR_LLM_CACHE_CLOSED
   */
  async search(query: string, options: MessageSearchOptions = {}): Promise<readonly MessageMatch[]> {
    this.#checkOpen();
    checkOptions(options, searchOptions);
    checkQuery(query);
    const { topK = 10, minSimilarity = -1, signal } = options;
    checkWhole('topK', topK, 1, mostWanted);
    checkCosine('minSimilarity', minSimilarity);
    return this.#run(() => this.#finder.search(query, topK, minSimilarity, signal));
  }

  /**
   * A copy of the graph of the session, as the exporters `cypherOf`, `graphmlOf` and `graphHtml` take it.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when the memory was not opened with `graph: true`.
   */
  graph(): GraphData {
    this.#checkOpen();
    const { graph } = this.#parts;
    if (graph === undefined || !('graph' in graph)) {
      throw new InvalidArgumentError('graph', 'a memory opened with graph: true', graph);
    }
    return (graph as ConversationGraph).graph();
  }

  /**
   * Erases a message, or all of a user's in this session, from the log, the vectors, the index in memory and the graph; how many there
   * were. Resolves when neither their words nor their vectors are in any file of the directory any more. A process that dies
   * meanwhile leaves the rest to the next that opens the session. What was ended by `forget` is not in Redis or Qdrant either, as far
   * as their commands show; what their own files keep for a while is theirs.
   * @throws as `history` · {DirectoryError} ERR_LLM_CACHE_DIRECTORY when another process keeps the file from being overwritten
   */
  async forget(which: string | ForgetUser): Promise<number> {
    this.#checkOpen();
    if (typeof which === 'string') {
      checkId('which', which);
      return this.#run(async () => this.#erase((await this.#parts.log.get([which])).filter(isThere)));
    }
    const { user } = which ?? {};
    if (user === undefined) throw new InvalidArgumentError('which', 'an id or { user }', which);
    checkOptions(which, new Set(['user']));
    checkText('which.user', user, 256);
    return this.#run(async () => this.#erase(await this.#all((message) => message.metadata.user === user)));
  }

  /** Erases the whole session as `forget` does; how many messages there were. @throws as `forget` */
  async clear(): Promise<number> {
    this.#checkOpen();
    return this.#run(async () => {
      const { log, recall, graph, scrub, erasures } = this.#parts;
      const messages = await this.#all(() => true);
      await erasures.begin(messages);
      await log.clear();
      await recall.clear();
      await graph?.clear();
      await scrub();
      await erasures.end(messages);
      return messages.length;
    });
  }

  /** Ends what an earlier process began to forget; called by `openChatMemory`. */
  async resume(): Promise<void> {
    await this.#erase([]);
  }

  /**
   * Another session, on the same embedder, files and connections; it is closed with this one. Costs next to nothing, so a server opens one
   * memory and takes its sessions from it.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   */
  async session(fields: SessionFields): Promise<ChatMemory> {
    this.#checkOpen();
    const session = await this.#parts.session(fields, async () => {
      this.#sessions.delete(session);
    });
    this.#sessions.add(session);
    return session;
  }

  /** Lets what is under way finish, then releases files, sockets and workers. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled([...this.#running, ...[...this.#sessions].map((each) => each.close())]);
      const { log, graph, release } = this.#parts;
      try {
        await graph?.close();
        await log.close();
      } finally {
        await release();
      }
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Erases messages, and what an earlier attempt did not end; how many of the messages there were. */
  async #erase(messages: readonly Indexed[]): Promise<number> {
    const { log, recall, graph, scrub, erasures } = this.#parts;
    await erasures.begin(messages);
    const all = erasures.pending();
    if (all.length === 0) return 0;
    for (let at = 0; at < all.length; at += forgottenAtOnce) {
      const some = all.slice(at, at + forgottenAtOnce);
      await log.remove(some);
      await recall.remove(some);
      await graph?.forget(some.map(({ id }) => id));
    }
    await scrub();
    await erasures.end(all);
    return messages.length;
  }

  /** All messages that pass; their words are not held at the same time. */
  async #all(passes: (message: StoredMessage) => boolean): Promise<Indexed[]> {
    const found: Indexed[] = [];
    for (let before: string | undefined; ; ) {
      const page = await this.#parts.log.before(before, forgottenAtOnce);
      for (const message of page) if (passes(message)) found.push({ id: message.id, parts: message.parts });
      // Not a short one: what another machine forgets meanwhile makes a page shorter.
      if (page.length === 0) return found;
      before = page[0]?.id;
    }
  }

  #counter({ model, countTokens }: ContextOptions): Promise<LimitedCount> | LimitedCount {
    const given = countTokens ?? (model === undefined ? this.#parts.countTokens : undefined);
    if (given !== undefined && typeof given !== 'function') {
      throw new InvalidArgumentError('countTokens', 'a function', given);
    }
    checkText('model', model, 256);
    return given === undefined ? tokenCounter(model ?? this.#parts.model) : givenCounter(given);
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    const run = work();
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('the chat memory');
  }
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function checkQuery(query: string): void {
  checkQuestion(query, 'query');
  if (query.length > longestQuery) {
    throw new InvalidArgumentError('query', `at most ${longestQuery} characters`, query);
  }
}

function checkId(argument: string, id: string): void {
  if (!isMessageId(id)) throw new InvalidArgumentError(argument, 'the id of a message', id);
}

function pinnedTexts(pinned: ContextOptions['pinned']): readonly string[] {
  const texts = pinned === undefined ? [] : typeof pinned === 'string' ? [pinned] : pinned;
  if (!Array.isArray(texts) || texts.length > 64) {
    throw new InvalidArgumentError('pinned', 'a text or a list of at most 64', pinned);
  }
  for (const text of texts) checkQuestion(text, 'pinned');
  return texts;
}
