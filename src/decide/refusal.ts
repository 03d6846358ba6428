// Which rule refuses a candidate. decide.ts and the trainer import it.
import type { Features } from './features.js';
import type { RuleName } from './policy.js';
import { runOf } from './residue.js';
import { rules } from './rules.js';

/** A rule with what it saw. */
export interface Veto {
  readonly rule: RuleName;
  readonly why: string;
}

/**
 * Rules that, where a verifier judges, refuse only questions that run alike: in quite other words the same may be said without the
 * negation, the name, the opposite. There what the rule sees is one of the numbers that the verifier reads. Of labelled pairs with a
 * cosine of 0.6 and more this frees one in two that ask the same and were refused, and next to no trap.
 */
const yielding: ReadonlySet<RuleName> = new Set(['negation', 'antonyms', 'names', 'question', 'tense']);

/** Share of the longer question that both have to say in the same order for questions to run alike. */
const alikeFrom = 0.5;

/** The first of `names` that refuses; `isJudged`: a verifier judges what none refuses. Cost: as the rules, and that of `runOf`. */
export function vetoOf(
  asked: Features,
  stored: Features,
  names: readonly RuleName[],
  isJudged: boolean,
): Veto | undefined {
  for (const rule of names) {
    const why = rules[rule](asked, stored);
    if (why === undefined) continue;
    if (isJudged && yielding.has(rule) && runOf(asked, stored) < alikeFrom) continue;
    return { rule, why };
  }
  return undefined;
}
