// Questions asked in order of a cache that begins empty: how often it hits, and how often that is right. Only evaluate/ and the root import it.
import { doubtBand, lookFrom, type Means } from '../decide/acceptance.js';
import { type ScoreKind, sigmoid } from '../decide/calibration.js';
import { decide } from '../decide/decide.js';
import { precisions } from '../decide/metrics.js';
import type { Policy } from '../decide/policy.js';
import type { Way } from './judge.js';
import type { StreamRow } from './rows.js';
import { cosine, type Texts } from './texts.js';

/** What one threshold made of the whole stream. */
export interface StreamPoint {
  /** A cosine or a probability, as the way decides. */
  readonly threshold: number;
  readonly hits: number;
  /** Hits whose class is that of the question. */
  readonly right: number;
  /** Share of the questions that hit, in [0, 1]. */
  readonly hitRatio: number;
  /** Share of the hits that are right, in [0, 1]; 1 without any. */
  readonly precision: number;
}

/** A way's curve of precision against hit ratio (P-CHR). */
export interface StreamCurve extends Way {
  /** The strictest threshold first. */
  readonly points: readonly StreamPoint[];
  /** Greatest hit ratio at which the precision that names it is kept; 0 when it never is. */
  readonly hitRatioAtPrecision: Readonly<Record<string, number>>;
}

/** Nearest earlier questions kept of each; further ones take no part even where nearer ones were not stored. */
const mostNear = 200;
const thresholds = 24;
/** Where a precision is lost between two thresholds, the place is halved so often. */
const halvings = 4;

interface Item extends StreamRow {
  readonly vector: Float32Array;
  readonly isMatchable: boolean;
}

interface Near {
  readonly at: number;
  readonly similarity: number;
}

/** A stream that can be asked again under another policy. Cost to make: every pair of questions is compared once. */
export class Stream {
  readonly #items: readonly Item[];
  readonly #near: readonly (readonly Near[])[];
  readonly #learns: boolean;
  readonly #candidates: number;
  readonly #storesHits: boolean;
  /** Questions asked. */
  readonly size: number;

  /** The texts must be embedded. `candidates`: most that a lookup decides on. `storesHits`: what hit is stored too. */
  constructor(rows: readonly StreamRow[], texts: Texts, candidates: number, storesHits: boolean) {
    // What is stored beforehand comes first, whatever the order of the rows.
    const ordered = [...rows.filter((row) => row.isStored), ...rows.filter((row) => !row.isStored)];
    this.#items = ordered.map((row) => {
      const { vector, matchable } = texts.get(row.query);
      return { ...row, vector, isMatchable: matchable };
    });
    this.size = ordered.filter((row) => !row.isStored).length;
    // With a corpus given beforehand the question is what is found in it; nothing is added.
    this.#learns = this.size === ordered.length;
    this.#candidates = candidates;
    this.#storesHits = storesHits;
    this.#near = this.#items.map((item, at) => (item.isStored ? [] : this.#before(item, at)));
  }

  #before(asked: Item, end: number): Near[] {
    const near: Near[] = [];
    for (let at = 0; at < end; at++) {
      const other = this.#items[at] as Item;
      if (!this.#learns && !other.isStored) break;
      const similarity = cosine(asked.vector, other.vector);
      const isText = other.query === asked.query;
      if (similarity >= lookFrom && (isText || (asked.isMatchable && other.isMatchable)))
        near.push({ at, similarity });
    }
    return near.sort((a, b) => b.similarity - a.similarity).slice(0, mostNear);
  }

  /** Asks every question in turn; what no stored one answers is stored, with `storesHits` every question. */
  async ask(
    policy: Policy,
    signal?: AbortSignal,
  ): Promise<{ readonly hits: number; readonly right: number }> {
    const stored = this.#items.map((item) => item.isStored);
    let [hits, right] = [0, 0];
    for (const [at, item] of this.#items.entries()) {
      if (item.isStored) continue;
      signal?.throwIfAborted();
      const near = (this.#near[at] as Near[]).filter((one) => stored[one.at]).slice(0, this.#candidates);
      const candidates = near.map(({ at: other, similarity }) => {
        const { query: question, vector, class: value } = this.#items[other] as Item;
        return { entry: { ...blank, question, vector, value }, similarity };
      });
      const query = { text: item.query, vector: item.vector, logits: new Map<string, number | undefined>() };
      const { accepted } = await decide(query, candidates, policy);
      if (accepted !== undefined) {
        hits++;
        if (accepted.entry.value === item.class) right++;
      }
      if (this.#learns && (accepted === undefined || this.#storesHits)) stored[at] = true;
    }
    return { hits, right };
  }

  /** The curve of a way: the whole stream is asked anew at each threshold. */
  async curve({ by, rules }: Way, means: Means, signal?: AbortSignal): Promise<StreamCurve> {
    const of = { ...means, rules: rules ? means.rules : [] };
    const pointAt = async (threshold: number): Promise<StreamPoint> => {
      const { hits, right } = await this.ask(policyAt(by, threshold, of), signal);
      return { threshold, hits, right, hitRatio: hits / this.size, precision: hits === 0 ? 1 : right / hits };
    };
    const points: StreamPoint[] = [];
    for (let step = thresholds - 1; step >= 0; step--)
      points.push(await pointAt(thresholdAt(by, step / (thresholds - 1))));
    for (const name of precisions)
      for (let halving = 0; halving < halvings; halving++) {
        const last = points.findLastIndex(({ precision }) => precision >= Number(name));
        const [strict, loose] = [points[last], points[last + 1]];
        if (strict === undefined || loose === undefined) break;
        points.splice(last + 1, 0, await pointAt((strict.threshold + loose.threshold) / 2));
      }
    return {
      by,
      rules,
      points,
      hitRatioAtPrecision: Object.fromEntries(precisions.map((name) => [name, most(points, Number(name))])),
    };
  }
}

const blank = {
  key: '', scope: '', embedder: '', createdAtMs: 0, expiresAtMs: 0, epoch: 0,
}; // biome-ignore format: a blank entry

const most = (points: readonly StreamPoint[], precision: number): number =>
  points.reduce((best, point) => (point.precision >= precision ? Math.max(best, point.hitRatio) : best), 0);

/** From the least worth looking at to where hardly anything is left: cosines evenly, probabilities evenly in their logits. */
const thresholdAt = (by: ScoreKind, share: number): number =>
  by === 'cosine' ? lookFrom + share * (0.995 - lookFrom) : sigmoid(-2 + 7 * share);

function policyAt(by: ScoreKind, threshold: number, { rules, verifier, pairs }: Means): Policy {
  if (by === 'cosine') return { rules, minSimilarity: threshold };
  const minProbability = { alone: threshold, paired: threshold };
  return {
    rules,
    verifier,
    minSimilarity: lookFrom,
    minProbability,
    rulesYield: true,
    pairs: by === 'pair model' && pairs ? { ...pairs, band: doubtBand(threshold) } : undefined,
  };
}
