// Sums up what hits have saved: tokens, money, time; by scope. The root imports it.
import type { Entry, Usage } from '../core/entry.js';
import type { Scope } from '../core/scope.js';
import { Prices, type PriceTable } from './prices.js';

/** What a call did not have to spend because its answer was there. */
export interface Saved extends Usage {
  /** Price of those tokens, in the currency of the price table; 0 where the model has none or the tokens are unknown. */
  readonly cost: number;
  /** Milliseconds that the answer's generation took, less those of this call; 0 where that is unknown or not less. */
  readonly ms: number;
}

/** Sums of what was saved. */
export interface SavedSum extends Saved {
  /** Calls that saved something or could have: hits, and calls that shared another's generation. */
  readonly calls: number;
}

/** Sums of one scope. */
export interface ScopeSavings extends SavedSum {
  /** Digest of the scope. */
  readonly scope: string;
  readonly tenant: string | undefined;
  readonly model: string | undefined;
}

/** What was saved since `open`. */
export interface SavingsStats extends SavedSum {
  /** Currency of the price table, as it was configured. */
  readonly currency: string;
  /** The first 1,000 scopes that saved something. */
  readonly scopes: readonly ScopeSavings[];
  /** All other scopes together. */
  readonly otherScopes: SavedSum;
}

/** How savings are reckoned. */
export interface SavingsOptions {
  /** Default none: tokens and milliseconds are summed, money is not. */
  readonly prices?: PriceTable | undefined;
  /** Default `USD`. */
  readonly currency?: string | undefined;
}

type Sum = { -readonly [K in keyof SavedSum]: number };

/** Scopes with sums of their own. */
export const mostScopes = 1_000;
const empty = (): Sum => ({ calls: 0, inputTokens: 0, outputTokens: 0, cost: 0, ms: 0 });

/** What a call that had to generate has saved. */
export const nothingSaved: Saved = Object.freeze({ inputTokens: 0, outputTokens: 0, cost: 0, ms: 0 });

/** Keeps the sums of one cache, in bounded memory. */
export class Savings {
  readonly #prices: Prices;
  readonly #currency: string;
  readonly #all = empty();
  readonly #others = empty();
  readonly #scopes = new Map<string, Omit<ScopeSavings, keyof SavedSum> & { readonly sum: Sum }>();

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for what is no price. */
  constructor({ prices, currency = 'USD' }: SavingsOptions = {}) {
    this.#prices = new Prices(prices);
    this.#currency = currency;
  }

  /** Notes a call that got this answer after so many milliseconds, and tells what it saved. Cost: a tenth of a microsecond. */
  note(scope: Scope, { usage, costMs = 0 }: Pick<Entry, 'usage' | 'costMs'>, tookMs: number): Saved {
    const { inputTokens, outputTokens } = usage ?? nothingSaved;
    const cost = usage === undefined ? 0 : this.#prices.cost(scope.fields.model, usage);
    const ms = Math.max(0, costMs - tookMs);
    const saved = { inputTokens, outputTokens, cost, ms };
    add(this.#all, saved);
    add(this.#sumOf(scope), saved);
    return saved;
  }

  stats(): SavingsStats {
    const scopes = [...this.#scopes.values()].map(({ sum, ...of }) => ({ ...of, ...sum }));
    return { ...this.#all, currency: this.#currency, scopes, otherScopes: { ...this.#others } };
  }

  #sumOf({ id, fields }: Scope): Sum {
    const held = this.#scopes.get(id);
    if (held !== undefined) return held.sum;
    // Which scopes have a sum never changes, so that no sum ever falls.
    if (this.#scopes.size >= mostScopes) return this.#others;
    const sum = empty();
    this.#scopes.set(id, { sum, scope: id, tenant: fields.tenant, model: fields.model });
    return sum;
  }
}

function add(sum: Sum, { inputTokens, outputTokens, cost, ms }: Saved): void {
  sum.calls++;
  sum.inputTokens += inputTokens;
  sum.outputTokens += outputTokens;
  sum.cost += cost;
  sum.ms += ms;
}
