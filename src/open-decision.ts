// Configuration → what decides, and what learns from it. Belongs to open.ts, which imports it.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CacheParts } from './cache-parts.js';
import type { Config } from './config/types.js';
import type { Clock } from './core/clock.js';
import type { Embedder } from './core/embedder.js';
import { ConfigError, InvalidArgumentError } from './core/errors.js';
import type { PairModel } from './core/pair-model.js';
import { lookFrom, type Means, policyFor, tightened } from './decide/acceptance.js';
import { type Calibration, readCalibration } from './decide/calibration.js';
import { type Category, Policies, type ScopePolicy } from './decide/policies.js';
import { defaultMinSimilarity, type Policy, policy } from './decide/policy.js';
import type { Verifier } from './decide/verifier.js';
import type { Environment } from './disk/environment.js';
import { Learner } from './learning/learner.js';
import { LookupRecord } from './learning/record.js';
import { learningStore } from './learning/store.js';
import { type AnswerJudge, Verification } from './learning/verification.js';

/** What only code can give to the decision. */
export interface DecisionHooks {
  /** Works P(same) out. It must be of the embedder's fingerprint, or it is not asked. */
  readonly verifier?: Verifier | undefined;
  /** Reads two questions side by side where the verifier is in doubt; a judge of your own will do. `close` closes it. */
  readonly pairModel?: PairModel | undefined;
  /** Of the verifier. Default: that of `decide.calibration`. */
  readonly calibration?: Calibration | undefined;
  /** Policies by category and scope, in addition to those of the file `decide.policies`. */
  readonly policies?: PolicyTable | undefined;
  /** Says whether a cached answer is as good as a fresh one; needed for `decide.verifyShare` and to compare in shadow mode. */
  readonly answerJudge?: AnswerJudge | undefined;
}

/** Who and what is treated in a way of its own. */
export interface PolicyTable {
  /** The first whose pattern matches the question holds. */
  readonly categories?: readonly Category[] | undefined;
  /** The first whose fields a scope has holds. */
  readonly scopes?: readonly ScopePolicy[] | undefined;
}

const mostAsked = 2;

/** The parts of a cache that decide and learn. */
export interface DecisionParts extends Pick<CacheParts, 'policy' | 'policies' | 'shadow' | 'learning'> {
  /** Releases what was given or opened for the decision; what the cache has closed stays so. */
  close(): Promise<void>;
}

/** What decides here, without what learns: for tools that ask no cache. @throws {ConfigError} ERR_LLM_CACHE_CONFIG */
export function decisionPolicy(
  config: Config,
  fingerprint: string,
  hooks: DecisionHooks,
  more: Pick<Means, 'pairs' | 'experience'> = {},
): { readonly policy: Policy; readonly policies: Policies } {
  try {
    const means = meansOf(config, fingerprint, hooks, more);
    const base = basePolicy(config, means);
    const file = policyFile(config.decide.policies);
    const categories = [...(hooks.policies?.categories ?? []), ...(file.categories ?? [])];
    const scopes = [...(hooks.policies?.scopes ?? []), ...(file.scopes ?? [])];
    return { policy: base, policies: new Policies({ base, means, categories, scopes }) };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new ConfigError(`cache.rules, cache.min_similarity or decide: ${error.message}`, { cause: error });
  }
}

/** What decisions have in common here. @throws {ConfigError} ERR_LLM_CACHE_CONFIG · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function meansOf(
  config: Config,
  fingerprint: string,
  hooks: DecisionHooks,
  more: Pick<Means, 'pairs' | 'experience'> = {},
): Means {
  return { ...more, ...knowledge(config, fingerprint, hooks), rules: rulesOf(config) };
}

/** What decides and learns. @throws {ConfigError} ERR_LLM_CACHE_CONFIG */
export function decisionParts(
  config: Config,
  embedder: Pick<Embedder, 'fingerprint'>,
  hooks: DecisionHooks,
  environment: Environment,
  clock: Clock,
): DecisionParts {
  const { decide } = config;
  const pairs = { asked: 0, failed: 0 };
  const onAsked = (error: unknown) => {
    pairs.asked++;
    if (error !== undefined) pairs.failed++;
  };
  const learner = decide.learn
    ? new Learner({ maxErrorRate: decide.maxErrorRate, clock, store: learningStore(environment, clock) })
    : undefined;
  const decided = decisionPolicy(config, embedder.fingerprint, hooks, {
    pairs: pairStage(config, hooks, clock, onAsked),
    experience: learner,
  });
  const { answerJudge: judge } = hooks;
  if (decide.verifyShare > 0 && judge === undefined)
    throw new ConfigError('decide.verify_share needs an answerJudge, which only code can give');
  const record =
    learner === undefined || decide.record === undefined
      ? undefined
      : new LookupRecord(resolve(decide.record), decide.recordMaxBytes);
  return {
    ...decided,
    shadow: decide.shadow,
    learning: learner && {
      learner,
      record,
      verification:
        judge &&
        new Verification({ judge, share: decide.verifyShare, timeoutMs: decide.verifyTimeoutMs, clock }),
      pairs,
      clock,
    },
    async close() {
      await record?.close();
      await hooks.pairModel?.close();
    },
  };
}

/** How the pair model takes part; undefined without one. `onAsked` is told once a candidate. */
export function pairStage(
  { decide }: Config,
  { pairModel: model }: DecisionHooks,
  clock: Clock,
  onAsked?: (error: unknown) => void,
): Means['pairs'] {
  if (model === undefined) return undefined;
  const { pairTimeoutMs: timeoutMs } = decide;
  return { model, timeoutMs, minSimilarity: lookFrom, most: mostAsked, clock, onAsked };
}

/** The verifier and the calibration, as far as they are about this embedder. */
function knowledge(
  { decide }: Config,
  fingerprint: string,
  { verifier: given, calibration: shipped }: DecisionHooks,
): Pick<Means, 'verifier' | 'calibration'> {
  const verifier = given?.embedder === fingerprint ? given : undefined;
  if (decide.calibration === undefined)
    return { verifier, calibration: shipped?.embedder === fingerprint ? shipped : undefined };
  const calibration = readCalibration(textOf('decide.calibration', decide.calibration));
  if (calibration.embedder !== fingerprint)
    throw new ConfigError(`decide.calibration: ${decide.calibration} was made for another embedder`);
  if (calibration.verifier !== (verifier?.fingerprint ?? null))
    throw new ConfigError(`decide.calibration: ${decide.calibration} was made with another verifier`);
  return { verifier, calibration };
}

function basePolicy(config: Config, means: Means): Policy {
  const { minSimilarity } = config.cache;
  const { maxErrorRate } = config.decide;
  if (maxErrorRate === undefined)
    return policyFor({ minSimilarity: minSimilarity ?? defaultMinSimilarity }, means);
  const promised = policyFor({ maxErrorRate }, means);
  return minSimilarity === undefined ? promised : tightened(promised, { minSimilarity }, means);
}

function rulesOf({ cache }: Config): Policy['rules'] {
  return policy({ rules: cache.rules as Policy['rules'] | 'all' | 'none' }).rules;
}

function policyFile(path: string | undefined): PolicyTable {
  if (path === undefined) return {};
  let table: unknown;
  try {
    table = JSON.parse(textOf('decide.policies', path));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`decide.policies: ${path} is no JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof table !== 'object' || table === null)
    throw new ConfigError(`decide.policies: ${path} holds no object`);
  for (const [name, value] of Object.entries(table)) {
    if ((name !== 'categories' && name !== 'scopes') || !Array.isArray(value))
      throw new ConfigError(
        `decide.policies: ${path} may hold the lists categories and scopes, and has ${name}`,
      );
  }
  return table as PolicyTable;
}

function textOf(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`${key}: ${(error as Error).message}`, { cause: error });
  }
}
