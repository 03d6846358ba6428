// The one place that says whether a candidate answers a question. Pure; cache.ts and the public face import it.
import type { Candidate } from '../core/entry.js';
import { featuresOf } from './features.js';
import type { Policy, RuleName } from './policy.js';
import { rules } from './rules.js';

/** Why the best candidate was not served although its similarity sufficed. */
export interface Refusal {
  /** The rule that refused; `length` when a text is too long for the rules to judge. */
  readonly rule: RuleName | 'length';
  /** One short sentence for a person: which words differ. */
  readonly why: string;
  /** The stored question refused. */
  readonly question: string;
  /** Cosine of the two questions' embeddings, in [-1, 1]. */
  readonly similarity: number;
}

/** What became of the candidates. */
export interface Decision {
  /** The candidate to serve; `undefined` when none answers the question. */
  readonly accepted: Candidate | undefined;
  /** The best candidate that reached the threshold and was refused by a rule; `undefined` when no rule refused any. */
  readonly refused: Refusal | undefined;
}

/**
 * Chooses the candidate whose answer answers `question`: the most similar one that reaches the threshold (inclusive) and that no
 * rule refuses. A candidate whose question is `question` itself is never refused by a rule. With rules, only texts of up to
 * `maxJudgedLength` are matched in other words.
 *
 * `candidates`: best first; going through them ends at the first below the threshold. Nothing is changed. Cost: synchronous, a
 * few microseconds a candidate of ordinary length, linear in the length of the texts.
 */
export function decide(question: string, candidates: readonly Candidate[], policy: Policy): Decision {
  let refused: Refusal | undefined;
  for (const candidate of candidates) {
    // Written so that a NaN similarity is refused.
    if (!(candidate.similarity >= policy.minSimilarity)) break;
    const stored = candidate.entry.question;
    if (stored === question || policy.rules.length === 0) return { accepted: candidate, refused };
    const refusal = judge(question, stored, policy.rules);
    if (refusal === undefined) return { accepted: candidate, refused };
    refused ??= { ...refusal, question: stored, similarity: candidate.similarity };
  }
  return { accepted: undefined, refused };
}

/** Longest text judged, in UTF-16 code units; an embedder reads far less, and judging a mebi would hold the event loop for 0.2 s. */
export const maxJudgedLength = 8_192;

function judge(
  question: string,
  stored: string,
  names: readonly RuleName[],
): { rule: Refusal['rule']; why: string } | undefined {
  const longest = Math.max(question.length, stored.length);
  if (longest > maxJudgedLength) {
    return {
      rule: 'length',
      why: `a question of ${longest} characters is too long to be matched in other words`,
    };
  }
  const a = featuresOf(question);
  const b = featuresOf(stored);
  for (const rule of names) {
    const why = rules[rule](a, b);
    if (why !== undefined) return { rule, why };
  }
  return undefined;
}
