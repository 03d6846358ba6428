// Puts nearness by meaning and by the graph into one score. For chat memory and the bench.
import type { GraphIndex } from './graph-index.js';

/** How much the graph has to say; the defaults were chosen on half of the dialogues of the bench. */
export interface BlendOptions {
  /** Nearest messages from which the graph is walked; default 4. */
  readonly seeds?: number;
  /** Share of the graph in a score, 0 to 1; default 0.5. */
  readonly share?: number;
  /** Most messages taken from the graph; default 64. */
  readonly limit?: number;
}

/**
 * Scores of the messages of a session for a query, 0 to 1. Messages that only the graph relates are in it too.
 * @param similarities cosine of each candidate message, by id
 */
export async function blendedScores(
  graph: Pick<GraphIndex, 'expand'>,
  similarities: ReadonlyMap<string, number>,
  query: string,
  { seeds = 4, share = 0.5, limit = 64 }: BlendOptions = {},
): Promise<Map<string, number>> {
  const nearest = [...similarities].filter(([, cosine]) => cosine > 0).sort((a, b) => b[1] - a[1]);
  const highest = nearest[0]?.[1] ?? 1;
  const start = new Map(nearest.slice(0, seeds));
  const scores = new Map<string, number>();
  for (const [id, cosine] of similarities) scores.set(id, ((1 - share) * Math.max(0, cosine)) / highest);
  const add = (id: string, weight: number) => scores.set(id, (scores.get(id) ?? 0) + share * weight);
  // A seed counts as what it is itself: it is where the walk begins.
  for (const [id, cosine] of start) add(id, cosine / highest);
  for (const { id, weight } of await graph.expand(start, { limit, query })) add(id, weight);
  return scores;
}
