// The texts whose embeddings are the real vectors: question pairs where there are some, else the demo corpus. Imported by data/real.ts.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const usualPairs = fileURLToPath(new URL('../../../shared/data/question-pairs-dev.jsonl', import.meta.url));
const demo = fileURLToPath(new URL('../../docs/demo/', import.meta.url));
const shortestSentence = 12;

/** Different texts, in the order in which they come, and what they are. */
export interface Texts {
  readonly name: 'question pairs' | 'demo corpus';
  readonly texts: readonly string[];
}

/**
 * Texts of `--texts FILE` or `LLM_CACHE_BENCH_TEXTS`, JSONL of { "a", "b" } as `bench/pairs.ts` takes it; of the usual place beside the
 * checkout; or the sentences of the demo corpus. @throws when a file that was named cannot be read
 */
export function benchTexts(named = process.env.LLM_CACHE_BENCH_TEXTS): Texts {
  const file = named ?? (existsSync(usualPairs) ? usualPairs : undefined);
  if (file === undefined) return { name: 'demo corpus', texts: demoSentences() };
  const texts = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => {
      const { a, b } = JSON.parse(line) as { a: string; b: string };
      return [a, b];
    });
  return { name: 'question pairs', texts: [...new Set(texts)] };
}

function demoSentences(): string[] {
  const files = readdirSync(demo, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const sentences = files
    .flatMap((file) => readFileSync(file, 'utf8').split(/(?<=[.?!])\s+|\n+|"[,:]?\s*"?/))
    .map((text) => text.trim())
    .filter((text) => text.length >= shortestSentence);
  return [...new Set(sentences)];
}
