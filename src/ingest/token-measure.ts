// Lengths of a text in tokens of the embedder's own tokenizer, for chunk.ts. chunker.ts imports it.
import type { Embedder } from '../core/embedder.js';
import { InvalidArgumentError } from '../core/errors.js';
import { isSpace } from './boundaries.js';
import type { Measure } from './chunk.js';

// Words are counted once; a language has fewer common ones than this.
const mostRemembered = 100_000;
const wordsPerCall = 2048;
// Two halves of a longer run are tokenised as two words, which a tokenizer that gives up on long words does not mind.
const longestWord = 100;

/**
 * Counts words once and remembers them. A text's length is the sum over its words: what a WordPiece model counts exactly; other
 * tokenizers may take a few tokens less for the whole.
 */
export class TokenCounter {
  readonly #count: NonNullable<Embedder['countTokens']>;
  readonly #known = new Map<string, number>();

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for an embedder that cannot count. */
  constructor(embedder: Embedder) {
    if (embedder.countTokens === undefined) {
      const expected = `"characters" with the embedder ${embedder.name}, which counts no tokens`;
      throw new InvalidArgumentError('chunking.unit', expected, 'tokens');
    }
    this.#count = embedder.countTokens.bind(embedder);
  }

  /** The measure of one text. Cost: O(length), and a call of the embedder for each 2,048 words not met before. */
  async measure(text: string, signal?: AbortSignal): Promise<Measure> {
    const ends: number[] = [];
    const totals: number[] = [];
    let total = 0;
    for (const batch of batches(text)) {
      const counts = await this.#counts(
        batch.map(([from, to]) => text.slice(from, to)),
        signal,
      );
      for (const [index, [, to]] of batch.entries()) {
        total += counts[index] as number;
        ends.push(to);
        totals.push(total);
      }
    }
    return tokens(text, ends, totals);
  }

  async #counts(words: readonly string[], signal: AbortSignal | undefined): Promise<number[]> {
    const counts = new Map(words.map((word) => [word, this.#known.get(word)]));
    const unknown = [...counts].filter(([, count]) => count === undefined).map(([word]) => word);
    const found = unknown.length === 0 ? [] : await this.#count(unknown, { signal });
    if (this.#known.size + unknown.length > mostRemembered) this.#known.clear();
    for (const [index, word] of unknown.entries()) {
      const count = Math.max(0, Number(found[index]) || 0);
      counts.set(word, count);
      this.#known.set(word, count);
    }
    return words.map((word) => counts.get(word) as number);
  }
}

/** Words as offsets, some at a time. */
function* batches(text: string): Generator<[number, number][]> {
  let batch: [number, number][] = [];
  for (let from = 0; from < text.length; ) {
    if (isSpace(text.charCodeAt(from))) {
      from++;
      continue;
    }
    let to = from + 1;
    while (to < text.length && to - from < longestWord && !isSpace(text.charCodeAt(to))) to++;
    batch.push([from, to]);
    from = to;
    if (batch.length === wordsPerCall) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

// `totals[i]` are the tokens up to `ends[i]`. Within a word tokens are taken to be equally long.
function tokens(text: string, ends: readonly number[], totals: readonly number[]): Measure {
  const upTo = (index: number): number => {
    const word = firstAtLeast(ends, index);
    if (word === ends.length) return totals.at(-1) ?? 0;
    const [before, after] = [totals[word - 1] ?? 0, totals[word] as number];
    const start = startOf(word);
    const end = ends[word] as number;
    return index <= start ? before : before + ((after - before) * (index - start)) / (end - start);
  };
  const startOf = (word: number): number => {
    let at = ends[word - 1] ?? 0;
    while (isSpace(text.charCodeAt(at))) at++;
    return at;
  };
  const indexOf = (total: number): number => {
    const word = firstAbove(totals, total);
    if (word === ends.length) return text.length;
    const [before, after] = [totals[word - 1] ?? 0, totals[word] as number];
    const [start, end] = [startOf(word), ends[word] as number];
    return Math.floor(start + ((end - start) * (total - before)) / (after - before));
  };
  return {
    forward: (from, amount) => indexOf(upTo(from) + amount),
    backward: (to, amount) => (amount === 0 ? to : indexOf(Math.max(0, upTo(to) - amount))),
    between: (from, to) => upTo(to) - upTo(from),
  };
}

/** First position whose number is at least `value`; the numbers ascend. */
function firstAtLeast(numbers: readonly number[], value: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAbove(numbers: readonly number[], value: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
