// The semantic pass of the cascade: asks each tier what is near, and decide which of it is the same. cascade.ts imports it.
import type { CascadeParts, Finding, Query } from './cascade.js';
import type { Embedding } from './core/embedder.js';
import { type Candidate, type Entry, isStale } from './core/entry.js';
import type { Scope } from './core/scope.js';
import { isPromise, type Tier } from './core/tier.js';
import { type Asked, type Decision, decide, type Refusal, type Verdict } from './decide/decide.js';
import type { Policies } from './decide/policies.js';
import type { Policy } from './decide/policy.js';

/** What the pass found. */
export type Near = Pick<Finding, 'hit' | 'refused' | 'decision' | 'nearest' | 'shadowed'>;

/** What the pass uses of its cascade. */
export interface SemanticGround {
  readonly policies: Policies;
  mayServe(level: number): boolean;
  /** Drops from a tier what was removed. */
  bury(level: number, entry: Entry, scope: Scope): void;
  /** Copies a hit into the tiers before the one that had it. */
  promote(entry: Entry, level: number): void;
}

/** Finds what means the same. */
export class SemanticPass {
  readonly #parts: CascadeParts;
  readonly #ground: SemanticGround;

  constructor(parts: CascadeParts, ground: SemanticGround) {
    this.#parts = parts;
    this.#ground = ground;
  }

  /** Asks the tiers in order; the first accepted candidate is the hit. In shadow mode it is only told. */
  async find(
    query: Query,
    { vector }: Embedding,
    signal: AbortSignal | undefined,
    staleToo = false,
  ): Promise<Near> {
    const { text, key, scope, accept } = query;
    const { policy, store } = this.#ground.policies.for(text, scope.fields, accept);
    let best: Decision = nothingNear(policy);
    if (!store) return { hit: undefined, refused: undefined, decision: best };
    const asked: Asked = { text, key, vector, signal, logits: policy.pairs && new Map() };
    let refused: Refusal | undefined;
    let nearest: Candidate | undefined;
    for (const [level, tier] of this.#parts.tiers.entries()) {
      if (tier.near === undefined || !this.#ground.mayServe(level)) continue;
      const candidates = await this.#living(level, vector, scope, staleToo, policy.minSimilarity);
      const first = candidates[0];
      if (first && !((nearest?.similarity ?? -2) >= first.similarity)) nearest = first;
      const { accepted, refused: refusal, decision } = await this.#decide(asked, candidates, policy);
      refused ??= refusal;
      if (accepted === undefined) {
        if (best.candidate === undefined) best = decision;
        continue;
      }
      const { entry, similarity } = accepted;
      const hit = { entry, tier: tier.name, similarity, exact: false };
      if (this.#parts.shadow) return { hit: undefined, refused, decision, nearest, shadowed: hit };
      tier.touch?.(entry.key);
      this.#ground.promote(entry, level);
      return { hit, refused, decision, nearest };
    }
    return { hit: undefined, refused, decision: best, nearest };
  }

  /** A verifier that throws must not fail who asks. */
  async #decide(asked: Asked, candidates: readonly Candidate[], policy: Policy): Promise<Verdict> {
    try {
      const verdict = decide(asked, candidates, policy);
      return isPromise(verdict) ? await verdict : verdict;
    } catch (error) {
      this.#parts.onDecideError?.(error);
      return { accepted: undefined, refused: undefined, decision: nothingNear(policy) };
    }
  }

  /**
   * The nearest entries of a tier that may be served. What was removed takes a place once: it is dropped, and the tier asked again for
   * as many more as were of no use.
   */
  async #living(
    level: number,
    vector: Float32Array,
    scope: Scope,
    staleToo: boolean,
    floor: number,
  ): Promise<readonly Candidate[]> {
    const { tiers, candidates, ledger, clock } = this.#parts;
    const tier = tiers[level] as Tier;
    const ask = async (k: number) => {
      const near = tier.near?.(vector, scope, k, floor) ?? [];
      return isPromise(near) ? await near : near;
    };
    const found = await ask(candidates);
    const nowMs = clock.wall();
    const serves = ({ entry }: Candidate) => ledger.isAlive(entry) && (staleToo || !isStale(entry, nowMs));
    const useless = found.filter((candidate) => !serves(candidate));
    if (useless.length === 0) return found;
    for (const { entry } of useless) if (!ledger.isAlive(entry)) this.#ground.bury(level, entry, scope);
    return (await ask(candidates + useless.length)).filter(serves).slice(0, candidates);
  }
}

/** What is said where nothing was near, or nobody looked. */
export function nothingNear(policy: Policy): Decision {
  return decide('', [], { ...policy, pairs: undefined }).decision;
}
