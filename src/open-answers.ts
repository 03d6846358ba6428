// From configuration to how old answers may be and which are kept. For open.ts alone.
import type { Config } from './config/types.js';
import { ConfigError } from './core/errors.js';
import type { FreshnessOptions } from './freshness.js';
import { type StoreHook, type StorePolicy, storePolicy } from './store-policy/policy.js';

/** What `freshness.*` says. */
export function freshness({
  freshness: { softTimeoutMs, hardTimeoutMs, ...given },
}: Config): FreshnessOptions {
  return {
    softTimeoutMs,
    hardTimeoutMs,
    earlyRefresh: given.earlyRefresh,
    completeInBackground: given.completeInBackground,
    staleWhileRevalidateMs: given.staleWhileRevalidateSeconds * 1000,
    graceMs: given.graceSeconds * 1000,
    negativeTtlMs: given.negativeTtlSeconds * 1000,
  };
}

/** What `storing.*` says. @throws {ConfigError} ERR_LLM_CACHE_CONFIG */
export function answersPolicy({ storing }: Config, hook: StoreHook | undefined): StorePolicy {
  const { timeRules, temperatureLimit, temperatureNever } = storing;
  if (temperatureNever < temperatureLimit) {
    throw new ConfigError('storing.temperature_never must be at least storing.temperature_limit');
  }
  const ttlMs = {
    moment: storing.momentTtlSeconds * 1000,
    day: storing.dayTtlSeconds * 1000,
    personal: storing.personalTtlSeconds * 1000,
  };
  return storePolicy({ timeRules, ttlMs, temperatureLimit, temperatureNever, hook });
}
