// How much each kind of edge leads a walk on. For memory-graph.ts; the values were chosen on half of the dialogues of the bench.
import type { EntityKind } from './entities.js';
import type { EdgeKind, Network } from './network.js';

/** Weights of a walk. */
export interface Weights {
  readonly edge: Readonly<Record<EdgeKind, number>>;
  readonly entity: Readonly<Record<EntityKind, number>>;
  /** Of an entity that is only the head of a phrase. */
  readonly head: number;
  /** Share of the start that the entities of the query get, 0 to 1. */
  readonly queryShare: number;
  /** Seeds start with their weight to this power. */
  readonly seedPower: number;
  /** Of an edge that no longer holds. */
  readonly ended: number;
  /** Pause between two messages after which `follows` counts half, in milliseconds. */
  readonly pauseMs: number;
}

/** The weights in use. */
export const walkWeights: Weights = {
  edge: {
    repliesTo: 1,
    follows: 0.5,
    mentions: 1,
    similarTo: 0.1,
    updates: 1.5,
    contradicts: 1.5,
    about: 0.1,
  },
  entity: { name: 1, code: 1, url: 1, phrase: 0.8, number: 0.3, date: 0.2, time: 0.2 },
  head: 0.5,
  queryShare: 0.4,
  seedPower: 4,
  ended: 0.7,
  pauseMs: 3_600_000,
};

/** What is mentioned seldom says more: 1 for one mention, near 0 for what every message mentions. */
export function rarity(mentions: number, messages: number): number {
  return Math.log(1 + messages / Math.max(1, mentions)) / Math.log(1 + Math.max(1, messages));
}

// What so many messages share says nothing of any of them, and walking on from it would cost as much as all of them.
const hubDegree = 500;

/** The neighbours of a node with the weights by which a walk goes there; none of an entity or topic that over 500 messages share. */
export function neighbourWeights(
  network: Network,
  node: string,
  messages: number,
  weights: Weights,
): [string, number][] {
  const around: [string, number][] = [];
  const fromMessage = node.startsWith('m');
  if (!fromMessage && network.degree(node) > hubDegree) return around;
  network.eachEdgeAt(node, (edge, source, target) => {
    const other = source === node ? target : source;
    let weight = weights.edge[edge.kind] * (edge.validToMs === null ? 1 : weights.ended);
    if (edge.kind === 'mentions') {
      weight *= edge.weight < 1 ? weights.head : 1;
      if (fromMessage) {
        weight *=
          weights.entity[network.entityKind(other) ?? 'phrase'] * rarity(network.degree(other), messages);
      }
    } else if (edge.kind === 'similarTo') weight *= edge.weight;
    else if (edge.kind === 'follows') {
      const pause = Math.max(0, (network.createdAtMs(source) ?? 0) - (network.createdAtMs(target) ?? 0));
      weight *= weights.pauseMs / (weights.pauseMs + pause);
    }
    if (weight > 0) around.push([other, weight]);
  });
  return around;
}
