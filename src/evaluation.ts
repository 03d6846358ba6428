// Measures the decision on labelled data, and counts a calibration from it. The public face exports it, the command line shows it.
import type { Config, ConfigInput } from './config/types.js';
import { systemClock } from './core/clock.js';
import type { Embedder } from './core/embedder.js';
import { InvalidArgumentError } from './core/errors.js';
import type { PairModel } from './core/pair-model.js';
import { type Means, policyFor } from './decide/acceptance.js';
import { type Calibration, type OperatingPoint, operatingPoint } from './decide/calibration.js';
import type { Policy } from './decide/policy.js';
import { calibrationOf } from './evaluate/calibrate.js';
import { type Evaluation, evaluationOf, type PairEvaluation, waysOf } from './evaluate/evaluation.js';
import { type JudgedPair, judgePair } from './evaluate/judge.js';
import { type PairRow, readPairRows, readStreamRows, type StreamRow } from './evaluate/rows.js';
import { Stream } from './evaluate/stream.js';
import { Texts } from './evaluate/texts.js';
import { configOf, type OpenOptions } from './open.js';
import { decisionPolicy, meansOf, pairStage } from './open-decision.js';
import { openEmbedder } from './open-embedder.js';
import { withShipped } from './open-verifier.js';

/** How far it has come. */
export interface EvaluationProgress {
  readonly step: 'pairs' | 'stream';
  /** Pairs judged, or curves of the stream drawn. */
  readonly done: number;
}

/** What is measured, and on what. */
export interface EvaluateOptions {
  /** File of `{ a, b, same, class? }`, one a line. */
  readonly pairs?: string | undefined;
  /** File of `{ query, class }` or `{ cached, asked }`, one a line. */
  readonly stream?: string | undefined;
  /**
   * What a stream of `{ query, class }` leaves behind: `misses`, as a cache does, default; `all` questions, whether they hit or not, as
   * where each has been answered before, so that every threshold chooses among the same ones.
   */
  readonly store?: 'misses' | 'all' | undefined;
  /** Default true: with and without; false leaves the rules out of everything. */
  readonly rules?: boolean | undefined;
  /** Default true: with and without, where there is one; false asks none. */
  readonly pairModel?: boolean | undefined;
  readonly onProgress?: ((progress: EvaluationProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Error rates that are held against what is served. */
export const promisedRates: readonly number[] = [0.25, 0.15, 0.1, 0.05, 0.02];
/** Texts embedded or pairs judged together: a queue of more could outlast the deadlines of the models on a busy machine. */
const batch = 32;
/** Nobody waits for an answer here, so that the pair model may have its time. */
const pairTimeoutMs = 600_000;

/**
 * How the configured decision does on labelled pairs, on a stream of questions, or both. Stores nothing. Cost: 2 ms a text, 8 ms a
 * pair in doubt on one core; memory of a few hundred bytes a pair; a stream holds all its vectors and compares every two of them.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for a line that is no row · {ConfigError} ERR_LLM_CACHE_CONFIG · {EmbedError}
 * ERR_LLM_CACHE_EMBED
 */
export async function evaluateDecision(
  what: EvaluateOptions,
  options: OpenOptions & ConfigInput = {},
): Promise<Evaluation> {
  if (what.pairs === undefined && what.stream === undefined)
    throw new InvalidArgumentError('pairs', 'a file, unless stream is', undefined);
  if (what.store !== undefined && what.store !== 'misses' && what.store !== 'all')
    throw new InvalidArgumentError('store', '"misses" or "all"', what.store);
  return withGround(what, options, async (ground) => {
    const { means, embedder } = ground;
    const ways = waysOf({
      verifier: means.verifier !== undefined,
      pairs: means.pairs !== undefined,
      rules: means.rules.length > 0,
    });
    let pairs: PairEvaluation | undefined;
    if (what.pairs !== undefined) {
      const policies = [
        ground.policy,
        ...promisedRates.map((rate) => policyFor({ maxErrorRate: rate }, means)),
      ];
      pairs = evaluationOf(await judged(what.pairs, ground, policies, what), ways, policies);
    }
    let stream: Evaluation['stream'] = null;
    if (what.stream !== undefined) {
      const asked = await streamOf(what.stream, ground, what);
      const curves = [];
      for (const way of ways) {
        curves.push(await asked.curve(way, means, what.signal));
        what.onProgress?.({ step: 'stream', done: curves.length });
      }
      stream = { questions: asked.size, curves };
    }
    const has = { hasVerifier: means.verifier !== undefined, hasPairModel: means.pairs !== undefined };
    return { embedder: embedder.name, ...has, pairsFailed: ground.lost.pairs, ...pairs, stream };
  });
}

/** A calibration with what it recommends. */
export interface Calibrated {
  readonly calibration: Calibration;
  readonly pairs: number;
  readonly same: number;
  /** For each of `promisedRates` and the rate that is configured: the point that keeps it; null where none does. */
  readonly points: readonly { readonly maxErrorRate: number; readonly point: OperatingPoint | null }[];
}

/**
 * Counts how often which score of the configured embedder is right, for `decide.calibration`.
 * @throws as `evaluateDecision`; {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT when the pairs are all of one kind
 */
export async function calibrateDecision(
  what: Pick<EvaluateOptions, 'onProgress' | 'signal'> & { readonly pairs: string },
  options: OpenOptions & ConfigInput = {},
): Promise<Calibrated> {
  return withGround({ ...what, isUncalibrated: true }, options, async (ground) => {
    const { means, config, embedder } = ground;
    const all = await judged(what.pairs, ground, [], what);
    const same = all.filter((pair) => pair.same).length;
    if (same === 0 || same === all.length)
      throw new InvalidArgumentError(what.pairs, 'pairs that ask the same and pairs that do not', all);
    const calibration = calibrationOf(all, {
      embedder: embedder.fingerprint,
      verifier: means.verifier?.fingerprint ?? null,
      pairModel: means.pairs?.model.fingerprint ?? null,
    });
    const table = calibration.tables.at(-1);
    const own = config.decide.maxErrorRate;
    const rates = own === undefined || promisedRates.includes(own) ? promisedRates : [own, ...promisedRates];
    const points = rates.map((maxErrorRate) => ({
      maxErrorRate,
      point: (table && operatingPoint(table, maxErrorRate)) ?? null,
    }));
    return { calibration, pairs: all.length, same, points };
  });
}

interface Ground {
  readonly config: Config;
  readonly embedder: Embedder;
  readonly texts: Texts;
  readonly means: Means;
  /** The configured one. */
  readonly policy: Policy;
  /** How often the pair model gave no score. */
  readonly lost: { readonly pairs: number };
}

/** Opens what decides, and closes what was opened here. */
async function withGround<T>(
  {
    rules = true,
    pairModel: isAsked = true,
    isUncalibrated = false,
  }: EvaluateOptions & { isUncalibrated?: boolean },
  options: OpenOptions & ConfigInput,
  use: (ground: Ground) => Promise<T>,
): Promise<T> {
  const clock = options.clock ?? systemClock;
  const { cache, decide, ...rest } = options;
  const given = configOf({
    ...rest,
    cache: { ...cache, ...(rules ? {} : { rules: 'none' }) },
    decide: { ...decide, ...(isAsked ? {} : { pairModel: false }) },
  });
  // What was calibrated before may be of another embedder, and takes no part when it is done anew.
  const config = isUncalibrated ? { ...given, decide: { ...given.decide, calibration: undefined } } : given;
  const embedder = options.embedder ?? (await openEmbedder(config, clock));
  let pairModel: PairModel | undefined;
  try {
    const { fingerprint } = embedder;
    const hooks = withShipped(config, fingerprint, options, clock);
    if (isAsked && hooks.pairModel !== undefined) pairModel = remembering(hooks.pairModel);
    const lost = { pairs: 0 };
    const onAsked = (error: unknown) => {
      if (error !== undefined) lost.pairs++;
    };
    const stage = pairStage(config, { ...hooks, pairModel }, clock, onAsked);
    const pairs = stage && { ...stage, timeoutMs: pairTimeoutMs };
    const means = meansOf(config, fingerprint, hooks, { pairs });
    const { policy } = decisionPolicy(config, fingerprint, hooks, { pairs });
    const texts = new Texts(embedder, Math.min(batch, config.embedding.maxQueue));
    return await use({ config, embedder, texts, means, policy, lost });
  } finally {
    if (options.pairModel === undefined) await pairModel?.close();
    if (options.embedder === undefined) await embedder.close();
  }
}

/** The model, asked once about two texts however often they are decided on. */
function remembering(model: PairModel): PairModel {
  const known = new Map<string, Promise<number>>();
  return {
    name: model.name,
    fingerprint: model.fingerprint,
    score(a, b) {
      const key = JSON.stringify([a, b]);
      let score = known.get(key);
      if (score === undefined) {
        score = model.score(a, b);
        known.set(key, score);
        // What failed once may succeed when it is asked again.
        score.catch(() => known.delete(key));
      }
      return score;
    },
    close: () => model.close(),
  };
}

async function judged(
  path: string,
  { texts, means }: Ground,
  policies: readonly Policy[],
  { onProgress, signal }: Pick<EvaluateOptions, 'onProgress' | 'signal'>,
): Promise<JudgedPair[]> {
  const all: JudgedPair[] = [];
  let some: PairRow[] = [];
  const flush = async () => {
    signal?.throwIfAborted();
    await texts.embed(
      some.flatMap(({ a, b }) => [a, b]),
      signal,
    );
    all.push(...(await Promise.all(some.map((row) => judgePair(row, texts, means, policies)))));
    some = [];
    onProgress?.({ step: 'pairs', done: all.length });
  };
  for await (const row of readPairRows(path)) {
    some.push(row);
    if (some.length >= batch) await flush();
  }
  if (some.length > 0) await flush();
  if (all.length === 0) throw new InvalidArgumentError(path, 'a file with rows', 'none');
  return all;
}

async function streamOf(
  path: string,
  { texts, config }: Ground,
  { store, signal }: EvaluateOptions,
): Promise<Stream> {
  const rows: StreamRow[] = [];
  for await (const row of readStreamRows(path)) rows.push(row);
  if (!rows.some(({ isStored }) => !isStored))
    throw new InvalidArgumentError(path, 'a file with questions', 'none');
  await texts.embed(
    rows.map(({ query }) => query),
    signal,
  );
  return new Stream(rows, texts, config.cache.candidates, store === 'all');
}
