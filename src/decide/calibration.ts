// How often a score was right on labelled pairs, and the score from which a promised error rate is kept. decide/, the root and the CLI import it.
import { InvalidArgumentError } from '../core/errors.js';
import { clopperPearson, staysUnder } from './interval.js';

/**
 * What a pair was scored by: `cosine` of the embeddings; P(same) of the `verifier` alone; P(same) with the word of the `pair model`,
 * as far as that reaches (`stacked` of acceptance.ts).
 */
export type ScoreKind = 'cosine' | 'verifier' | 'pair model';

/** Labelled pairs counted by their score. */
export interface ScoreTable {
  readonly by: ScoreKind;
  /** Pairs that ask the same, by bin of the score (`binOf`); `bins` numbers. */
  readonly same: readonly number[];
  /** Pairs that do not. */
  readonly different: readonly number[];
  /**
   * Least rate of wrong that these labels can tell, in [0, 1), default 0: where one label in ten is mistaken, no threshold is seen to
   * keep less. A lower promise needs what this rate needs here, and what it needs itself in the other tables.
   */
  readonly least?: number | undefined;
}

/** What a calibration file holds. */
export interface Calibration {
  /** Fingerprint of the embedder: 64 hexadecimal digits. */
  readonly embedder: string;
  /** Fingerprint of the verifier's weights; null where there are none. */
  readonly verifier: string | null;
  /** Fingerprint of the pair model; null where none was asked. */
  readonly pairModel: string | null;
  readonly tables: readonly ScoreTable[];
}

/** A threshold with what was seen above it. */
export interface OperatingPoint {
  /** Least score accepted, inclusive: a cosine, or a probability. */
  readonly score: number;
  /** Pairs at or above it. */
  readonly served: number;
  /** Of them those that do not ask the same. */
  readonly wrong: number;
  /** Upper end of the Clopper–Pearson 95 % interval of the share of wrong. */
  readonly upper: number;
  /** Share of the pairs that ask the same which are served, in [0, 1]. */
  readonly recall: number;
}

/** Bins of a table. */
export const bins = 400;
const format = 'llm-cache calibration/1';
// Logits beyond are as sure as anybody can count; 0.04 of a logit is under one point of probability.
const greatestLogit = 8;

/** ln(p / (1 - p)); within ±40 for any probability. */
export function logit(probability: number): number {
  const p = Math.min(1 - 1e-16, Math.max(1e-17, probability));
  return Math.log(p) - Math.log1p(-p);
}

/** The probability of a logit. */
export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

/** The bin of a score: 0 to `bins` - 1. */
export function binOf(by: ScoreKind, score: number): number {
  const part = by === 'cosine' ? score : (logit(score) + greatestLogit) / (2 * greatestLogit);
  // Divisions such as 0.07 / 0.0025 end below the whole number they stand for.
  return Math.max(0, Math.min(bins - 1, Math.floor(part * bins + 1e-9)));
}

/** The least score of a bin; everything lies in or above the first. */
export function edgeOf(by: ScoreKind, bin: number): number {
  if (by === 'cosine') return bin === 0 ? -1 : bin / bins;
  return bin === 0 ? 0 : sigmoid((bin / bins) * 2 * greatestLogit - greatestLogit);
}

/** Counts labelled pairs. Scores that are no numbers are left out. */
export function tableOf(
  by: ScoreKind,
  pairs: Iterable<{ readonly score: number; readonly same: boolean }>,
): ScoreTable {
  const same = new Array<number>(bins).fill(0);
  const different = new Array<number>(bins).fill(0);
  for (const pair of pairs) {
    if (Number.isNaN(pair.score)) continue;
    const counted = pair.same ? same : different;
    counted[binOf(by, pair.score)] = (counted[binOf(by, pair.score)] ?? 0) + 1;
  }
  return { by, same, different };
}

/**
 * The lowest threshold at which the upper Clopper–Pearson bound (95 %) of the share of wrong among the served is at most
 * `maxErrorRate`; undefined when there is none, because the pairs are too few or too often wrong. Cost: O(bins × wrong).
 * Source: Clopper & Pearson, Biometrika 26 (1934), 404–413.
 */
export function operatingPoint(table: ScoreTable, maxErrorRate: number): OperatingPoint | undefined {
  const points = curve(table);
  // From the lowest threshold upwards, so that the first to hold is the one with the most hits.
  const found = points.findLast(({ served, wrong }) => staysUnder(wrong, served, maxErrorRate));
  return found && { ...found, upper: clopperPearson(found.wrong, found.served)[1] };
}

/** Every threshold with what lies above it, the strictest first; without intervals. */
export function curve({ by, same, different }: ScoreTable): Omit<OperatingPoint, 'upper'>[] {
  const total = same.reduce((sum, count) => sum + count, 0);
  const points: Omit<OperatingPoint, 'upper'>[] = [];
  let right = 0;
  let wrong = 0;
  for (let bin = bins - 1; bin >= 0; bin--) {
    const added = (same[bin] ?? 0) + (different[bin] ?? 0);
    if (added === 0) continue;
    right += same[bin] ?? 0;
    wrong += different[bin] ?? 0;
    const recall = total === 0 ? 0 : right / total;
    points.push({ score: edgeOf(by, bin), served: right + wrong, wrong, recall });
  }
  return points;
}

/** The text of a calibration file. */
export function writeCalibration(calibration: Calibration): string {
  return `${JSON.stringify({ format, ...calibration })}\n`;
}

/** Reads the text of a calibration file. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for anything else */
export function readCalibration(text: string): Calibration {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError('calibration', 'JSON', 'other text', { cause: error });
  }
  const {
    format: named,
    embedder,
    verifier,
    pairModel,
    tables,
  } = (value ?? {}) as Partial<Calibration & { format: string }>;
  if (named !== format) throw new InvalidArgumentError('calibration.format', JSON.stringify(format), named);
  if (!isDigest(embedder)) throw new InvalidArgumentError('calibration.embedder', digest, embedder);
  for (const [name, given] of Object.entries({ verifier, pairModel })) {
    if (given !== null && !isDigest(given))
      throw new InvalidArgumentError(`calibration.${name}`, `${digest}, or null`, given);
  }
  if (!Array.isArray(tables)) throw new InvalidArgumentError('calibration.tables', 'a list', tables);
  for (const table of tables) checkTable(table);
  return { embedder, verifier: verifier ?? null, pairModel: pairModel ?? null, tables };
}

const digest = '64 hexadecimal digits';
const isDigest = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const kinds: readonly unknown[] = ['cosine', 'verifier', 'pair model'] satisfies ScoreKind[];

function checkTable(table: Partial<ScoreTable> | null): void {
  if (!kinds.includes(table?.by))
    throw new InvalidArgumentError('calibration.tables.by', `one of ${kinds.join(', ')}`, table?.by);
  const { least = 0 } = table as Partial<ScoreTable>;
  if (typeof least !== 'number' || !(least >= 0 && least < 1))
    throw new InvalidArgumentError('calibration.tables.least', 'a number in [0, 1)', least);
  for (const name of ['same', 'different'] as const) {
    const counts: unknown = table?.[name];
    const fits =
      Array.isArray(counts) && counts.length === bins && counts.every((n) => Number.isInteger(n) && n >= 0);
    if (!fits) throw new InvalidArgumentError(`calibration.tables.${name}`, `${bins} counts from 0`, counts);
  }
}
