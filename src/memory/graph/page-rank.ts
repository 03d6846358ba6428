// Personalised PageRank by local pushes. For memory-graph.ts.

/** How far a walk goes. */
export interface WalkOptions {
  /** Chance to return to a seed at each step, 0 to 1; default 0.3. */
  readonly restart?: number;
  /** Share of the walk below which a node is not looked at further; default 1e-4. */
  readonly tolerance?: number;
  /** Most nodes pushed, each visit counting; default 4,000. */
  readonly mostPushes?: number;
}

/** Where a walk from the seeds is found. */
export interface Walk {
  /** A lower bound of each node's rank; nodes not named have 0. */
  readonly ranks: ReadonlyMap<string, number>;
  /** What was not distributed: no rank is low by more than this. */
  readonly leftover: number;
}

/**
 * Ranks of the nodes near the seeds. Looks only at nodes that matter, so its cost does not depend on the size of the graph: at most
 * `mostPushes` times the degree of the nodes. A node without neighbours keeps what it gets. Seeds need not sum to 1; ranks sum to
 * 1 less the leftover.
 * Source: Andersen, Chung, Lang, "Local graph partitioning using PageRank vectors" (2006), algorithm ApproximatePR, without laziness.
 */
export function personalisedPageRank(
  neighbours: (node: string) => readonly (readonly [node: string, weight: number])[],
  seeds: ReadonlyMap<string, number>,
  { restart = 0.3, tolerance = 1e-4, mostPushes = 4_000 }: WalkOptions = {},
): Walk {
  const ranks = new Map<string, number>();
  const residuals = new Map<string, number>();
  let total = 0;
  for (const weight of seeds.values()) total += Math.max(0, weight);
  if (!(total > 0)) return { ranks, leftover: 0 };
  const queue: string[] = [];
  for (const [node, weight] of seeds) {
    if (!(weight > 0)) continue;
    residuals.set(node, weight / total);
    queue.push(node);
  }
  const queued = new Set(queue);
  for (let next = 0; next < queue.length && next < mostPushes; next++) {
    const node = queue[next] as string;
    queued.delete(node);
    const residual = residuals.get(node) as number;
    residuals.delete(node);
    const around = neighbours(node);
    let sum = 0;
    for (const [, weight] of around) sum += weight;
    const stays = sum > 0 ? restart : 1;
    ranks.set(node, (ranks.get(node) ?? 0) + stays * residual);
    if (!(sum > 0)) continue;
    for (const [other, weight] of around) {
      const now = (residuals.get(other) ?? 0) + ((1 - restart) * residual * weight) / sum;
      residuals.set(other, now);
      if (now < tolerance || queued.has(other)) continue;
      queued.add(other);
      queue.push(other);
    }
  }
  let leftover = 0;
  for (const residual of residuals.values()) leftover += residual;
  return { ranks, leftover };
}
