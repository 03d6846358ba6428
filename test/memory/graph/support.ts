// Graphs in temporary directories and short ways to talk to them; imported by the tests of memory/graph.
import { Environment } from '#dist/disk/environment.js';
import { type ConversationGraph, type GraphOptions, openGraph } from '#dist/memory/graph.js';
import type { GraphMessage } from '#dist/memory/graph-index.js';
import { manualClock } from '#dist/testing/index.js';
import { temporaryDirectory } from '../../disk/support.ts';

export const scopeA = 'a'.repeat(64);
export const scopeB = 'b'.repeat(64);
const startMs = 1_700_000_000_000;

/** A directory, its environment, and graphs in it. */
export function ground(directory = temporaryDirectory()) {
  const environment = new Environment(directory);
  return {
    directory,
    environment,
    open: (options: Partial<GraphOptions> = {}): Promise<ConversationGraph> =>
      openGraph(environment, { scope: scopeA, clock: manualClock(), ...options }),
  };
}

/** The nth message of a conversation, a minute after the one before it. */
export function said(n: number, content: string, more: Partial<GraphMessage> = {}): GraphMessage {
  return { id: `id-${n}`, role: 'user', content, createdAtMs: startMs + n * 60_000, ...more };
}

/** Adds messages that were said one after the other. */
export async function tell(graph: ConversationGraph, ...contents: string[]): Promise<void> {
  for (const [n, content] of contents.entries()) await graph.add(said(n, content));
}

/** Labels of the entities, sorted. */
export function entitiesIn(graph: ConversationGraph): string[] {
  return graph
    .graph()
    .nodes.filter(({ kind }) => kind === 'entity')
    .map(({ label }) => label)
    .sort();
}

/** Edges of a kind as `source label → target label`, with the time of their end where they have one. */
export function edgesIn(graph: ConversationGraph, kind: string) {
  const { nodes, edges } = graph.graph();
  const labels = new Map(nodes.map(({ id, label }) => [id, label]));
  return edges
    .filter((edge) => edge.kind === kind)
    .map((edge) => ({ ...edge, from: labels.get(edge.source), to: labels.get(edge.target) }));
}
