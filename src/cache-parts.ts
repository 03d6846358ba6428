// What SemanticCache is made of; types only. open.ts and the files that make its parts import it.
import type { CacheStats } from './cache-types.js';
import type { CascadeParts } from './cascade.js';
import type { CascadeListener } from './cascade-listener.js';
import type { FreshnessOptions } from './freshness.js';
import type { LessonParts } from './lessons.js';
import type { OriginParts } from './origin.js';
import type { ResolverParts } from './resolve.js';
import type { SavingsOptions } from './savings/savings.js';
import type { Hub } from './telemetry/hub.js';
import type { GuardedTier } from './tiers/guard.js';
import type { WarmingParts } from './warming.js';

/** What a cache is made of; `open` puts it together from configuration. */
export interface CacheParts extends OriginParts, ResolverParts, Omit<CascadeParts, keyof CascadeListener> {
  readonly tiers: readonly GuardedTier[];
  /** Names the partition of calls without a tenant (`Scope`). Default: they share one with whoever uses the same stores. */
  readonly home?: string | undefined;
  /** Default: all off. */
  readonly freshness?: FreshnessOptions | undefined;
  /** Default: events reach listeners and channels, without texts. */
  readonly hub?: Hub | undefined;
  /** Default: no prices. */
  readonly savings?: SavingsOptions | undefined;
  /** Default: nothing is learnt from hits. */
  readonly learning?: LessonParts | undefined;
  /** Default: questions are not counted, and nothing is kept warm. */
  readonly warming?: WarmingParts | undefined;
  /** Releases what the cache was built on, after its tiers and the embedder; the tiers' sizes in `stats` are left out, as 0. */
  readonly release: (stats: CacheStats) => Promise<void>;
}
