// What another policy would have done to recorded lookups: hits, wrong ones, money. Pure; the root and the command line use it.
import { InvalidArgumentError } from '../core/errors.js';
import { decide } from '../decide/decide.js';
import { clopperPearson } from '../decide/interval.js';
import type { Policy } from '../decide/policy.js';
import type { LookupLine, RecordLine } from './record.js';

/** What became of the lookups under one policy. */
export interface Outcome {
  readonly exact: number;
  readonly semantic: number;
  readonly misses: number;
  /** Semantic hits for which it is known whether they were right. */
  readonly judged: number;
  /** Of them those that were wrong. */
  readonly wrong: number;
  /** Clopper–Pearson 95 % interval of the share of wrong among the judged. */
  readonly errorRate: readonly [number, number];
  /** Milliseconds of the origin that hits saved, as far as known. */
  readonly savedMs: number;
  /** Hits times what an answer costs. */
  readonly saved: number;
}

/** What `replay` gives. */
export interface ReplayReport {
  readonly lookups: number;
  /** Lines that are none of the record's. */
  readonly unreadable: number;
  /** As it was; in shadow mode as it would have been. */
  readonly before: Outcome;
  /** Under the policy. */
  readonly after: Outcome;
  /** Lookups that the policy decides otherwise, at most 20. */
  readonly changed: readonly {
    readonly question: string;
    readonly candidate: string;
    readonly now: 'hit' | 'miss';
  }[];
}

const mostShown = 20;

/**
 * Decides the recorded lookups anew. The rules are applied to the recorded texts; the similarity and P(same) are those of the record,
 * so no model is needed. Only the candidates of the record are known: nothing is found that was not near then.
 */
export function replay(lines: Iterable<string>, policy: Policy, costPerAnswer = 0): ReplayReport {
  if (!(costPerAnswer >= 0 && Number.isFinite(costPerAnswer)))
    throw new InvalidArgumentError('costPerAnswer', 'a number from 0', costPerAnswer);
  const lookups: LookupLine[] = [];
  const wrong = new Map<string, boolean>();
  let unreadable = 0;
  for (const text of lines) {
    if (text.trim() === '') continue;
    const line = read(text);
    if (line === undefined) unreadable++;
    else if (line.kind === 'lookup') lookups.push(line);
    else wrong.set(`${line.key}${line.candidate}`, line.wrong);
  }
  const before = new Count(costPerAnswer);
  const after = new Count(costPerAnswer);
  const changed: { question: string; candidate: string; now: 'hit' | 'miss' }[] = [];
  for (const lookup of lookups) {
    const { match, accepted, question, key, candidate, nearest } = lookup;
    const isNow = match !== 'exact' && accepts(lookup, policy);
    const shown = candidate ?? nearest;
    const isWrong = shown && wrong.get(`${key}${shown.key}`);
    before.add(match === 'exact' ? 'exact' : accepted ? 'semantic' : 'miss', isWrong, lookup.costMs);
    after.add(match === 'exact' ? 'exact' : isNow ? 'semantic' : 'miss', isWrong, lookup.costMs);
    if (match !== 'exact' && isNow !== accepted && changed.length < mostShown)
      changed.push({ question, candidate: shown?.question ?? '', now: isNow ? 'hit' : 'miss' });
  }
  return {
    lookups: lookups.length,
    unreadable,
    before: before.outcome(),
    after: after.outcome(),
    changed,
  };
}

/** Whether the policy serves the recorded candidate. */
function accepts({ question, candidate, nearest, pSame }: LookupLine, policy: Policy): boolean {
  const found = candidate ?? nearest;
  if (found === undefined) return false;
  const { minProbability, minSimilarity, rules } = policy;
  const entry = { ...blank, key: found.key, question: found.question };
  const ruled = decide(question, [{ entry, similarity: found.similarity }], { minSimilarity, rules });
  if (ruled.accepted === undefined || minProbability === undefined || ruled.decision.basis === 'text')
    return ruled.accepted !== undefined;
  // The record holds the probability of the candidate it was decided on, with the pair model where that was asked.
  return candidate !== undefined && (pSame ?? 0) >= Math.max(minProbability.alone, minProbability.paired);
}

const blank = { scope: '', embedder: '', value: undefined, createdAtMs: 0, expiresAtMs: 0, epoch: 0 };

class Count {
  readonly #cost: number;
  readonly #counts = { exact: 0, semantic: 0, miss: 0 };
  #judged = 0;
  #wrong = 0;
  #savedMs = 0;

  constructor(cost: number) {
    this.#cost = cost;
  }

  add(what: 'exact' | 'semantic' | 'miss', isWrong: boolean | undefined, costMs: number | undefined): void {
    this.#counts[what]++;
    if (what !== 'miss') this.#savedMs += costMs ?? 0;
    if (what !== 'semantic' || isWrong === undefined) return;
    this.#judged++;
    this.#wrong += Number(isWrong);
  }

  outcome(): Outcome {
    const { exact, semantic, miss: misses } = this.#counts;
    const [judged, wrong] = [this.#judged, this.#wrong];
    const saved = (exact + semantic) * this.#cost;
    const errorRate = clopperPearson(wrong, judged);
    return { exact, semantic, misses, judged, wrong, errorRate, savedMs: this.#savedMs, saved };
  }
}

function read(text: string): RecordLine | undefined {
  try {
    const line = JSON.parse(text) as RecordLine | null;
    if (line?.kind === 'verdict') {
      const fits = typeof line.key === 'string' && typeof line.candidate === 'string';
      return fits && typeof line.wrong === 'boolean' ? line : undefined;
    }
    if (line?.kind !== 'lookup' || typeof line.question !== 'string' || typeof line.key !== 'string')
      return undefined;
    if (!['exact', 'semantic', 'none'].includes(line.match) || typeof line.accepted !== 'boolean')
      return undefined;
    return [line.candidate, line.nearest].every(isCandidate) ? line : undefined;
  } catch {
    return undefined;
  }
}

function isCandidate(found: LookupLine['candidate'] | null): boolean {
  if (found === undefined) return true;
  const { question, key, similarity } = found ?? {};
  return typeof question === 'string' && typeof key === 'string' && typeof similarity === 'number';
}
