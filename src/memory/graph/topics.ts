// Groups messages into topics as they come. For memory-graph.ts.
import { lengthOf } from './vectors.js';

/** A topic: messages that speak of the same things. */
export interface Topic {
  readonly id: number;
  readonly members: number[];
  /** How many members mention an entity. */
  readonly entities: Map<number, number>;
  /** Sum of the members' vectors. */
  sum: Float64Array | undefined;
  /** Length of that sum. */
  length: number;
}

const mostTopics = 512;
/** Conversations come back to what was spoken of lately; looking at every topic would make a message dearer with each. */
const mostConsidered = 64;
const leastScore = 0.4;
const vectorShare = 0.5;

/**
 * Leader clustering in one pass: a message joins the topic that covers most of what it mentions, rare things counting more, and
 * whose mean vector is nearest to its own where there are vectors; when none is near enough it begins one.
 */
export class Topics {
  /** In the order of their latest members. */
  readonly #lately: Topic[] = [];

  /** The topic that the message belongs to now; none when no topic is near and there are 512. */
  assign(
    message: number,
    entities: ReadonlyMap<number, number>,
    vector: Int8Array | undefined,
  ): Topic | undefined {
    let best: Topic | undefined;
    let bestScore = 0;
    for (const topic of this.#lately.slice(-mostConsidered)) {
      const score = scoreOf(topic, entities, vector);
      if (score > bestScore) [best, bestScore] = [topic, score];
    }
    if (best === undefined || bestScore < leastScore) {
      if (this.#lately.length >= mostTopics) return undefined;
      best = { id: this.#lately.length, members: [], entities: new Map(), sum: undefined, length: 1 };
    } else this.#lately.splice(this.#lately.lastIndexOf(best), 1);
    this.#lately.push(best);
    best.members.push(message);
    for (const entity of entities.keys()) best.entities.set(entity, (best.entities.get(entity) ?? 0) + 1);
    if (vector !== undefined) {
      best.sum ??= new Float64Array(vector.length);
      const length = lengthOf(vector);
      for (let i = 0; i < vector.length; i++)
        best.sum[i] = (best.sum[i] ?? 0) + (vector[i] as number) / length;
      best.length = lengthOf(best.sum);
    }
    return best;
  }
}

function scoreOf(topic: Topic, entities: ReadonlyMap<number, number>, vector: Int8Array | undefined): number {
  let shared = 0;
  let whole = 0;
  for (const [entity, weight] of entities) {
    whole += weight;
    if (topic.entities.has(entity)) shared += weight;
  }
  const overlap = whole === 0 ? 0 : shared / whole;
  if (vector === undefined || topic.sum?.length !== vector.length) return overlap;
  let dot = 0;
  for (let i = 0; i < vector.length; i++) dot += (vector[i] as number) * (topic.sum[i] as number);
  const cosine = dot / (lengthOf(vector) * topic.length);
  return (1 - vectorShare) * overlap + vectorShare * Math.max(0, cosine);
}
