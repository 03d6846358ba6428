// When a stored answer may be served for a question asked in other words: the threshold and the rules. Any folder may import it.
import { InvalidArgumentError } from '../core/errors.js';
import type { rules } from './rules.js';

/** Names of the rules, in the order in which they are asked. */
export const ruleNames = Object.freeze([
  'numbers',
  'negation',
  'antonyms',
  'units',
  'order',
  'names',
  'question',
  'quantifiers',
  'tense',
  'person',
  'code',
  'substitution',
] as const) satisfies readonly (keyof typeof rules)[];

/**
 * A rule: `numbers` (other numbers), `negation` (one negates), `antonyms` (opposites and alternatives), `units`, `order` (swapped
 * roles), `names` (another name, or one question alone names something), `question` (when, where, who, why, how much),
 * `quantifiers` (all, some, only), `tense`, `person`, `code` (another flag, path, identifier), `substitution` (the same words but for one
 * or two that mean something else).
 */
export type RuleName = (typeof ruleNames)[number];

/** What `decide` goes by. */
export interface Policy {
  /** Least cosine of the two questions' embeddings, inclusive, in [-1, 1]. */
  readonly minSimilarity: number;
  /** Rules that may refuse a candidate. */
  readonly rules: readonly RuleName[];
}

/**
 * Default threshold, cosine. Measured with all-MiniLM-L6-v2 (int8) on 16,874 labelled pairs of the Quora question-pair release (31 %
 * of them ask the same): share of the served that is right, and share of the same that is served,
 *
 *               without rules         with all rules
 *   >= 0.85     70.7 %   65.3 %       77.5 %   58.8 %
 *   >= 0.90     77.7 %   45.7 %       83.5 %   42.8 %
 *   >= 0.91     79.8 %   41.4 %       85.6 %   39.1 %
 *   >= 0.92     81.9 %   36.7 %       87.4 %   34.7 %
 *   >= 0.95     88.8 %   21.9 %       92.6 %   21.3 %
 *
 * where about half of the pairs counted wrong near the top plainly ask the same. Without rules it takes 0.94 to be right as often as
 * with them at 0.91, and that loses nearly a third of the hits.
 */
export const defaultMinSimilarity = 0.91;

/**
 * A checked policy. `minSimilarity`: cosine in [-1, 1], default `defaultMinSimilarity`; `rules`: names, `'all'` (default) or
 * `'none'`.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT: no number in the range, or an unknown rule.
 */
export function policy(
  options: {
    minSimilarity?: number | undefined;
    rules?: readonly RuleName[] | 'all' | 'none' | undefined;
  } = {},
): Policy {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgumentError('policy', 'an object', options);
  const { minSimilarity = defaultMinSimilarity, rules: chosen = 'all' } = options;
  if (typeof minSimilarity !== 'number' || !(minSimilarity >= -1 && minSimilarity <= 1)) {
    throw new InvalidArgumentError('minSimilarity', 'a number in [-1, 1]', minSimilarity);
  }
  if (chosen === 'all') return Object.freeze({ minSimilarity, rules: ruleNames });
  if (chosen === 'none') return Object.freeze({ minSimilarity, rules: Object.freeze([]) });
  if (!Array.isArray(chosen))
    throw new InvalidArgumentError('rules', `'all', 'none' or a list of rules`, chosen);
  for (const name of chosen) {
    if (!(ruleNames as readonly unknown[]).includes(name))
      throw new InvalidArgumentError('rules', `of ${ruleNames.join(', ')}`, name);
  }
  // In the order of ruleNames, so that the same set of rules always names the same refusal.
  return Object.freeze({
    minSimilarity,
    rules: Object.freeze(ruleNames.filter((name) => chosen.includes(name))),
  });
}
