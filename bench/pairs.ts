// How often a hit is right, on labelled question pairs: `node --import tsx bench/pairs.ts FILE`, JSONL of { a, b, same, class? }.
import { readFileSync } from 'node:fs';
import { decide } from '#dist/decide/decide.js';
import { policy } from '#dist/decide/policy.js';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { byClass } from './harness/by-class.ts';

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
  readonly class?: string;
}

const file = process.argv[2];
if (file === undefined) {
  console.error(
    'usage: node --import tsx bench/pairs.ts FILE   (JSONL of { "a": …, "b": …, "same": true | false, "class"?: … })',
  );
  process.exit(2);
}
const pairs = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Pair);

const embedder = await onnxEmbedder();
const vectors = new Map<string, Float32Array>();
const texts = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))];
for (let i = 0; i < texts.length; i += 500) {
  const some = texts.slice(i, i + 500);
  const embeddings = await Promise.all(some.map((text) => embedder.embed(text)));
  for (const [at, text] of some.entries())
    vectors.set(text, (embeddings[at] as { vector: Float32Array }).vector);
}
await embedder.close();

const judged = pairs.map((pair) => {
  const [a, b] = [vectors.get(pair.a) as Float32Array, vectors.get(pair.b) as Float32Array];
  const similarity = a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
  const entry = {
    key: '',
    scope: '',
    embedder: '',
    epoch: 0,
    question: pair.b,
    value: null,
    createdAtMs: 0,
    expiresAtMs: 0,
  };
  return { ...pair, candidate: { entry, similarity } };
});
const same = pairs.filter((pair) => pair.same).length;
const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`.padStart(8);
console.log(
  `${pairs.length} pairs, ${same} ask the same; the default threshold is ${policy().minSimilarity}`,
);
console.log('threshold   rules   hits that are right   same questions that hit');
for (const minSimilarity of [0.8, 0.85, 0.88, 0.9, 0.91, 0.92, 0.95]) {
  for (const rules of ['none', 'all'] as const) {
    const chosen = policy({ minSimilarity, rules });
    const hits = judged.filter(({ a, candidate }) => decide(a, [candidate], chosen).accepted !== undefined);
    const right = hits.filter((pair) => pair.same).length;
    console.log(
      `${minSimilarity.toFixed(2).padEnd(12)}${rules.padEnd(8)}${percent(right, hits.length)}              ${percent(right, same)}`,
    );
  }
}
const classed = judged.filter(
  (pair): pair is (typeof judged)[number] & { class: string } => pair.class !== undefined,
);
if (classed.length > 0) console.log(`\n${byClass(classed)}`);
