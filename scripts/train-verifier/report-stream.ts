// Asks a stream in order of an empty cache and prints hit rate against precision. The trainer imports it.
import { doubtBand, lookFrom, stacked } from '#dist/decide/acceptance.js';
import { featuresOf } from '#dist/decide/features.js';
import { pairFeatures } from '#dist/decide/pair-features.js';
import { ruleNames } from '#dist/decide/policy.js';
import { vetoOf } from '#dist/decide/refusal.js';
import type { Verifier } from '#dist/decide/verifier.js';
import type { StreamRow } from './data.ts';
import type { Signals } from './signals.ts';

/** Candidates a lookup sees, as by default. */
const seen = 5;
/** Earlier queries a query can meet; what a hit kept out of the cache makes room for others. */
const kept = 12;

interface Near {
  readonly at: number;
  readonly cosine: number;
  readonly alone: number;
  readonly paired: number;
}

export async function reportStream(
  rows: readonly StreamRow[],
  signals: Signals,
  verifier: Verifier,
): Promise<void> {
  const near = await neighbours(rows, signals, verifier);
  const ways: Record<string, { score: (one: Near) => number; steps: number[] }> = {
    'cosine, no rules': { score: ({ cosine }) => cosine, steps: steps(0.7, 0.98, 57) },
    verifier: { score: ({ alone }) => alone, steps: steps(0.3, 0.99, 70) },
    'pair model': { score: ({ alone, paired }) => stacked(alone, paired), steps: steps(0.3, 0.99, 70) },
  };
  for (const [name, { score, steps }] of Object.entries(ways)) {
    for (const isKept of [true, false]) {
      const points = steps.map((least) => ask(rows, near, score, least, isKept));
      const best = [0.8, 0.85, 0.9, 0.95].map((precision) => {
        const reached = points.filter((point) => point.right >= precision * point.hits);
        const top = reached.sort((a, b) => b.hits - a.hits)[0];
        if (top === undefined) return '-';
        const asked = name === 'pair model' ? ` asked ${(top.asked / rows.length).toFixed(3)}` : '';
        return `${(top.hits / rows.length).toFixed(3)}${asked}`;
      });
      const how = isKept ? 'every query stored' : 'misses stored';
      console.log(
        `stream of ${rows.length}, ${how}, ${name}: hit rate at .80 .85 .90 .95: ${best.join('  ')}`,
      );
    }
  }
}

const steps = (from: number, to: number, count: number) =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

function ask(
  rows: readonly StreamRow[],
  near: readonly (readonly Near[])[],
  score: (one: Near) => number,
  least: number,
  isKept: boolean,
): { hits: number; right: number; asked: number } {
  const stored = new Set<number>();
  const [low, high] = doubtBand(least);
  let [hits, right, asked] = [0, 0, 0];
  for (const [i, row] of rows.entries()) {
    const candidates = (near[i] as Near[]).filter(({ at }) => stored.has(at)).slice(0, seen);
    const best = candidates.reduce<Near | undefined>(
      (a, b) => (a === undefined || score(b) > score(a) ? b : a),
      undefined,
    );
    const isSure = candidates.some(({ alone }) => alone > high);
    if (!isSure && candidates.some(({ alone }) => alone >= low)) asked++;
    const isHit = best !== undefined && score(best) >= least;
    if (isHit) {
      hits++;
      if (row.class === (rows[best.at] as StreamRow).class) right++;
    }
    if (isKept || !isHit) stored.add(i);
  }
  return { hits, right, asked };
}

/** Of each query the nearest ones before it that no rule refuses. */
async function neighbours(
  rows: readonly StreamRow[],
  signals: Signals,
  verifier: Verifier,
): Promise<Near[][]> {
  const lists = rows.map(({ query }, i) => {
    const before = rows.slice(0, i).map((row, at) => ({ at, cosine: signals.cosine(query, row.query) }));
    return before
      .filter(({ at, cosine }) => cosine >= lookFrom && !isRefused(query, (rows[at] as StreamRow).query))
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, kept);
  });
  const text = (at: number) => (rows[at] as StreamRow).query;
  await signals.score(lists.flatMap((list, i) => list.map(({ at }) => ({ a: text(i), b: text(at) }))));
  return lists.map((list, i) =>
    list.map(({ at, cosine }) => {
      const features = pairFeatures(featuresOf(text(i)), featuresOf(text(at)), {
        cosine,
        margin: cosine,
        agreement: 1,
        rank: 0,
      });
      const pair = { asked: signals.vector(text(i)), stored: signals.vector(text(at)), features, cosine };
      const paired = verifier.withLogit(pair, signals.logit(text(i), text(at)));
      return { at, cosine, alone: verifier.probability(pair), paired };
    }),
  );
}

function isRefused(a: string, b: string): boolean {
  if (a === b) return false;
  return vetoOf(featuresOf(a), featuresOf(b), ruleNames, true) !== undefined;
}
