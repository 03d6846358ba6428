// Decisions without a cache: on two questions, and on recorded lookups. The public face exports it, the command line shows it.
import type { Config, ConfigInput } from './config/types.js';
import { systemClock } from './core/clock.js';
import { type Decision, decide, exactDecision } from './decide/decide.js';
import { type Policy, policy } from './decide/policy.js';
import { type ReplayReport, replay } from './learning/replay.js';
import { configOf, type OpenOptions } from './open.js';
import { decisionPolicy } from './open-decision.js';
import { openEmbedder } from './open-embedder.js';
import { withShipped } from './open-verifier.js';

/**
 * The whole decision on `question` if `stored` were the only stored question. Embeds both; reads no cache.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG · {EmbedError} ERR_LLM_CACHE_EMBED
 */
export async function explainPair(
  question: string,
  stored: string,
  options: OpenOptions & ConfigInput = {},
): Promise<Decision> {
  const config = configOf(options);
  const embedder = options.embedder ?? (await openEmbedder(config, options.clock ?? systemClock));
  try {
    const { fingerprint } = embedder;
    const hooks = withShipped(config, fingerprint, options, options.clock ?? systemClock);
    const { policies } = decisionPolicy(config, fingerprint, hooks);
    const [asked, held] = await Promise.all([embedder.embed(question), embedder.embed(stored)]);
    const { policy: chosen } = policies.for(question, {});
    const similarity = asked.vector.reduce((sum, value, i) => sum + value * (held.vector[i] as number), 0);
    const entry = { ...blank, question: stored, vector: held.vector };
    // Whatever the cosine, so that the rules and P(same) are told.
    const looked: Policy = { ...chosen, minSimilarity: -1 };
    const verdict = decide({ text: question, vector: asked.vector }, [{ entry, similarity }], {
      ...looked,
      pairs: undefined,
    });
    const told = verdict.decision.candidate ?? { question: stored, key: '' };
    const { decision } = verdict;
    const accepted = decision.accepted && similarity >= chosen.minSimilarity;
    return { ...decision, accepted, candidate: told, similarity, policy: policyView(chosen) };
  } finally {
    if (options.embedder === undefined) await embedder.close();
  }
}

const policyView = (policy: Policy) => exactDecision(policy).policy;

const blank = {
  key: '',
  scope: '',
  embedder: '',
  value: undefined,
  createdAtMs: 0,
  expiresAtMs: 0,
  epoch: 0,
};

/** What a recorded day is replayed with; the rest is the configuration's. */
export interface ReplayOptions {
  /** Least cosine, in [-1, 1]; by itself it decides. */
  readonly minSimilarity?: number | undefined;
  /** Least recorded P(same), in [0, 1]. */
  readonly minProbability?: number | undefined;
  /** What one answer of the origin costs, in any money. Default 0. */
  readonly costPerAnswer?: number | undefined;
}

/** Decides the lines of a record anew, under the configuration's rules. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function replayRecord(
  lines: Iterable<string>,
  config: Config,
  { minSimilarity, minProbability, costPerAnswer }: ReplayOptions = {},
): ReplayReport {
  const { minSimilarity: configured, rules } = config.cache;
  const own = policy({ minSimilarity: configured, rules: rules as Policy['rules'] | 'all' | 'none' });
  const least = minProbability === undefined ? undefined : { alone: minProbability, paired: minProbability };
  const floor = minSimilarity ?? (least === undefined ? own.minSimilarity : -1);
  return replay(lines, { minSimilarity: floor, rules: own.rules, minProbability: least }, costPerAnswer);
}
