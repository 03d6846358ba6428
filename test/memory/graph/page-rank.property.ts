// The pushed walk against a dense power iteration on random graphs. SEED comes from the environment.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { personalisedPageRank } from '#dist/memory/graph/page-rank.js';

const test = suite('page rank');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);

interface Drawn {
  readonly n: number;
  readonly edges: readonly (readonly [from: number, to: number, weight: number])[];
  readonly seeds: readonly (readonly [node: number, weight: number])[];
  readonly restart: number;
}

const graphs: fc.Arbitrary<Drawn> = fc.integer({ min: 1, max: 24 }).chain((n) => {
  const node = fc.integer({ min: 0, max: n - 1 });
  const weight = fc.double({ min: 0.01, max: 5, noNaN: true });
  return fc.record({
    n: fc.constant(n),
    edges: fc.array(fc.tuple(node, node, weight), { maxLength: 60 }),
    seeds: fc.array(fc.tuple(node, weight), { minLength: 1, maxLength: 4 }),
    restart: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
  });
});

function dense({ n, edges, seeds, restart }: Drawn): number[] {
  const matrix = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (const [from, to, weight] of edges)
    (matrix[from] as number[])[to] = ((matrix[from] as number[])[to] as number) + weight;
  const start = new Array<number>(n).fill(0);
  for (const [node, weight] of new Map(seeds)) start[node] = weight;
  const total = start.reduce((sum, value) => sum + value, 0);
  const first = start.map((value) => value / total);
  // Restart × Σ (1 − restart)^k Pᵏ s; a node without a way out keeps what it gets.
  let walkers = first;
  const ranks = new Array<number>(n).fill(0);
  for (let step = 0; step < 500; step++) {
    const next = new Array<number>(n).fill(0);
    for (let i = 0; i < n; i++) {
      const row = matrix[i] as number[];
      const sum = row.reduce((a, b) => a + b, 0);
      const here = walkers[i] as number;
      ranks[i] = (ranks[i] as number) + (sum > 0 ? restart : 1) * here;
      if (sum > 0)
        row.forEach((weight, j) => {
          next[j] = (next[j] as number) + ((1 - restart) * here * weight) / sum;
        });
    }
    walkers = next;
  }
  return ranks;
}

function pushed({ n, edges, seeds, restart }: Drawn, tolerance: number, mostPushes: number) {
  const around = Array.from({ length: n }, (): [string, number][] => []);
  for (const [from, to, weight] of edges) around[from]?.push([String(to), weight]);
  const start = new Map(seeds.map(([node, weight]) => [String(node), weight]));
  return personalisedPageRank((node) => around[Number(node)] as [string, number][], start, {
    restart,
    tolerance,
    mostPushes,
  });
}

test('with a small tolerance it is the exact rank', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const exact = dense(graph);
      const { ranks } = pushed(graph, 1e-10, 1e6);
      for (let i = 0; i < graph.n; i++) {
        assert.ok(Math.abs((ranks.get(String(i)) ?? 0) - (exact[i] as number)) < 1e-6, `node ${i}`);
      }
    }),
    { seed, numRuns: 300 },
  );
});

test('with any bound it is low by no more than it says, and never high', () => {
  fc.assert(
    fc.property(
      graphs,
      fc.double({ min: 1e-6, max: 0.3, noNaN: true }),
      fc.integer({ min: 1, max: 40 }),
      (graph, tolerance, pushes) => {
        const exact = dense(graph);
        const { ranks, leftover } = pushed(graph, tolerance, pushes);
        let sum = 0;
        for (let i = 0; i < graph.n; i++) {
          const rank = ranks.get(String(i)) ?? 0;
          sum += rank;
          assert.ok(rank <= (exact[i] as number) + 1e-9 && rank >= (exact[i] as number) - leftover - 1e-9);
        }
        assert.ok(Math.abs(sum + leftover - 1) < 1e-9, `${sum} and ${leftover}`);
      },
    ),
    { seed, numRuns: 300 },
  );
});

test('seeds without weight make no walk', () => {
  const { ranks, leftover } = personalisedPageRank(() => [], new Map([['a', 0]]));
  assert.is(ranks.size, 0);
  assert.is(leftover, 0);
});

test.run();
