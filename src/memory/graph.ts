// Graph memory: what a conversation speaks of and how its messages hang together, kept in LMDB and walked in memory. For chat memory, open.ts and index.ts.
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../core/clock.js';
import { ClosedError, InvalidArgumentError } from '../core/errors.js';
import { isKey } from '../core/key.js';
import type { Environment } from '../disk/environment.js';
import { cypherOf } from './graph/cypher.js';
import { graphmlOf } from './graph/graphml.js';
import { MemoryGraph, type PhraseVectors } from './graph/memory-graph.js';
import type { GraphData } from './graph/network.js';
import { GraphStore, type Head } from './graph/store.js';
import { quantised } from './graph/vectors.js';
import type { GraphIndex, GraphMessage } from './graph-index.js';

/** How a graph is opened. */
export interface GraphOptions {
  /** 64 hexadecimal digits: the partition. Graphs of different scopes share nothing. */
  readonly scope: string;
  readonly clock: Clock;
  /** Vectors of phrases, to merge those that mean the same; unit length. Without it they merge by form alone. */
  readonly embed?: ((text: string) => Promise<Float32Array>) | undefined;
  /** Most messages held, 100 to 100,000; default 20,000. Above it the oldest tenth goes. About 6 KB each with a vector. */
  readonly maxMessages?: number | undefined;
}

/** A graph that can be looked at. */
export interface ConversationGraph extends GraphIndex {
  /** A copy of all nodes and edges. */
  graph(): GraphData;
  /**
   * The nodes and edges that a message brought or changed: itself, what it is tied to, and the edges of messages that it updates.
   * Empty when there is no such message.
   */
  around(messageId: string): GraphData;
  /** Statements that make the graph in a Cypher database, one a line. */
  cypher(): string;
  /** The graph as a GraphML document. */
  graphml(): string;
}

const mostPhrasesEmbedded = 8;
const pageSize = 32;
/** How long reading holds up other work at a time. */
const sliceMs = 10;
const longestId = 512;
const mostExpanded = 1_000;

/**
 * Opens the graph of a scope and reads what is there: a fraction of a millisecond a message, in slices of 10 ms.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export async function openGraph(environment: Environment, options: GraphOptions): Promise<ConversationGraph> {
  const { scope, maxMessages = 20_000 } = options;
  if (!isKey(scope)) throw new InvalidArgumentError('scope', '64 lower-case hexadecimal digits', scope);
  if (!Number.isSafeInteger(maxMessages) || maxMessages < 100 || maxMessages > 100_000) {
    throw new InvalidArgumentError('maxMessages', 'an integer from 100 to 100,000', maxMessages);
  }
  const graph = new DiskGraph(new GraphStore(environment, scope), options, maxMessages);
  await graph.load();
  return graph;
}

class DiskGraph implements ConversationGraph {
  readonly #store: GraphStore;
  readonly #embed: GraphOptions['embed'];
  readonly #clock: Clock;
  readonly #maxMessages: number;
  #memory = new MemoryGraph();
  #era: string | undefined;
  /** Sequence number of the last record read. */
  #last = 0;
  /** Operations run one after the other: a removal replaces the graph that others would still change. */
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(store: GraphStore, { embed, clock }: GraphOptions, maxMessages: number) {
    this.#store = store;
    this.#embed = embed;
    this.#clock = clock;
    this.#maxMessages = maxMessages;
  }

  load(): Promise<void> {
    return this.#inTurn(() => this.#catchUp());
  }

  add(message: GraphMessage): Promise<void> {
    const checked = checkedMessage(message);
    return this.#inTurn(() => this.#add(checked));
  }

  expand(
    seeds: ReadonlyMap<string, number>,
    { limit, query }: { readonly limit: number; readonly query?: string },
  ) {
    if (!Number.isSafeInteger(limit) || limit < 0)
      throw new InvalidArgumentError('limit', 'an integer of at least 0', limit);
    return this.#inTurn(async () => {
      await this.#catchUp();
      return this.#memory.related(seeds, { limit: Math.min(limit, mostExpanded), query });
    });
  }

  forget(ids: readonly string[]): Promise<void> {
    return this.#inTurn(() =>
      this.#change((head) => {
        const gone = [...new Set(ids)].flatMap((id) => this.#memory.sequenceOf(id) ?? []);
        return gone.length === 0 || this.#store.remove(head, gone);
      }),
    );
  }

  clear(): Promise<void> {
    return this.#inTurn(() => this.#change((head) => this.#store.clear(head)));
  }

  graph(): GraphData {
    this.#checkOpen();
    return this.#memory.network.data();
  }

  around(messageId: string): GraphData {
    this.#checkOpen();
    return this.#memory.around(messageId);
  }

  cypher(): string {
    return cypherOf(this.graph());
  }

  graphml(): string {
    return graphmlOf(this.graph());
  }

  /** Lets what was called before finish; the environment stays open. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tail.catch(() => {});
  }

  async #add(message: GraphMessage): Promise<void> {
    await this.#catchUp();
    const vectors = await this.#phraseVectors(message.content);
    await this.#change((head) => {
      const known = this.#memory.sequenceOf(message.id);
      const record = this.#memory.prepare(message, head.last + 1, vectors);
      return this.#store.put(head, record, known === undefined ? [] : [known]);
    });
    if (this.#memory.size <= this.#maxMessages) return;
    const most = Math.ceil(this.#maxMessages / 10);
    await this.#change((head) => this.#store.remove(head, this.#memory.oldest(most)));
  }

  /** Writes on the ground of what is known, again when another process was first, and takes in what was written. */
  async #change(write: (head: Head) => Promise<boolean> | boolean): Promise<void> {
    for (let written = false; !written; ) {
      const head = this.#store.head();
      await this.#catchUp();
      written = await write(head);
    }
    await this.#catchUp();
  }

  async #phraseVectors(text: string): Promise<PhraseVectors> {
    const vectors = new Map<string, Int8Array>();
    if (this.#embed === undefined) return vectors;
    for (const phrase of this.#memory.unknownPhrases(text, mostPhrasesEmbedded)) {
      vectors.set(phrase, quantised(await this.#embed(phrase)));
    }
    return vectors;
  }

  /** Takes in what was written since, by this process or another; all of it when something was taken away. */
  async #catchUp(): Promise<void> {
    let { era } = this.#store.head();
    let memory = era === this.#era ? this.#memory : new MemoryGraph();
    let last = era === this.#era ? this.#last : 0;
    let begun = this.#clock.mono();
    for (let done = false; !done; ) {
      const page = this.#store.page(last, pageSize);
      for (const { sequence, record } of page.placed) memory.apply(sequence, record);
      ({ last, done } = page);
      if (done || this.#clock.mono() - begun < sliceMs) continue;
      await turn();
      begun = this.#clock.mono();
      const now = this.#store.head().era;
      if (now === era) continue;
      era = now;
      memory = new MemoryGraph();
      last = 0;
    }
    this.#memory = memory;
    this.#last = last;
    this.#era = era;
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new ClosedError('the graph'));
    const result = this.#tail.then(run, run);
    this.#tail = result.catch(() => {});
    return result;
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError('the graph');
  }
}

function checkedMessage(message: GraphMessage): GraphMessage {
  const { id, role, content, createdAtMs, vector } = message;
  const text = (name: string, value: unknown, most: number) => {
    if (typeof value === 'string' && value.length <= most) return;
    throw new InvalidArgumentError(name, `a string of at most ${most} characters`, value);
  };
  text('id', id, longestId);
  text('role', role, longestId);
  text('content', content, Number.MAX_SAFE_INTEGER);
  if (message.replyTo !== undefined) text('replyTo', message.replyTo, longestId);
  if (message.user !== undefined) text('user', message.user, longestId);
  if (!Number.isFinite(createdAtMs))
    throw new InvalidArgumentError('createdAtMs', 'a finite number', createdAtMs);
  if (vector !== undefined && !(vector instanceof Float32Array))
    throw new InvalidArgumentError('vector', 'a Float32Array', vector);
  return message;
}
