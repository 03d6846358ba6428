// Which messages may go into a context, and how relevant each is: the latest, what the query recalls, what the graph adds. For chat-memory.ts alone.
import type { Candidate } from './context.js';
import type { Follower } from './follower.js';
import { blendedScores } from './graph-blend.js';
import type { GraphIndex } from './graph-index.js';
import type { MessageLog } from './log.js';
import type { Recall } from './recall.js';
import type { MessageMatch, StoredMessage } from './types.js';
import { standsAlone, type Unit, unitsOf, wordsOf } from './units.js';

/** Where messages are found. */
export interface FinderParts {
  readonly log: MessageLog;
  readonly recall: Recall;
  readonly follower: Follower | undefined;
  readonly graph?: GraphIndex | undefined;
}

/** Checked options of a context, defaults filled in. */
export interface Wanted {
  readonly topK: number;
  readonly recent: number;
  readonly minSimilarity: number;
  readonly signal: AbortSignal | undefined;
}

// A call of tools and its results are looked for this far from one of them.
const neighbourhood = 128;

interface Relevant {
  readonly message: StoredMessage;
  readonly relevance: number;
}

/** Finds candidates for contexts within one session. */
export class Finder {
  readonly #parts: FinderParts;

  constructor(parts: FinderParts) {
    this.#parts = parts;
  }

  /** The messages nearest to the query, best first. */
  async search(
    query: string,
    topK: number,
    minSimilarity: number,
    signal: AbortSignal | undefined,
  ): Promise<MessageMatch[]> {
    return this.#nearest(await this.#vectors(query, signal), topK, minSimilarity, signal);
  }

  /** The latest units, and up to `topK` more that the query recalls; none twice. */
  async candidates(query: string, { topK, recent, minSimilarity, signal }: Wanted): Promise<Candidate[]> {
    const [vectors, latest] = await Promise.all([this.#vectors(query, signal), this.#latest(recent)]);
    const candidates: Candidate[] = [];
    const taken = new Set<string>();
    const words = new Set<string | undefined>();
    const similarities = await this.#parts.recall.similarities(
      latest.flatMap(({ messages }) => messages),
      vectors,
    );
    for (const [index, unit] of latest.entries()) {
      const nearest = Math.max(...unit.messages.map(({ id }) => similarities.get(id) ?? 0));
      const relevance = Math.max(nearest, (index + 1) / latest.length);
      candidates.push({ unit, reason: 'recent', relevance });
      words.add(wordsOf(unit));
      for (const { id } of unit.messages) taken.add(id);
    }
    if (topK === 0) return candidates;
    // More than are wanted: some say what others say.
    const most = 2 * topK + taken.size;
    const matches = await this.#nearest(vectors, most, minSimilarity, signal);
    const byRelevance = (await this.#related(query, matches, vectors)).sort(
      (a, b) => b.relevance - a.relevance,
    );
    let recalled = 0;
    for (const { message, relevance } of byRelevance) {
      if (recalled === topK) break;
      if (taken.has(message.id)) continue;
      const unit = await this.#unitOf(message);
      if (unit.messages.some(({ id }) => taken.has(id))) continue;
      for (const { id } of unit.messages) taken.add(id);
      candidates.push({ unit, reason: 'recalled', relevance });
      const said = wordsOf(unit);
      if (said === undefined || !words.has(said)) recalled++;
      words.add(said);
    }
    return candidates;
  }

  async #vectors(query: string, signal: AbortSignal | undefined): Promise<Float32Array[]> {
    await this.#parts.follower?.follow();
    return (await this.#parts.recall.pieces(query, signal)).map(({ vector }) => vector);
  }

  async #nearest(
    vectors: readonly Float32Array[],
    most: number,
    minSimilarity: number,
    signal: AbortSignal | undefined,
  ): Promise<MessageMatch[]> {
    const messages = new Map<string, StoredMessage>();
    const known = async (ids: readonly string[]) => {
      for (const message of await this.#parts.log.get(ids)) if (message) messages.set(message.id, message);
      return new Set(ids.filter((id) => messages.has(id)));
    };
    const nearest = await this.#parts.recall.nearest(vectors, most, known, signal);
    return [...nearest]
      .filter(([, similarity]) => similarity >= minSimilarity)
      .map(([id, similarity]) => ({ message: messages.get(id) as StoredMessage, similarity }));
  }

  /** What was found and what the graph relates to it, on the scale of the similarities. */
  async #related(
    query: string,
    matches: readonly MessageMatch[],
    vectors: readonly Float32Array[],
  ): Promise<Relevant[]> {
    const { graph, log, recall } = this.#parts;
    const best = clamp(matches[0]?.similarity ?? 0);
    if (graph === undefined || best === 0) {
      return matches.map(({ message, similarity }) => ({ message, relevance: clamp(similarity) }));
    }
    const messages = new Map(matches.map(({ message }) => [message.id, message]));
    const similarities = new Map(matches.map(({ message, similarity }) => [message.id, similarity]));
    const scores = await blendedScores(graph, similarities, query, {
      similaritiesOf: async (ids) => {
        const found = (await log.get(ids)).filter((message) => message !== undefined);
        for (const message of found) messages.set(message.id, message);
        return recall.similarities(found, vectors);
      },
    });
    return [...messages.values()].map((message) => ({
      message,
      relevance: clamp(best * (scores.get(message.id) ?? 0)),
    }));
  }

  /** The latest units, oldest first. */
  async #latest(most: number): Promise<Unit[]> {
    if (most === 0) return [];
    for (let limit = most + 16; ; limit *= 4) {
      const messages = await this.#parts.log.before(undefined, limit);
      const units = unitsOf(messages);
      // At the edge of the window stand results whose call lies before it: one unit more than is wanted proves that none counts.
      const cut = units.findIndex(({ messages: [first] }) => first?.role !== 'tool');
      const isWhole = messages.length < limit || limit > neighbourhood * 8 + most;
      if (isWhole || (cut >= 0 && units.length - cut >= most)) return units.slice(-most);
    }
  }

  async #unitOf(message: StoredMessage): Promise<Unit> {
    const { id } = message;
    if (standsAlone(message)) return { id, messages: [message], isWhole: true };
    const [before, after] = await Promise.all([
      this.#parts.log.before(id, neighbourhood),
      this.#parts.log.after(id, neighbourhood),
    ]);
    const units = unitsOf([...before, message, ...after]);
    return units.find(({ messages }) => messages.some((each) => each.id === id)) as Unit;
  }
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
