// Tells people and listeners of tiers, the corpus and the ledger that are lost or back. open.ts imports it.
import type { SemanticCache } from './cache.js';
import type { LedgerHealth } from './core/ledger.js';
import type { TierHealth } from './tiers/guard.js';

/** What is told to people rather than to programs. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
}

/** One line and one event a change, not one a request. */
export function announceLedger(logger: Logger | undefined, health: LedgerHealth, cache: SemanticCache): void {
  const { state, staleMs } = health;
  if (state === 'lost') {
    const since = `others' removals are unknown for ${staleMs.toFixed(0)} ms`;
    logger?.warn(`llm-cache: ${since}; only the shared tier answers`);
  } else logger?.info("llm-cache: others' removals are known again");
  cache.emit('ledger', health);
}

/** One line and one event a change, not one a request. */
export function announce(
  logger: Logger | undefined,
  health: TierHealth,
  listened: { emit(event: 'tier', health: TierHealth): boolean },
): void {
  const { tier, state, lastError } = health;
  const [name, meanwhile] =
    tier === 'corpus'
      ? ['the corpus', 'only what is cached is answered']
      : [`tier ${tier}`, 'its answers are misses'];
  if (state === 'lost') logger?.warn(`llm-cache: ${name} is lost, ${meanwhile}: ${lastError}`);
  else logger?.info(`llm-cache: ${name} is back`);
  listened.emit('tier', health);
}
