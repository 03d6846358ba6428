// From configuration to what hits are reckoned to save. For open.ts alone.
import type { Query } from './cascade.js';
import type { Config } from './config/types.js';
import type { Usage } from './core/entry.js';
import type { Scope } from './core/scope.js';
import { type LimitedCount, tokenCounter } from './memory/tokens.js';
import type { PriceTable } from './savings/prices.js';
import type { SavingsOptions } from './savings/savings.js';

/** What a cache is given of it. */
export interface SavingsParts {
  readonly savings: SavingsOptions;
  readonly countUsage: ((query: Query, value: unknown) => Usage | undefined) | undefined;
}

/** What `savings.*` says. */
export async function savingsParts({ savings }: Config): Promise<SavingsParts> {
  const { prices, currency, countTokens } = savings;
  return {
    savings: { prices: prices && priceTable(prices), currency },
    countUsage: countTokens ? usageCounter(await tokenCounter('')) : undefined,
  };
}

function priceTable(prices: readonly string[]): PriceTable {
  return Object.fromEntries(
    prices.map((price) => {
      const [model = '', costs = ''] = price.split('=');
      const [input, output] = costs.split('/').map(Number);
      return [model, { input: input as number, output: output as number }];
    }),
  );
}

// What is longer is reckoned from its beginning: counting must not hold up the event loop.
const mostCounted = 100_000;

/** Counts by one encoding, whatever the model: models of other makers differ by some tenths at most. */
function usageCounter(count: LimitedCount): NonNullable<SavingsParts['countUsage']> {
  const ofSystem = new WeakMap<Scope, number>();
  const tokens = (text: string) => {
    const read = count(text.slice(0, mostCounted), Number.POSITIVE_INFINITY);
    return text.length <= mostCounted ? read : Math.round((read * text.length) / mostCounted);
  };
  return ({ text, scope }, value) => {
    if (typeof value !== 'string') return undefined;
    const { system = '' } = scope.fields;
    const ofRest = ofSystem.get(scope) ?? tokens(system);
    ofSystem.set(scope, ofRest);
    return { inputTokens: ofRest + tokens(text), outputTokens: tokens(value) };
  };
}
