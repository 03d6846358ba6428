// What is being generated, found by key and by meaning. resolve.ts uses it.
import type { CascadeParts, Query } from './cascade.js';
import type { Embedding } from './core/embedder.js';
import type { Entry, Epoch } from './core/entry.js';
import type { Shared } from './core/flight.js';
import type { Labels } from './core/labels.js';
import type { Ledger } from './core/ledger.js';
import { native } from './core/native.js';
import { type Decision, decide } from './decide/decide.js';
import type { Policies } from './decide/policies.js';

/** An answer on its way. */
export interface Generation<R> {
  readonly query: Query;
  readonly embedding: Embedding | undefined;
  /** The latest removal known when it began. */
  readonly epoch: Epoch;
  readonly labels: Labels;
  /** It comes as a stream. */
  readonly streams: boolean;
  readonly opening: Shared<R>;
}

/** A generation that answers a question asked in other words. */
export interface Joinable<R> {
  readonly generation: Generation<R>;
  readonly similarity: number;
  readonly decision: Decision;
}

// A product of 384 numbers takes about 0.4 microseconds: a scan of all takes a tenth of a millisecond.
const mostScanned = 256;

/** Generations of this process. Of a scope the latest 256 are found by meaning, all by key. */
export class InFlight<R> {
  readonly #ledger: Ledger;
  readonly #policies: Policies;
  readonly #shadow: boolean;
  readonly #candidates: number;
  readonly #byKey = new Map<string, Generation<R>>();
  readonly #byScope = new Map<string, Set<Generation<R>>>();

  /** As the cascade: the ledger, how many of the nearest the decision looks at, shadow mode, the policies. */
  constructor(
    { ledger, candidates, shadow = false }: Pick<CascadeParts, 'ledger' | 'candidates' | 'shadow'>,
    policies: Policies,
  ) {
    this.#ledger = ledger;
    this.#policies = policies;
    this.#shadow = shadow;
    this.#candidates = candidates;
  }

  /** Generations under way. */
  get size(): number {
    return this.#byKey.size;
  }

  /** Takes one in until `over`. */
  add(generation: Generation<R>, over: Promise<unknown>): void {
    const { key, scope } = generation.query;
    this.#byKey.set(key, generation);
    const ofScope = this.#byScope.get(scope.id) ?? new Set();
    this.#byScope.set(scope.id, ofScope.add(generation));
    const remove = () => {
      if (this.#byKey.get(key) === generation) this.#byKey.delete(key);
      ofScope.delete(generation);
      if (ofScope.size === 0 && this.#byScope.get(scope.id) === ofScope) this.#byScope.delete(scope.id);
    };
    over.then(remove, remove);
  }

  /** The generation of this very question. */
  ofKey({ key }: Query): Generation<R> | undefined {
    const generation = this.#byKey.get(key);
    return generation !== undefined && this.#mayJoin(generation) ? generation : undefined;
  }

  /**
   * The generation of a question that asks the same in other words, by what stored answers are served by; but at once, so without the
   * pair model.
   */
  near({ text, key, scope, accept }: Query, { vector }: Embedding): Joinable<R> | undefined {
    const { policy, store } = this.#policies.for(text, scope.fields, accept);
    if (!store || this.#shadow) return undefined;
    const atOnce = { ...policy, pairs: undefined };
    const ofScope = [...(this.#byScope.get(scope.id) ?? [])].slice(-mostScanned);
    const near: Omit<Joinable<R>, 'decision'>[] = [];
    for (const generation of ofScope) {
      if (!generation.embedding?.matchable || !this.#mayJoin(generation)) continue;
      const similarity = native.dot(vector, generation.embedding.vector);
      if (similarity >= policy.minSimilarity) near.push({ generation, similarity });
    }
    near.sort((a, b) => b.similarity - a.similarity);
    for (const joinable of near.slice(0, this.#candidates)) {
      const { query, embedding } = joinable.generation;
      const { text: question, key: askedFor } = query;
      const entry = { question, key: askedFor, scope: scope.id, vector: embedding?.vector } as Entry;
      const candidate = { entry, similarity: joinable.similarity };
      const { accepted, decision } = decide({ text, key, vector }, [candidate], atOnce);
      if (accepted !== undefined) return { ...joinable, decision };
    }
    return undefined;
  }

  /**
   * False when a removal names it, and for a stream after any removal: the labels that it gets later may be what was removed, and parts
   * that were handed out cannot be taken back.
   */
  #mayJoin({ query, epoch, labels, streams, opening }: Generation<R>): boolean {
    if (opening.isAbandoned) return false;
    if (epoch === this.#ledger.epoch) return true;
    const { key, scope } = query;
    return !streams && this.#ledger.isAlive({ key, scope: scope.id, epoch, ...labels.read() });
  }
}
