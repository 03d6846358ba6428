// Chooses messages under a budget of tokens for questions that need two of them. Imported by registry.ts.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#dist/core/clock.js';
import { Environment } from '#dist/disk/environment.js';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { MemoryGraph } from '#dist/memory/graph/memory-graph.js';
import { type Weights, walkWeights } from '#dist/memory/graph/weights.js';
import { openGraph } from '#dist/memory/graph.js';
import { blendedScores } from '#dist/memory/graph-blend.js';
import type { GraphIndex } from '#dist/memory/graph-index.js';
import { cosine } from '#dist/testing/index.js';
import { type Dialogue, dialogues, type Spoken } from '../data/dialogues.js';
import { figuresOf } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';

const budgets = [128, 256, 512];
const longestSession = 1_000;

type Embed = (text: string) => Promise<Float32Array>;
/** Messages, the ones to take first in front. */
type Rank = (question: string) => Promise<readonly Spoken[]>;

/** The job's contender says how messages are ranked and whether dialogues share a session. */
export const graphRecall: SubjectFactory = async (job, { directory }) => {
  const embedder = await onnxEmbedder();
  const known = new Map<string, Promise<Float32Array>>();
  const embed: Embed = (text) => {
    const vector = known.get(text) ?? embedder.embed(text).then((result) => result.vector);
    known.set(text, vector);
    return vector;
  };
  const environment = new Environment(mkdtempSync(join(directory, 'graph-')));
  const [way, ground] = job.contender.split(', ') as [string, string];
  const all = dialogues();
  const halves = {
    tuned: all.filter(({ id }) => id % 2 === 0),
    unseen: all.filter(({ id }) => id % 2 === 1),
  };
  let scopes = 0;
  let added = 0;
  let addMs = 0;
  const latencies: number[] = [];

  async function ranker(messages: readonly Spoken[]): Promise<Rank> {
    if (way === 'recency') return async () => messages.toReversed();
    const vectors = new Map<string, Float32Array>();
    for (const { id, text } of messages) vectors.set(id, await embed(text));
    const similaritiesTo = async (question: string) => {
      const asked = await embed(question);
      return new Map([...vectors].map(([id, vector]) => [id, cosine(asked, vector)]));
    };
    const inOrder = (scores: ReadonlyMap<string, number>) =>
      [...messages].sort((a, b) => (scores.get(b.id) ?? 0) - (scores.get(a.id) ?? 0));
    if (way === 'semantic') return async (question) => inOrder(await similaritiesTo(question));
    if (way === 'semantic + neighbours') {
      return async (question) => withNeighbours(inOrder(await similaritiesTo(question)), messages);
    }
    const graph = await graphOf(messages, vectors);
    return async (question) => {
      const similarities = await similaritiesTo(question);
      const begun = performance.now();
      const scores = await blendedScores(graph, similarities, question, { limit: longestSession });
      latencies.push((performance.now() - begun) * 1_000);
      return inOrder(scores);
    };
  }

  /** The graph of the messages: on disk as it is used, or in memory with a part of the walk left out. */
  async function graphOf(
    messages: readonly Spoken[],
    vectors: ReadonlyMap<string, Float32Array>,
  ): Promise<Pick<GraphIndex, 'expand'>> {
    const scope = String(++scopes).padStart(64, '0');
    const whole = await openGraph(environment, { scope, clock: systemClock });
    const reduced = new MemoryGraph();
    for (const [i, { id, speaker, text, createdAtMs }] of messages.entries()) {
      const role = speaker === 'assistant' ? 'assistant' : 'user';
      const message = { id, role, user: speaker, content: text, createdAtMs, vector: vectors.get(id) };
      const begun = performance.now();
      if (way === 'semantic + graph') await whole.add(message);
      else reduced.apply(i + 1, reduced.prepare(message, i + 1));
      addMs += performance.now() - begun;
      added++;
    }
    if (way === 'semantic + graph') return whole;
    const without = way.slice('graph without '.length);
    const weights = without === 'query' ? { ...walkWeights, queryShare: 0 } : withoutEdge(without);
    return { expand: async (seeds, options) => reduced.related(seeds, { ...options, weights }) };
  }

  async function recalls(half: readonly Dialogue[]): Promise<number[]> {
    const shared = ground === 'alone' ? undefined : await ranker(half.flatMap(({ messages }) => messages));
    const both = budgets.map(() => 0);
    let asked = 0;
    for (const { messages, questions } of half) {
      const rank = shared ?? (await ranker(messages));
      for (const { text, gold } of questions) {
        const order = await rank(text);
        asked++;
        for (const [i, budget] of budgets.entries()) {
          const taken = within(order, budget);
          if (gold.every((id) => taken.has(id))) both[i] = (both[i] as number) + 1;
        }
      }
    }
    return both.map((count) => (100 * count) / asked);
  }

  return {
    variants: [
      {
        note: '% of questions of which both messages are within 128, 256 and 512 tokens; right: 256, unseen',
      },
    ],
    async run() {
      const facts: Record<string, number> = {};
      for (const [name, half] of Object.entries(halves)) {
        const shares = await recalls(half);
        for (const [i, budget] of budgets.entries())
          facts[`${name}, ${budget} tokens: %`] = shares[i] as number;
      }
      if (way === 'semantic + graph') facts['add and commit, ms a message'] = addMs / added;
      const timed = latencies.length === 0 ? [0] : latencies;
      const figures = figuresOf(Float64Array.from(timed), {
        recall: (facts['unseen, 256 tokens: %'] as number) / 100,
      });
      const none = { p50Us: null, p95Us: null, p99Us: null, opsPerS: null };
      return { ...figures, ...(latencies.length === 0 && none), facts };
    },
    async close() {
      await environment.close();
      await embedder.close();
    },
  };
};

function withoutEdge(kind: string): Weights {
  return { ...walkWeights, edge: { ...walkWeights.edge, [kind]: 0 } };
}

/** Each message, then the one before and the one behind it: what recall without a graph does for context. */
function withNeighbours(order: readonly Spoken[], messages: readonly Spoken[]): Spoken[] {
  const places = new Map(messages.map(({ id }, at) => [id, at]));
  const all = order.flatMap((message) => {
    const at = places.get(message.id) as number;
    return [message, ...messages.slice(Math.max(0, at - 1), at), ...messages.slice(at + 1, at + 2)];
  });
  return [...new Set(all)];
}

/** The messages that fit; a long one that does not leaves its room to those behind it. */
function within(order: readonly Spoken[], budget: number): Set<string> {
  const taken = new Set<string>();
  let left = budget;
  for (const { id, tokens } of order) {
    if (tokens > left) continue;
    taken.add(id);
    left -= tokens;
  }
  return taken;
}
