// Which policy holds for a question: by its scope, its category and what the caller asks for. cascade and cache import it.
import { canonicalJson } from '../core/canonical.js';
import { InvalidArgumentError } from '../core/errors.js';
import type { ScopeFields } from '../core/scope.js';
import { checkAccept, type Means, policyFor, tightened } from './acceptance.js';
import type { Accept, Policy } from './policy.js';

/** Questions that are treated in a way of their own. */
export interface Category {
  /** Shown in decisions: 1 to 64 characters. */
  readonly name: string;
  /** Regular expression, without flags; matched anywhere in the first 2,000 characters, whatever their case. */
  readonly pattern: string;
  /** In the place of the cache's own. */
  readonly accept?: Accept | undefined;
  /** Seconds its answers live at most, from 1. */
  readonly ttlSeconds?: number | undefined;
  /** False: its answers are neither stored nor looked for by meaning. Default true. */
  readonly store?: boolean | undefined;
}

/** Callers that are treated in a way of their own. */
export interface ScopePolicy {
  /** Holds for scopes that have all of these fields with these values. */
  readonly scope: ScopeFields;
  readonly accept: Accept;
}

/** What holds for a question. */
export interface Applied {
  readonly policy: Policy;
  /** Milliseconds an answer lives at most; undefined for the cache's own. */
  readonly ttlMs: number | undefined;
  /** False: nothing is stored, and nothing found by meaning. */
  readonly store: boolean;
}

/** What `Policies` is made of. */
export interface PoliciesOptions {
  /** What holds where nothing else is said. */
  readonly base: Policy;
  /** Others are made with. */
  readonly means: Means;
  readonly scopes?: readonly ScopePolicy[] | undefined;
  /** The first whose pattern matches holds. */
  readonly categories?: readonly Category[] | undefined;
}

const longestMatched = 2_000;
const mostMemoised = 256;

interface Compiled {
  readonly category: Category;
  readonly pattern: RegExp;
}

/** The policies of one cache. Every method is O(categories + scopes); each policy is worked out once. */
export class Policies {
  /** What holds where nothing else is said. */
  readonly base: Policy;
  readonly #means: Means;
  readonly #scopes: readonly { readonly fields: ReadonlyMap<string, string>; readonly accept: Accept }[];
  readonly #categories: readonly Compiled[];
  readonly #made = new Map<string, Policy>();

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
  constructor({ base, means, scopes = [], categories = [] }: PoliciesOptions) {
    this.base = base;
    this.#means = means;
    this.#scopes = scopes.map(({ scope, accept: own }, index) => ({
      fields: fieldsOf(scope),
      accept: checkAccept(own, `scopes[${index}].accept`),
    }));
    this.#categories = categories.map(compile);
  }

  /**
   * What holds for the question. `wanted` makes it stricter for this call.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when `wanted` is looser than what the operator allows
   */
  for(question: string, scope: ScopeFields, wanted?: Accept): Applied {
    const category = this.#categoryOf(question);
    const operators = this.#operators(scope, category);
    const policy = wanted === undefined ? operators : this.#tighter(operators, wanted);
    const { ttlSeconds, store = true } = category ?? {};
    return { policy, ttlMs: ttlSeconds === undefined ? undefined : ttlSeconds * 1000, store };
  }

  #categoryOf(question: string): Category | undefined {
    if (this.#categories.length === 0) return undefined;
    const beginning = question.slice(0, longestMatched);
    return this.#categories.find(({ pattern }) => pattern.test(beginning))?.category;
  }

  /** The category's or else the cache's own; where a scope has one too, it replaces the cache's and tightens the category's. */
  #operators(scope: ScopeFields, category: Category | undefined): Policy {
    const found =
      this.#scopes.length === 0 ? undefined : this.#scopes.find((one) => matches(one.fields, scope));
    if (category === undefined && found === undefined) return this.base;
    const name = `${category?.name ?? ''} ${JSON.stringify(found?.accept ?? null)}`;
    return this.#memo(name, () => {
      const first = category?.accept ?? found?.accept;
      let policy = first === undefined ? this.base : policyFor(first, this.#means);
      if (category?.accept && found) policy = tightened(policy, found.accept, this.#means);
      return category === undefined ? policy : Object.freeze({ ...policy, category: category.name });
    });
  }

  #tighter(policy: Policy, wanted: Accept): Policy {
    const accept = checkAccept(wanted);
    const { maxErrorRate, minSimilarity } = policy;
    if ('maxErrorRate' in accept) {
      if (maxErrorRate !== undefined && accept.maxErrorRate > maxErrorRate)
        throw new InvalidArgumentError(
          'accept.maxErrorRate',
          `at most the operator's ${maxErrorRate}`,
          accept.maxErrorRate,
        );
    } else if (accept.minSimilarity < minSimilarity) {
      throw new InvalidArgumentError(
        'accept.minSimilarity',
        `at least the operator's ${minSimilarity}`,
        accept.minSimilarity,
      );
    }
    const name = `${JSON.stringify(accept)} over ${JSON.stringify([maxErrorRate, minSimilarity, policy.category])}`;
    return this.#memo(name, () => tightened(policy, accept, this.#means));
  }

  #memo(name: string, make: () => Policy): Policy {
    let policy = this.#made.get(name);
    if (policy === undefined) {
      // Callers choose the numbers, so there may be any number of them.
      if (this.#made.size >= mostMemoised) this.#made.clear();
      policy = make();
      this.#made.set(name, policy);
    }
    return policy;
  }
}

/** Policies of one policy that was put together by hand; calls may still tighten it. */
export function onePolicy(policy: Policy): Policies {
  return new Policies({ base: policy, means: policy });
}

function compile(category: Category, index: number): Compiled {
  const name = `categories[${index}]`;
  if (category.accept !== undefined) checkAccept(category.accept, `${name}.accept`);
  try {
    return { category, pattern: new RegExp(category.pattern, 'iu') };
  } catch (error) {
    throw new InvalidArgumentError(`${name}.pattern`, 'a regular expression', category.pattern, {
      cause: error,
    });
  }
}

function fieldsOf(scope: ScopeFields): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(scope)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, canonicalJson(value, `scope.${name}`)]),
  );
}

function matches(wanted: ReadonlyMap<string, string>, scope: ScopeFields): boolean {
  for (const [name, value] of wanted) {
    const given = scope[name as keyof ScopeFields];
    if (given === undefined || canonicalJson(given, name) !== value) return false;
  }
  return true;
}
