// Asks an embedder whether it still tells meanings apart; imported by the composition root.
import type { Embedder } from '../core/embedder.js';
import { dotProduct } from './vector.js';

/** What the check found. */
export interface Sanity {
  /** Every paraphrase is nearer, by 0.02 or more, than every unrelated pair. */
  readonly sane: boolean;
  /** One line for a log or an error. */
  readonly detail: string;
  /** Cosine of the farthest paraphrase. */
  readonly paraphrase: number;
  /** Cosine of the nearest unrelated pair. */
  readonly unrelated: number;
}

// Smaller differences are noise of an embedder that gives nearly the same vector to everything.
const MARGIN = 0.02;

type Pair = readonly [string, string];

const paraphrases: readonly Pair[] = [
  ['How can I reset my password?', 'What do I do to set a new password?'],
  ['What is the weather like in Paris today?', 'How is the weather today in Paris?'],
  ['How long does it take to boil an egg?', 'For how many minutes should an egg be boiled?'],
];
const unrelated: readonly Pair[] = [
  ['How can I reset my password?', 'For how many minutes should an egg be boiled?'],
  ['What is the weather like in Paris today?', 'Which bank offers the best loan for a house?'],
  ['Who painted the Mona Lisa?', 'Why does my bicycle chain keep slipping?'],
];

/**
 * Embeds three pairs of paraphrases and three of unrelated questions. An embedder that cannot tell them apart (wrong weights,
 * a constant answer, a damaged file) would turn every question into a hit: switch matching by meaning off then. 11 embeddings.
 * Rejects as `embed` does.
 */
export async function embedderIsSane(embedder: Embedder): Promise<Sanity> {
  const texts = [...new Set([...paraphrases, ...unrelated].flat())];
  const embeddings = await Promise.all(texts.map((text) => embedder.embed(text)));
  const vectors = new Map(texts.map((text, i) => [text, embeddings[i]?.vector as Float32Array]));
  const cosine = ([a, b]: Pair) => dotProduct(vectors.get(a) as Float32Array, vectors.get(b) as Float32Array);
  const nearest = Math.max(...unrelated.map(cosine));
  const farthest = Math.min(...paraphrases.map(cosine));
  const sane = farthest > nearest + MARGIN;
  return {
    sane,
    detail:
      `embedder ${embedder.name}: the farthest of ${paraphrases.length} paraphrases has cosine ${farthest.toFixed(3)}, ` +
      `the nearest of ${unrelated.length} unrelated pairs ${nearest.toFixed(3)}${sane ? '' : '; it does not tell meanings apart'}`,
    paraphrase: farthest,
    unrelated: nearest,
  };
}
