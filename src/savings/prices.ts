// What tokens cost. savings/ and the composition root import it.
import type { Usage } from '../core/entry.js';
import { InvalidArgumentError } from '../core/errors.js';

/** Price of a model for a million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

/** Prices by the name of the model. */
export type PriceTable = Readonly<Record<string, Price>>;

const perMillion = 1_000_000;
const mostRemembered = 1_000;

/** Finds prices, by the model's name or by the longest name that it begins with: `gpt-4o` is also that of `gpt-4o-2031-01-01`. */
export class Prices {
  readonly #table: ReadonlyMap<string, Price>;
  readonly #found = new Map<string, Price | undefined>();

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for what is no price. */
  constructor(table: PriceTable = {}) {
    for (const [model, price] of Object.entries(table)) {
      for (const name of ['input', 'output'] as const) {
        const value: unknown = price?.[name];
        if (!(typeof value === 'number' && Number.isFinite(value) && value >= 0)) {
          throw new InvalidArgumentError(`prices.${model}.${name}`, 'a price of a million tokens', value);
        }
      }
    }
    this.#table = new Map(Object.entries(table));
  }

  /** What the tokens cost; 0 for a model without a price. */
  cost(model: string | undefined, { inputTokens, outputTokens }: Usage): number {
    const price = model === undefined || this.#table.size === 0 ? undefined : this.#priceOf(model);
    if (price === undefined) return 0;
    return (inputTokens * price.input + outputTokens * price.output) / perMillion;
  }

  #priceOf(model: string): Price | undefined {
    if (this.#found.has(model)) return this.#found.get(model);
    let best: string | undefined;
    for (const name of this.#table.keys()) {
      const isOfIt = model === name || model.startsWith(`${name}-`);
      if (isOfIt && name.length > (best?.length ?? -1)) best = name;
    }
    const price = best === undefined ? undefined : this.#table.get(best);
    if (this.#found.size >= mostRemembered) this.#found.clear();
    this.#found.set(model, price);
    return price;
  }
}
