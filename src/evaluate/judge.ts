// What the cache's own decision says of a labelled pair, with and without rules and pair model. Only evaluate/ and the root import it.
import type { Candidate } from '../core/entry.js';
import { lookFrom, type Means, stacked } from '../decide/acceptance.js';
import type { ScoreKind } from '../decide/calibration.js';
import { decide } from '../decide/decide.js';
import type { Decision, Refusal } from '../decide/decision.js';
import type { Policy } from '../decide/policy.js';
import { type Cause, causeOf } from './causes.js';
import type { PairRow } from './rows.js';
import { cosine, type Texts } from './texts.js';

/** A pair with everything that was said of it. */
export interface JudgedPair extends PairRow {
  /** Cosine of the two embeddings, in [-1, 1]. */
  readonly similarity: number;
  /** P(same) of the verifier alone, in [0, 1]; undefined without one. */
  readonly verifier: number | undefined;
  /** P(same) as a cache with the pair model has it: the same where that was not asked. Undefined without one. */
  readonly paired: number | undefined;
  /** Logit of the pair model; undefined where it was not asked. */
  readonly pairLogit: number | undefined;
  /** What refuses the pair whatever its score; `unmatchable` for a text that the embedder cannot tell from others. */
  readonly rule: Refusal['rule'] | 'unmatchable' | undefined;
  /** The same where a verifier judges, to which some rules yield. */
  readonly firmRule: Refusal['rule'] | 'unmatchable' | undefined;
  /** In what the two questions differ; undefined for pairs that ask the same. */
  readonly cause: Cause | undefined;
  /** Whether each of the policies accepts the pair, in their order. */
  readonly accepted: readonly boolean[];
}

/** One way to decide. */
export interface Way {
  readonly by: ScoreKind;
  readonly rules: boolean;
}

const blank = {
  key: '', scope: '', embedder: '', value: undefined, createdAtMs: 0, expiresAtMs: 0, epoch: 0,
}; // biome-ignore format: a blank entry

/** The candidate that a stored question would be. */
export function candidateOf(question: string, vector: Float32Array, similarity: number): Candidate {
  return { entry: { ...blank, question, vector }, similarity };
}

/** Judges `b` as the one stored question that `a` is decided against. The texts must be embedded. */
export async function judgePair(
  row: PairRow,
  texts: Texts,
  means: Means,
  policies: readonly Policy[],
): Promise<JudgedPair> {
  const [asked, stored] = [texts.get(row.a), texts.get(row.b)];
  const similarity = cosine(asked.vector, stored.vector);
  const candidate = [candidateOf(row.b, stored.vector, similarity)];
  // One memory of logits for all decisions of the pair, as for all tiers of a lookup.
  const query = { text: row.a, vector: asked.vector, logits: new Map<string, number | undefined>() };
  const { verifier, pairs, rules } = means;
  const all = { minSimilarity: -1, rules: [], minProbability: { alone: 0, paired: 0 }, verifier };
  const alone = decide(query, candidate, all).decision;
  // Asked about each, whatever the verifier says.
  const asking = pairs && { ...pairs, band: [0, 1] as const };
  const both = asking && (await decide(query, candidate, { ...all, pairs: asking })).decision;
  const isMatchable = row.a === row.b || (asked.matchable && stored.matchable);
  const refusal = (rulesYield: boolean) =>
    isMatchable
      ? decide(row.a, candidate, { minSimilarity: -1, rules, rulesYield }).refused?.rule
      : 'unmatchable';
  const accepted: boolean[] = [];
  for (const policy of policies)
    accepted.push(isMatchable && (await decide(query, candidate, policy)).accepted !== undefined);
  return {
    ...row,
    similarity,
    verifier: verifier && alone.pSame,
    paired: both === undefined ? undefined : pairedOf(alone.pSame, both),
    pairLogit: both?.pairLogit,
    rule: refusal(false),
    firmRule: refusal(true),
    cause: row.same ? undefined : causeOf(row.a, row.b),
    accepted,
  };
}

/** The pair model's word as far as the decision goes by it: it is asked only where that can matter. */
function pairedOf(alone: number | undefined, { pSame, pairLogit }: Decision): number | undefined {
  return pairLogit === undefined || alone === undefined || pSame === undefined
    ? pSame
    : stacked(alone, pSame);
}

/** The score by which a way ranks a pair; undefined where nobody gave one. */
export function scoreOf(pair: JudgedPair, by: ScoreKind): number | undefined {
  if (by === 'cosine') return pair.similarity;
  return by === 'verifier' ? pair.verifier : pair.paired;
}

/** Whether some threshold of a way accepts the pair: no rule refuses it, and it is near enough to be looked at. */
export function isWithinReach(pair: JudgedPair, { by, rules }: Way): boolean {
  const rule = by === 'cosine' ? pair.rule : pair.firmRule;
  if (rule === 'unmatchable' || (rules && rule !== undefined)) return false;
  return by === 'cosine' || pair.a === pair.b || pair.similarity >= lookFrom;
}
