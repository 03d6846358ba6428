// What the decision accepts of each class of labelled pairs, as a table; imported by pairs.ts and tests.
import type { Candidate } from '#dist/core/entry.js';
import { decide } from '#dist/decide/decide.js';
import { clopperPearson } from '#dist/decide/interval.js';
import { policy } from '#dist/decide/policy.js';

/** A pair with `b` stored and `a` asked. */
export interface ClassedPair {
  readonly a: string;
  readonly same: boolean;
  readonly class: string;
  readonly candidate: Candidate;
}

const keptShare = 0.85;
const anything = (rules: 'all' | 'none') => policy({ minSimilarity: -1, rules });

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
    .filter(({ a, candidate }) => decide(a, [candidate], anything(rules)).accepted)
    .map(({ candidate }) => candidate.similarity)
    .sort((x, y) => y - x);
  // A similarity is a sum of rounded products, which can come out a little above 1.
  const threshold = reached[Math.ceil(share * pairs.length) - 1];
  return threshold === undefined ? undefined : Math.min(threshold, 1);
}

/** A row a class, one for all traps and one for all controls; accepted in per cent with the exact 95 % interval, a column a policy. */
export function byClass(pairs: readonly ClassedPair[]): string {
  const controls = pairs.filter(({ same }) => same);
  const traps = pairs.filter(({ same }) => !same);
  const policies = [policy({ rules: 'none' }), policy({ rules: 'all' })];
  const level = thresholdKeeping(controls, keptShare, 'none');
  if (level !== undefined)
    for (const rules of ['none', 'all'] as const) policies.push(policy({ minSimilarity: level, rules }));
  const ruled = thresholdKeeping(controls, keptShare, 'all');
  if (ruled !== undefined && ruled !== level) policies.push(policy({ minSimilarity: ruled, rules: 'all' }));

  const rows = (title: string, some: readonly ClassedPair[]) => {
    const cells = policies.map((chosen) => {
      const accepted = some.filter(({ a, candidate }) => decide(a, [candidate], chosen).accepted);
      return percent(accepted.length, some.length);
    });
    return line(title, String(some.length), cells);
  };
  const classesOf = (some: readonly ClassedPair[]) =>
    [...new Set(some.map((pair) => pair.class))].map((name) =>
      rows(
        name,
        some.filter((pair) => pair.class === name),
      ),
    );
  const titles = policies.map(
    ({ minSimilarity, rules }) => `${minSimilarity.toFixed(3)}, ${rules.length === 0 ? 'no' : 'all'} rules`,
  );
  const unrefused = controls.filter(({ a, candidate }) => decide(a, [candidate], anything('all')).accepted);
  const left = percent(unrefused.length, controls.length);
  const ending =
    ruled === undefined ? `; with all rules none does: they leave ${left}.` : ', then with all rules.';
  return [
    'Accepted in % with the exact (Clopper–Pearson) 95 % interval, at the default threshold and at the highest that keeps',
    `${100 * keptShare} % of the controls without rules${ending}`,
    line('class', 'pairs', titles),
    ...classesOf(traps),
    rows('all traps', traps),
    ...classesOf(controls),
    rows('all controls', controls),
  ].join('\n');
}

const line = (title: string, count: string, cells: readonly string[]) =>
  [title.padEnd(12), count.padStart(5), ...cells.map((cell) => cell.padEnd(19))].join('  ').trimEnd();

function percent(part: number, whole: number): string {
  if (whole === 0) return '–';
  const [low, high] = clopperPearson(part, whole).map((end) => (100 * end).toFixed(1));
  return `${((100 * part) / whole).toFixed(1)} (${low}–${high})`;
}
