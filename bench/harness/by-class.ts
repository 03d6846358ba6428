// What the decision accepts of each class of labelled pairs, as a table; imported by pairs.ts and tests.
import type { Candidate } from '#dist/core/entry.js';
import { decide } from '#dist/decide/decide.js';
import { type Policy, policy } from '#dist/decide/policy.js';
import { clopperPearson } from './interval.ts';

/** A pair with `b` stored and `a` asked. */
export interface ClassedPair {
  readonly a: string;
  readonly same: boolean;
  readonly class: string;
  readonly candidate: Candidate;
}

const keptShare = 0.85;

/**
 * The highest threshold at which at least `share` (0 … 1) of the pairs are accepted, or `undefined` when the rules refuse more than
 * the rest: no threshold gives back what a rule took.
 */
export function thresholdKeeping(
  pairs: readonly ClassedPair[],
  share: number,
  rules: 'all' | 'none',
): number | undefined {
  const reached = pairs
    .filter(({ a, candidate }) => decide(a, [candidate], policy({ minSimilarity: -1, rules })).accepted)
    .map(({ candidate }) => candidate.similarity)
    .sort((x, y) => y - x);
  // A similarity is a sum of rounded products, which can come out a little above 1.
  const threshold = reached[Math.ceil(share * pairs.length) - 1];
  return threshold === undefined ? undefined : Math.min(threshold, 1);
}

/** A row a class and one for all traps and all controls; accepted in per cent with the exact 95 % interval, a column a policy. */
export function byClass(pairs: readonly ClassedPair[]): string {
  const controls = pairs.filter(({ same }) => same);
  const traps = pairs.filter(({ same }) => !same);
  const columns: { title: string; policy: Policy }[] = [];
  const notes: string[] = [];
  for (const rules of ['none', 'all'] as const) {
    const chosen = policy({ rules });
    columns.push({ title: `${chosen.minSimilarity} rules ${rules}`, policy: chosen });
    const minSimilarity = thresholdKeeping(controls, keptShare, rules);
    if (minSimilarity === undefined) {
      notes.push(`With rules ${rules} no threshold keeps ${100 * keptShare} % of the controls.`);
    } else {
      columns.push({
        title: `${minSimilarity.toFixed(3)} rules ${rules}`,
        policy: policy({ minSimilarity, rules }),
      });
    }
  }
  const row = (title: string, some: readonly ClassedPair[]) => {
    const cells = columns.map(({ policy: chosen }) =>
      share(some.filter(({ a, candidate }) => decide(a, [candidate], chosen).accepted).length, some.length),
    );
    return [title.padEnd(14), String(some.length).padStart(5), ...cells].join('  ');
  };
  const names = [...new Set(traps.map((pair) => pair.class))];
  return [
    `Accepted in % with the exact (Clopper–Pearson) 95 % interval: the default threshold, and the one that keeps ${100 * keptShare} % of the controls.`,
    ...notes,
    ['class'.padEnd(14), 'pairs', ...columns.map(({ title }) => title.padEnd(width))].join('  ').trimEnd(),
    ...names.map((name) =>
      row(
        name,
        traps.filter((pair) => pair.class === name),
      ),
    ),
    row('all traps', traps),
    row('controls', controls),
  ].join('\n');
}

const width = 19;

function share(part: number, whole: number): string {
  const [low, high] = clopperPearson(part, whole).map((end) => (100 * end).toFixed(1));
  return `${((100 * part) / whole).toFixed(1)} (${low}–${high})`.padEnd(width);
}
