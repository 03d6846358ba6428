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
  /** Cosines of messages that are no candidates, by id, for those that only the graph relates. Default: they count as 0. */
  readonly similaritiesOf?: (ids: readonly string[]) => Promise<ReadonlyMap<string, number>>;
}

// A walk from messages that have little to do with the query leads astray: a seed is this part as similar as the nearest at least.
const leastSeed = 0.5;

/**
 * Scores of the messages of a session for a query, 0 to 1. Messages that only the graph relates are in it too.
 * @param similarities cosine of each candidate message, by id
 */
export async function blendedScores(
  graph: Pick<GraphIndex, 'expand'>,
  similarities: ReadonlyMap<string, number>,
  query: string,
  { seeds = 4, share = 0.5, limit = 64, similaritiesOf }: BlendOptions = {},
): Promise<Map<string, number>> {
  const nearest = [...similarities].filter(([, cosine]) => cosine > 0).sort((a, b) => b[1] - a[1]);
  const highest = nearest[0]?.[1] ?? 1;
  const start = new Map(nearest.slice(0, seeds).filter(([, cosine]) => cosine >= leastSeed * highest));
  const related = await graph.expand(start, { limit, query });
  const others = related.map(({ id }) => id).filter((id) => !similarities.has(id));
  const theirs = (await similaritiesOf?.(others)) ?? new Map<string, number>();
  const scores = new Map<string, number>();
  const add = (id: string, weight: number) => scores.set(id, (scores.get(id) ?? 0) + weight);
  for (const [id, cosine] of [...similarities, ...theirs])
    add(id, ((1 - share) * Math.max(0, cosine)) / highest);
  // A seed counts as what it is itself: it is where the walk begins.
  for (const [id, cosine] of start) add(id, (share * cosine) / highest);
  for (const { id, weight } of related) add(id, share * weight);
  return scores;
}
