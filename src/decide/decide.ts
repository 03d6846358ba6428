// The one place that says whether a candidate answers a question. cascade, streams and the public face import it.
import type { Candidate } from '../core/entry.js';
import type { MaybePromise } from '../core/tier.js';
import { askPairs } from './ask-pairs.js';
import { logit, sigmoid } from './calibration.js';
import type { Asked, Basis, Decision, Refusal, Verdict } from './decision.js';
import { featuresOf, featuresOfAsked } from './features.js';
import { featureNames, pairFeatures } from './pair-features.js';
import type { Policy } from './policy.js';
import { vetoOf } from './refusal.js';

export type { Asked, Basis, Decision, Experience, Refusal, Verdict } from './decision.js';

/** A candidate that no rule refused. */
export interface Judged {
  readonly candidate: Candidate;
  /** What the verifier saw; undefined where it was not asked. */
  readonly features: Float64Array | undefined;
  /** P(same) as calibrated; undefined where the verifier was not asked. */
  readonly probability: number | undefined;
  readonly logit: number | undefined;
  /** Logits by which more than usual is wanted. */
  readonly caution: number;
}

/** Longest text judged, in UTF-16 code units; an embedder reads far less, and judging a mebi would hold the event loop for 0.2 s. */
export const maxJudgedLength = 8_192;

/**
 * Chooses the candidate whose answer answers the question. Rules come first: a candidate that one refuses is out, and the next is
 * looked at. Then the cosine decides, or P(same) from the verifier, and inside its band of doubt from the pair model. A candidate
 * whose question is the question itself is taken at once. With rules, only texts of up to `maxJudgedLength` are matched in other
 * words.
 *
 * `candidates`: best first; going through them ends at the first below the policy's similarity (inclusive). Nothing is changed.
 * Cost: without a pair model synchronous, tens of microseconds a candidate, linear in the length of the texts. With one, a promise
 * only if it is asked. Never throws nor rejects for what the pair model does.
 */
export function decide(
  query: string | Asked,
  candidates: readonly Candidate[],
  policy: Policy & { readonly pairs?: undefined },
): Verdict;
export function decide(
  query: string | Asked,
  candidates: readonly Candidate[],
  policy: Policy,
): MaybePromise<Verdict>;
export function decide(
  query: string | Asked,
  candidates: readonly Candidate[],
  policy: Policy,
): MaybePromise<Verdict> {
  const asked: Asked = typeof query === 'string' ? { text: query } : query;
  const { minProbability, pairs, experience } = policy;
  const refusals: Refusal[] = [];
  const judged: Judged[] = [];
  const cautionOf = asked.vector && experience?.caution(asked.vector);
  for (const [rank, candidate] of candidates.entries()) {
    const { entry, similarity } = candidate;
    // Written so that a NaN similarity is refused.
    if (!(similarity >= policy.minSimilarity)) break;
    const isText = entry.question === asked.text;
    const refusal = refusalOf(asked, candidate, isText, policy);
    if (refusal !== undefined) {
      refusals.push({ ...refusal, question: entry.question, similarity });
      continue;
    }
    if (isText) return verdict('text', plain(candidate), true, refusals, policy);
    const caution = cautionOf?.(candidate) ?? 0;
    if (minProbability === undefined) {
      const accepted = similarity >= stricter(policy.minSimilarity, caution + (experience?.shift ?? 0));
      const one = accepted ? judge(asked, candidates, rank, policy, caution) : plain(candidate);
      if (accepted) return verdict('similarity', one, true, refusals, policy);
      judged.push(one);
      continue;
    }
    const one = judge(asked, candidates, rank, policy, caution);
    judged.push(one);
    // Beyond doubt: what the others are like changes nothing.
    const { probability = 0 } = one;
    if (probability > sureFrom(policy) && probability >= requiredOf(one, policy)) break;
  }
  if (minProbability === undefined) return verdict('similarity', judged[0], false, refusals, policy);
  if (judged.length === 0) return verdict('none', undefined, false, refusals, policy);
  const paired = pairs && askPairs(asked, judged, policy, pairs);
  if (paired === undefined) return choose(judged, refusals, policy);
  return paired.then((all) => choose(all, refusals, policy));
}

/** An exact match, which nobody has to decide. One a policy, because it is on the path that can afford nothing. */
export function exactDecision(policy: Policy): Decision {
  return verdict('exact', undefined, true, [], policy).decision;
}

/** P(same) that the candidate needs. One that is in doubt and was not asked about has to reach what is wanted without a pair model. */
function requiredOf({ probability = 0, logit: asked, caution }: Judged, policy: Policy): number {
  const { minProbability, pairs, experience } = policy;
  const isPaired = pairs !== undefined && (asked !== undefined || probability > pairs.band[1]);
  const least = (isPaired ? minProbability?.paired : minProbability?.alone) ?? 1;
  const extra = caution + (experience?.shift ?? 0);
  return extra === 0 || least > 1 ? least : sigmoid(logit(least) + extra);
}

function choose(judged: readonly Judged[], refusals: readonly Refusal[], policy: Policy): Verdict {
  const margin = (one: Judged) => (one.probability ?? 0) - requiredOf(one, policy);
  const best = judged.reduce((a, b) => (margin(b) > margin(a) ? b : a));
  const basis = best.logit === undefined ? 'verifier' : 'pair model';
  return verdict(basis, best, margin(best) >= 0, refusals, policy, requiredOf(best, policy));
}

/** This P(same) is beyond doubt: a candidate that has it is taken without looking at the rest. */
function sureFrom({ pairs }: Policy): number {
  return pairs === undefined ? 0.98 : pairs.band[1];
}

/** A cosine made stricter by so many logits; never looser than the operator's. One logit takes the distance from 1 down by 30 %. */
function stricter(similarity: number, logits: number): number {
  return logits > 0 ? 1 - (1 - similarity) * Math.exp(-0.35 * logits) : similarity;
}

const plain = (candidate: Candidate): Judged => ({
  candidate,
  features: undefined,
  probability: undefined,
  logit: undefined,
  caution: 0,
});

/** Asks the verifier, where there is one and both vectors. */
function judge(
  asked: Asked,
  candidates: readonly Candidate[],
  rank: number,
  { verifier }: Policy,
  caution: number,
): Judged {
  const candidate = candidates[rank] as Candidate;
  const { entry, similarity: cosine } = candidate;
  const { vector: stored, question } = entry;
  if (verifier === undefined || asked.vector === undefined || stored === undefined)
    return { ...plain(candidate), caution };
  const features = pairFeatures(featuresOfAsked(asked.text), featuresOf(question), {
    cosine,
    rank,
    ...neighbourhood(candidates, rank),
  });
  const probability = verifier.probability({ asked: asked.vector, stored, features, cosine });
  // What is no number is no knowledge.
  if (!(probability >= 0 && probability <= 1)) return { ...plain(candidate), caution };
  return { candidate, features, probability, logit: undefined, caution };
}

/**
 * How far the next candidate with another answer is, and which share of the candidates has this answer. Texts are compared; of other
 * values only the very same is the same, because comparing them may take long.
 */
function neighbourhood(
  candidates: readonly Candidate[],
  rank: number,
): { margin: number; agreement: number } {
  const { entry, similarity } = candidates[rank] as Candidate;
  let margin = similarity;
  let agreeing = 0;
  let isNext = true;
  for (const other of candidates) {
    if (other.entry.value === entry.value) agreeing++;
    else if (isNext && other.similarity <= similarity) {
      margin = similarity - other.similarity;
      isNext = false;
    }
  }
  return { margin, agreement: agreeing / candidates.length };
}

function refusalOf(
  asked: Asked,
  { entry }: Candidate,
  isText: boolean,
  policy: Policy,
): Pick<Refusal, 'rule' | 'why'> | undefined {
  if (asked.key !== undefined && policy.experience?.refuses(asked.key, entry.key))
    return { rule: 'feedback', why: 'this question was answered wrongly with that one before' };
  return isText || policy.rules.length === 0 ? undefined : ruledOut(asked.text, entry.question, policy);
}

function ruledOut(
  question: string,
  stored: string,
  { rules, rulesYield = false }: Policy,
): Pick<Refusal, 'rule' | 'why'> | undefined {
  const longest = Math.max(question.length, stored.length);
  if (longest > maxJudgedLength) {
    return {
      rule: 'length',
      why: `a question of ${longest} characters is too long to be matched in other words`,
    };
  }
  return vetoOf(featuresOfAsked(question), featuresOf(stored), rules, rulesYield);
}

function verdict(
  basis: Basis,
  one: Judged | undefined,
  accepted: boolean,
  refusals: readonly Refusal[],
  policy: Policy,
  required?: number,
): Verdict {
  const { minSimilarity, rules: names, maxErrorRate, promise, category } = policy;
  const candidate = one?.candidate;
  const row = one?.features;
  let features: Decision['features'] | undefined;
  return {
    accepted: accepted ? candidate : undefined,
    refused: refusals[0],
    decision: {
      accepted,
      basis: one === undefined && basis !== 'exact' ? 'none' : basis,
      pSame: basis === 'exact' || basis === 'text' ? 1 : one?.probability,
      required,
      similarity: basis === 'exact' ? 1 : (candidate?.similarity ?? 0),
      rules: refusals,
      // Named when they are read: a hundred names take microseconds, and hardly anybody asks.
      get features() {
        features ??= named(row);
        return features;
      },
      pairLogit: one?.logit,
      candidate: candidate && { question: candidate.entry.question, key: candidate.entry.key },
      policy: { minSimilarity, rules: names, maxErrorRate, promise, category },
    },
  };
}

const noFeatures = Object.freeze({});

function named(features: Float64Array | undefined): Readonly<Record<string, number>> {
  if (features === undefined) return noFeatures;
  const shown: Record<string, number> = {};
  for (let i = 0; i < featureNames.length; i++) shown[featureNames[i] as string] = features[i] as number;
  return shown;
}
