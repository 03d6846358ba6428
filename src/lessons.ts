// Learning as the cache has it: what hits, misses and verdicts mean to the learner and the record. cache, resolve and outcomes use it.
import type { Generate, Lookup } from './cache-types.js';
import type { Finding, Query } from './cascade.js';
import type { Clock } from './core/clock.js';
import type { Entry, Key } from './core/entry.js';
import { InvalidArgumentError } from './core/errors.js';
import { isKey } from './core/key.js';
import type { ErrorEstimate } from './learning/budget.js';
import type { Learner, PastHit } from './learning/learner.js';
import type { LookupRecord, VerdictLine } from './learning/record.js';
import type { Verification } from './learning/verification.js';

/** What learning is made of; `open` puts it together from configuration. */
export interface LessonParts {
  readonly learner: Learner;
  /** Default: lookups are not recorded. */
  readonly record?: LookupRecord | undefined;
  /** Default: hits are not asked again, and what shadow mode would have served is not compared. */
  readonly verification?: Verification | undefined;
  /** How often the pair model was asked, and had no answer. */
  readonly pairs: { readonly asked: number; readonly failed: number };
  readonly clock: Clock;
}

/** What is known of the decisions of a cache. */
export interface DecisionStats {
  /** How often semantic hits are wrong in production. */
  readonly errors: ErrorEstimate;
  /** Pairs that were called wrong and are never matched again. */
  readonly wrongPairs: number;
  /** Candidates that the pair model was asked about since `open`. */
  readonly pairsAsked: number;
  /** Of them those it gave no score for; they were decided without it. */
  readonly pairsFailed: number;
  /** Hits that were to be compared with a fresh answer and could not. */
  readonly verificationsFailed: number;
  /** Lines that the record has no room for, or could not take. */
  readonly recordDropped: number;
}

/** What a verdict is on: a result of `get` or `ask`, or what is left of it after a journey as JSON. */
export type JudgedHit = Pick<Lookup, 'key' | 'match'> & {
  readonly decision?: { readonly candidate?: { readonly key: Key } | null | undefined } | undefined;
};

/** Passes on what happens. */
export class Lessons {
  readonly #parts: LessonParts;

  constructor(parts: LessonParts) {
    this.#parts = parts;
  }

  /** An exact hit that needed no waiting. */
  exact({ text, key, scope }: Query, { costMs }: Entry): void {
    const { record, clock } = this.#parts;
    record?.add({
      ...{ kind: 'lookup', atMs: clock.wall(), question: text, key, scope: scope.id },
      ...{ match: 'exact', accepted: true, rules: [], costMs },
    });
  }

  /** A lookup is done. */
  looked(query: Query, finding: Finding): void {
    const past = pastHit(query, finding);
    if (past !== undefined && finding.hit !== undefined) this.#parts.learner.served(past);
    this.#record(query, finding);
  }

  /** A hit is served to somebody who could have made the answer; a share of them is made again and compared. */
  hit<T>(query: Query, finding: Finding, generate: Generate<T>): void {
    const past = pastHit(query, finding);
    if (past === undefined || finding.hit === undefined) return;
    const { value: cached } = finding.hit.entry;
    const vector = finding.embedding?.vector;
    const fresh = (signal: AbortSignal) =>
      generate({ signal, vector, addTags: () => {}, addSources: () => {}, reportUsage: () => {} });
    this.#parts.verification?.maybe({ question: query.text, cached, fresh }, (isWrong) =>
      this.#verdict(past, isWrong, 'sample'),
    );
  }

  /** An answer was made; in shadow mode it is compared with what would have been served. */
  generated(query: Query, finding: Finding, value: unknown): void {
    const past = pastHit(query, finding);
    if (finding.shadowed === undefined || past === undefined) return;
    const { value: cached } = finding.shadowed.entry;
    this.#parts.verification?.compare({ question: query.text, cached, fresh: () => value }, (isWrong) =>
      this.#verdict(past, isWrong, 'shadow'),
    );
  }

  /**
   * Takes a person's verdict; resolves when it is on stable storage.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when it is on no hit, or no verdict
   */
  async feedback(
    hit: JudgedHit,
    verdict: 'right' | 'wrong',
    remove: (key: Key) => Promise<unknown>,
  ): Promise<void> {
    if (verdict !== 'right' && verdict !== 'wrong')
      throw new InvalidArgumentError('verdict', `'right' or 'wrong'`, verdict);
    const stored = hit?.decision?.candidate?.key;
    const isSemantic = hit?.match === 'semantic' && stored !== undefined && isKey(stored);
    if (!isKey(hit?.key) || !(isSemantic || hit.match === 'exact'))
      throw new InvalidArgumentError('hit', 'a result whose match is exact or semantic', hit);
    const isWrong = verdict === 'wrong';
    if (isSemantic) {
      this.#note(hit.key, stored, isWrong, 'feedback');
      await this.#parts.learner.verdict(hit.key, stored, isWrong, 'unasked');
    } else if (isWrong) await remove(hit.key);
  }

  stats(): DecisionStats {
    const { learner, record, verification, pairs } = this.#parts;
    return {
      errors: learner.estimate(),
      wrongPairs: learner.wrongPairs,
      pairsAsked: pairs.asked,
      pairsFailed: pairs.failed,
      verificationsFailed: verification?.failures ?? 0,
      recordDropped: record?.dropped ?? 0,
    };
  }

  /** Resolves when the comparisons under way are done. */
  async idle(): Promise<void> {
    await this.#parts.verification?.idle();
  }

  /** Gives up comparisons, keeps what was learnt. */
  async close(): Promise<void> {
    const { learner, record, verification } = this.#parts;
    await verification?.close();
    await learner.close();
    await record?.close();
  }

  #verdict(past: PastHit, isWrong: boolean, by: 'sample' | 'shadow'): void {
    this.#note(past.asked, past.stored, isWrong, by);
    // What cannot be kept is forgotten with the process.
    this.#parts.learner.verdict(past.asked, past.stored, isWrong, 'asked of all', past).catch(() => {});
  }

  #note(key: Key, candidate: Key, wrong: boolean, by: VerdictLine['by']): void {
    const { record, clock } = this.#parts;
    record?.add({ kind: 'verdict', atMs: clock.wall(), key, candidate, wrong, by });
  }

  #record({ text, key, scope }: Query, { hit, shadowed, nearest, decision }: Finding): void {
    const { record, clock } = this.#parts;
    if (record === undefined) return;
    const { candidate, similarity, pSame, accepted, rules } = decision;
    const near = nearest && { question: nearest.entry.question, key: nearest.entry.key };
    const match = hit === undefined ? 'none' : hit.exact ? 'exact' : 'semantic';
    record.add({
      ...{ kind: 'lookup', atMs: clock.wall(), question: text, key, scope: scope.id, match, accepted, pSame },
      nearest: near && { ...near, similarity: nearest?.similarity ?? 0 },
      candidate: candidate && { ...candidate, similarity },
      rules: rules.map(({ rule }) => rule),
      costMs: (hit ?? shadowed)?.entry.costMs,
    });
  }
}

/** The hit, as far as it was one by meaning. */
function pastHit({ key }: Query, { hit, shadowed, embedding, decision }: Finding): PastHit | undefined {
  const found = hit ?? shadowed;
  if (found === undefined || found.exact || embedding === undefined) return undefined;
  const { entry } = found;
  return {
    asked: key,
    stored: entry.key,
    askedVector: embedding.vector,
    storedVector: entry.vector,
    pSame: decision.pSame,
  };
}
