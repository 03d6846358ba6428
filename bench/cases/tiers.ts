// Cases of the whole cache, a tier at a time; imported by cases/all.ts.
import type { CaseName, Job } from '../types.js';
import type { CaseDefinition } from './all.js';

const dimension = 384;
/** Entries of the cache in these cases; Redis holds few, because each must be written to it first. */
export const entries = 10_000;
export const fewEntries = 2_000;

const others: Readonly<Partial<Record<CaseName, readonly [contender: string, subject: string][]>>> = {
  'tier-a-exact': [
    ['bentocache', 'cache-bentocache'],
    ['cacheable', 'cache-cacheable'],
    ['llm-semantic-cache', 'cache-llm-semantic-cache'],
  ],
  'tier-a-semantic': [['llm-semantic-cache', 'cache-llm-semantic-cache']],
  'tier-b-redis': [['ioredis', 'redis-ioredis']],
  miss: [['llm-semantic-cache', 'cache-llm-semantic-cache']],
};

/** Hits of each tier and the full miss, with and without the embedding. */
export const tiers: CaseDefinition = {
  cases: ['tier-a-exact', 'tier-a-semantic', 'tier-b-disk', 'tier-b-redis', 'tier-c', 'miss'],
  groups(defaults) {
    return this.cases.map((name) => {
      // Filling takes longer than asking: a quick run fills only the case that has a target.
      const few = name === 'tier-b-redis' || (defaults.quick && name !== 'tier-a-semantic');
      const base = {
        ...defaults,
        case: name,
        n: few ? fewEntries : entries,
        d: dimension,
      };
      // A miss of theirs costs what a hit does; a quick run has no time for it.
      const rivals = (defaults.quick && name === 'miss' ? [] : (others[name] ?? [])).map(
        ([contender, subject]): Job => ({ ...base, contender, subject }),
      );
      return [{ ...base, contender: 'ours', subject: 'cache-ours' }, ...rivals];
    });
  },
};
